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
    'timeout',
    'disconnected',
    'internal',
  ];
  return new VaultError(known.find((candidate) => candidate === code) ?? 'internal');
}
