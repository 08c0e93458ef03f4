// Typed calls to the vault, and what its failures mean for a message.
import { VaultError } from '../rpc/errors';
import type { Client } from '../rpc/port';
import type { FailureCode, RefusalCode } from '../rpc/reasons';
import type { ContentApi } from '../rpc/vault-api';

export type VaultClient = Client<ContentApi>;

/** How long a message of the page waits for the vault before it is refused. */
export const OUT_LIMIT_MS = 20_000;
/** How long a message from the server waits before the page sees an explanation instead. */
export const IN_LIMIT_MS = 10_000;

/** Why a message does not leave when the vault fails. */
export function refusalOf(error: unknown): RefusalCode {
  if (!(error instanceof VaultError)) return 'malformed';
  if (error.code === 'disconnected') return 'extension-gone';
  if (error.code === 'busy') return 'vault-busy';
  if (error.code === 'storage') return 'storage-failed';
  if (error.code === 'damaged') return 'storage-damaged';
  if (error.code === 'locked') return 'locked';
  if (error.code === 'not-granted' || error.code === 'no-account') return 'account-pending';
  if (error.code === 'bad-request' || error.code === 'limit') return 'malformed';
  return 'vault-unavailable';
}

/** Why a message cannot be shown when the vault fails. */
export function failureOf(error: unknown): FailureCode {
  if (!(error instanceof VaultError)) return 'malformed';
  if (error.code === 'busy') return 'vault-busy';
  if (error.code === 'storage') return 'storage-failed';
  if (error.code === 'damaged') return 'storage-damaged';
  if (error.code === 'locked') return 'locked';
  if (error.code === 'not-granted' || error.code === 'no-account') return 'account-pending';
  if (error.code === 'bad-request' || error.code === 'limit') return 'malformed';
  return 'vault-unavailable';
}
