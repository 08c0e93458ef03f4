// A vault that answers what a test says: for tests that are about faults, or about stanzas only.
import type { ContentApi } from '../../src/rpc/vault-api';
import type { VaultClient } from '../../src/session/vault-client';

export type Answers = {
  readonly [N in keyof ContentApi]?: (
    arg: ContentApi[N]['arg'],
  ) => ContentApi[N]['result'] | Promise<ContentApi[N]['result']>;
};

/** Answers `null` to what the test says nothing about, and remembers what it was asked. */
export class ScriptedVault {
  readonly calls: { readonly name: string; readonly arg: unknown }[] = [];
  readonly client: VaultClient;

  /** @param before what happens before each answer. */
  constructor(answers: Answers, before: () => Promise<void> = () => Promise.resolve()) {
    const request = async (name: keyof Answers, arg: never): Promise<unknown> => {
      this.calls.push({ name, arg });
      await before();
      const answer = answers[name];
      return answer === undefined ? null : answer(arg);
    };
    this.client = {
      request: request as VaultClient['request'], // each answer has the type of its request
      onEvent: () => () => undefined,
      renew: () => undefined,
      close: () => undefined,
    };
  }

  asked(name: keyof ContentApi): unknown[] {
    return this.calls.filter((call) => call.name === name).map(({ arg }) => arg);
  }
}

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);

/** A bundle of the right lengths. */
export function bundle(value = 7): ContentApi['ownBundle']['result']['bundle'] {
  return {
    identityKey: bytes(32, value),
    signedPrekey: { id: 1, publicKey: bytes(32, value), signature: bytes(64, value) },
    oneTimePrekeys: [1, 2].map((id) => ({ id, publicKey: bytes(32, value + id) })),
  };
}
