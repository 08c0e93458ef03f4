import { describe, expect, it } from 'vitest';
import { VaultError, type VaultErrorCode } from '../../src/rpc/errors';
import { explainFailure, explainRefusal } from '../../src/rpc/reasons';
import { failureOf, refusalOf } from '../../src/session/vault-client';

/** What the page reads for each way the vault can fail, on the way out and in. */
const CODES: Readonly<Record<VaultErrorCode, readonly [refusal: string, failure: string]>> = {
  'bad-request': ['malformed', 'malformed'],
  limit: ['malformed', 'malformed'],
  busy: ['vault-busy', 'vault-busy'],
  'not-granted': ['account-pending', 'account-pending'],
  'no-account': ['account-pending', 'account-pending'],
  storage: ['storage-failed', 'storage-failed'],
  damaged: ['storage-damaged', 'storage-damaged'],
  locked: ['locked', 'locked'],
  'wrong-passphrase': ['vault-unavailable', 'vault-unavailable'],
  throttled: ['vault-unavailable', 'vault-unavailable'],
  // Only a reload helps here, and only going out has a word for it.
  disconnected: ['extension-gone', 'vault-unavailable'],
  timeout: ['vault-unavailable', 'vault-unavailable'],
  internal: ['vault-unavailable', 'vault-unavailable'],
  forbidden: ['vault-unavailable', 'vault-unavailable'],
  'bad-bundle': ['vault-unavailable', 'vault-unavailable'],
  stale: ['vault-unavailable', 'vault-unavailable'],
  // No page ever gets these.
  'bad-code': ['vault-unavailable', 'vault-unavailable'],
  'wrong-code': ['vault-unavailable', 'vault-unavailable'],
  'bad-backup': ['vault-unavailable', 'vault-unavailable'],
  'new-backup': ['vault-unavailable', 'vault-unavailable'],
};

describe('a failure of the vault', () => {
  it.each(Object.entries(CODES))('%s has its reason for the page: %j', (code, [out, into]) => {
    const error = new VaultError(code as VaultErrorCode); // a key of the table
    expect([refusalOf(error), failureOf(error)]).toEqual([out, into]);
  });

  it.each([new TypeError('x'), undefined, 'timeout', { code: 'timeout' }])(
    'of any other kind never lets a message through: %s',
    (error) => {
      expect([refusalOf(error), failureOf(error)]).toEqual(['malformed', 'malformed']);
    },
  );

  it('is told to the page in a sentence that helps', () => {
    expect(explainRefusal(refusalOf(new VaultError('disconnected')))).toContain('Reload');
    expect(explainFailure(failureOf(new VaultError('disconnected')))).toContain('Reload');
  });
});
