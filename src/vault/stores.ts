// The stores of the database, and what is in them.
import type {
  AccountRecord,
  ArchiveRecord,
  PeerRecord,
  RequestRecord,
  SessionsRecord,
  SiteCapsRecord,
  SiteRecord,
  StrangersRecord,
  StreamRecord,
} from './records';

/** Records by store. */
export interface Stores {
  sites: SiteRecord;
  accounts: AccountRecord;
  peers: PeerRecord;
  sessions: SessionsRecord;
  archive: ArchiveRecord;
  requests: RequestRecord;
  streams: StreamRecord;
  caps: SiteCapsRecord;
  strangers: StrangersRecord;
}

/** The name of a store. */
export type StoreName = keyof Stores;

/** All stores of sealed records. */
export const STORE_NAMES: readonly StoreName[] = [
  'sites',
  'accounts',
  'peers',
  'sessions',
  'archive',
  'requests',
  'streams',
  'caps',
  'strangers',
];
