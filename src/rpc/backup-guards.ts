// Guards for the requests about backups.
import { MAX_BACKUP_PIECE, MAX_TYPED_CODE } from '../limits';
import type { BackupApi, RestorePiece } from './backup-api';
import { bool, bytes, integer, nothing, record, text, type Guard } from './guards';

const ID = integer(1, Number.MAX_SAFE_INTEGER);
const PIECE: Guard<RestorePiece> = record({
  id: ID,
  bytes: bytes(0, MAX_BACKUP_PIECE),
  isLast: bool,
});

/** One guard per request of `BackupApi`. */
export const BACKUP_GUARDS: { readonly [N in keyof BackupApi]: Guard<BackupApi[N]['arg']> } = {
  accounts: nothing,
  backupBegin: nothing,
  backupNext: record({ id: ID }),
  backupSaved: record({ id: ID }),
  restoreBegin: record({ code: text(MAX_TYPED_CODE) }),
  restoreRead: PIECE,
  restoreReview: record({ id: ID }),
  restoreTexts: PIECE,
  restoreApply: record({ id: ID }),
};
