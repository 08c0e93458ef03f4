// The wire form of errors: code, retry, safe numbers. Never keys, text, JIDs or stanzas.

/** Codes that cross a runtime port. */
export type VaultErrorCode =
  | 'bad-request' // argument refused by the guard
  | 'forbidden' // this caller may not ask this
  | 'not-granted' // account not granted to this origin
  | 'no-account'
  | 'bad-bundle'
  | 'stale' // what the user decided on is no longer there
  | 'limit' // over a limit
  | 'busy' // this site asks too much at once; nothing was done
  | 'storage' // IndexedDB failed; nothing was changed
  | 'damaged' // what is stored is not what the vault has stored; nothing was changed
  | 'bad-code' // what was typed is no code of a backup
  | 'wrong-code' // the code is not that of this backup
  | 'bad-backup' // no backup, or not as it was made; nothing was changed
  | 'new-backup' // a backup of a later version
  | 'locked' // there is a passphrase, and it was not given
  | 'wrong-passphrase' // nothing was changed
  | 'throttled' // too many wrong passphrases; nothing was tried
  | 'timeout' // no answer in time
  | 'disconnected' // the port is gone for good
  | 'internal';

const RETRY: ReadonlySet<VaultErrorCode> = new Set(['storage', 'timeout', 'busy']);

/** A refusal or failure of the vault. Switch on `code`. */
export class VaultError extends Error {
  readonly code: VaultErrorCode;
  readonly retry: boolean;
  constructor(code: VaultErrorCode, options?: { cause?: unknown }) {
    super(`vault: ${code}`, options);
    this.name = 'VaultError';
    this.code = code;
    this.retry = RETRY.has(code);
  }
}

/** Rebuilds an error from its wire form; anything odd becomes `internal`. */
export function vaultErrorFrom(code: unknown): VaultError {
  const known: readonly VaultErrorCode[] = [
    'bad-request',
    'forbidden',
    'not-granted',
    'no-account',
    'bad-bundle',
    'stale',
    'limit',
    'busy',
    'storage',
    'damaged',
    'bad-code',
    'wrong-code',
    'bad-backup',
    'new-backup',
    'locked',
    'wrong-passphrase',
    'throttled',
    'timeout',
    'disconnected',
    'internal',
  ];
  return new VaultError(known.find((candidate) => candidate === code) ?? 'internal');
}
