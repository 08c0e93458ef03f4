// How the vault stands and what the user decides about what is lost of it (M78): what the popup asks first.
import type { HealthView } from '../rpc/popup-api';
import type { KeptDatabase } from './db';
import { dropNotice, readNotice } from './notices';
import type { CopyArea } from './second-copy';

/** The health of a vault. */
export interface Health {
  /** @throws VaultError `storage` */
  view(): Promise<HealthView>;
  /** The notice was read. */
  acknowledge(): Promise<void>;
  /** Gives up what cannot be read. @throws VaultError `storage` */
  discard(): Promise<void>;
}

/** The health of what lies in a database and in its second copy. */
export function createHealth(database: KeptDatabase, area: CopyArea): Health {
  return {
    async view() {
      const { kind } = await database.condition();
      const notice = await readNotice(area).catch(() => undefined);
      return { condition: kind, ...(notice !== undefined && { notice }) };
    },
    acknowledge: () => dropNotice(area),
    discard: () => database.discard(),
  };
}
