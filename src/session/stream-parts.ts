// What a stream is given as it opens.
import type { BridgeMessage } from '../rpc/page-api';
import type { StreamMemory } from './observe';
import type { UnsentMessages } from './unsent';
import type { VaultClient } from './vault-client';

/** The parts a stream is given. */
export interface StreamParts {
  readonly stream: number;
  readonly url: string;
  /** Of a BOSH session that is older than the document. */
  readonly sid?: string | undefined;
  readonly vault: VaultClient;
  /** Of the document. */
  readonly memory: StreamMemory;
  /** Of the document. */
  readonly unsent: UnsentMessages;
  post(message: BridgeMessage): void;
}
