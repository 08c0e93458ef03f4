// Whenever the worker dies or the disk is full, the page asks again and nothing has happened but what it was told (M72, M77):
// every text goes out once and opens, every text that came is shown, again and again, and no key is taken twice.
import { describe, expect, it, vi } from 'vitest';
import type { OmemoVersion } from '../../src/omemo/types';
import { LEGACY, OMEMO2, VERSIONS } from '../../src/rpc/versions';
import type { DecryptRequest, EncryptedMessage, EncryptOutcome } from '../../src/rpc/vault-api';
import { ownBundle } from '../../src/vault/accounts';
import { createDatabase } from '../../src/vault/db';
import { newSite } from '../../src/vault/records';
import { keyPlace } from '../support/key-place';
import { DOCUMENT, victim, type Fault, type Victim } from './mortal';
import {
  encryptText,
  envelopeOf,
  freshName,
  jid,
  meetIn,
  messageIn,
  ORIGIN,
  person,
  receive,
  requestOf,
  START,
  textOf,
  type Person,
} from './world';

vi.mock('webextension-polyfill', () => ({ default: {} }));

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const NURSE = jid('nurse@example.net');
const ENDPOINT = 'xmpp.example.org';
const DAY_MS = 24 * 60 * 60 * 1000;

async function protect(name: string): Promise<void> {
  const accounts = [{ jid: JULIET, endpoint: ENDPOINT, decision: 'granted' as const }];
  const value = { ...newSite(ORIGIN), isProtected: true, accounts };
  await createDatabase(name).write([{ store: 'sites', key: ORIGIN, value }]);
}

/** Runs `scenario` without a fault, then with every fault at every moment of it. Answers how many runs that were. */
async function atEveryMoment(scenario: (fault: Fault) => Promise<Victim>): Promise<number> {
  const { operations, writes } = (await scenario({ kind: 'none' })).counts;
  const upTo = (end: number): number[] => Array.from({ length: end }, (_, index) => index + 1);
  const faults: readonly Fault[] = [
    ...upTo(operations).map((operation) => ({ kind: 'dies before', operation }) as const),
    ...upTo(writes).map((write) => ({ kind: 'dies after', write }) as const),
    ...upTo(writes).map((write) => ({ kind: 'is full', write }) as const),
  ];
  for (const fault of faults) {
    const { faults: met } = await scenario(fault).catch((cause: unknown) => {
      throw new Error(`the vault ${JSON.stringify(fault)}`, { cause });
    });
    expect(met, JSON.stringify(fault)).toBe(1);
  }
  return faults.length;
}

describe('a device that is made and published', () => {
  it('is the one the page was told of, with the keys it has published', async () => {
    const publish = async (fault: Fault): Promise<Victim> => {
      const name = freshName();
      await protect(name);
      const clock = { now: START };
      const made = victim({ name, clock, scope: { origin: ORIGIN, jid: JULIET } }, fault);
      const attach = () =>
        made.ask((vault) => vault.attach(DOCUMENT, { stream: 1, jid: JULIET, endpoint: ENDPOINT }));
      const told = [await attach()];
      const { deviceId } = await made.ask((vault) =>
        vault.claimDeviceId(DOCUMENT, { jid: JULIET, listed: [4711] }),
      );
      const bundleIn = (version: OmemoVersion) =>
        made.ask((vault) => vault.ownBundle(DOCUMENT, { jid: JULIET, version }));
      const published = [await bundleIn(LEGACY), await bundleIn(OMEMO2)];
      await made.ask((vault) => vault.published(DOCUMENT, { jid: JULIET, deviceId }));
      told.push(await attach());
      expect(told).toEqual([
        { kind: 'granted', deviceId },
        { kind: 'granted', deviceId },
      ]);
      expect([await bundleIn(LEGACY), await bundleIn(OMEMO2)]).toEqual(published);
      return made;
    };
    expect(await atEveryMoment(publish)).toBeGreaterThan(20);
  }, 120_000);
});

class Chat {
  readonly #juliet: Person;
  readonly #vault: Victim;
  readonly #places: string[] = [];
  readonly #sent: (readonly [EncryptedMessage, Person, string])[] = [];
  readonly #came: (readonly [DecryptRequest, string])[] = [];
  #requests = 0;

  constructor(juliet: Person, vault: Victim) {
    this.#juliet = juliet;
    this.#vault = vault;
  }

  /** What the page fetches about somebody, with one list absent. */
  async meets(device: Person, version: OmemoVersion): Promise<void> {
    const owner = device.scope.jid;
    for (const each of VERSIONS) {
      const list =
        each === version
          ? ({ kind: 'present', value: [device.deviceId] } as const)
          : ({ kind: 'absent' } as const);
      await this.#vault.ask((vault) =>
        vault.listSeen(DOCUMENT, { jid: JULIET, owner, version: each, list }),
      );
    }
    const { deviceId } = device;
    const { bundle } = await ownBundle(device.context, device.scope, version);
    await this.#vault.ask((vault) =>
      vault.bundleSeen(DOCUMENT, {
        ...{ jid: JULIET, owner, deviceId, version },
        bundle: { kind: 'present', value: bundle },
      }),
    );
  }

  /** A text of the page, which asks twice: it must get the same bytes. The other side opens it. */
  async writes(text: string, to: Person, version: OmemoVersion): Promise<void> {
    const peer = to.scope.jid;
    const requestId = `page ${++this.#requests}`;
    const message = { jid: JULIET, peer, requestId, text, envelope: envelopeOf(text) };
    const ask = (): Promise<EncryptOutcome> =>
      this.#vault.ask((vault) => vault.encrypt(DOCUMENT, message));
    const sent = messageIn(version, await ask());
    expect(messageIn(version, await ask())).toEqual(sent);
    for (const { bytes, isKeyExchange } of sent.keys) {
      this.#places.push(keyPlace(version, bytes, isKeyExchange));
    }
    const shown = version === LEGACY ? text : envelopeOf(text);
    expect(textOf(await receive(to, sent, this.#juliet))).toBe(shown);
    this.#sent.push([sent, to, shown]);
  }

  /** A text that comes for the page. */
  async reads(text: string, from: Person, version: OmemoVersion): Promise<readonly string[]> {
    const requestId = `peer ${++this.#requests}`;
    const sent = messageIn(
      version,
      await encryptText(from.context, from.scope, JULIET, requestId, text),
    );
    const request = requestOf(sent, from);
    const shown = version === LEGACY ? text : envelopeOf(text);
    const outcome = await this.#vault.ask((vault) =>
      vault.decrypt(DOCUMENT, { jid: JULIET, request }),
    );
    expect(textOf(outcome)).toBe(shown);
    this.#came.push([request, shown]);
    return outcome.chores.map(({ kind }) => kind);
  }

  /** The answer without text to a key exchange. */
  async answers(to: Person, version: OmemoVersion): Promise<void> {
    const { jid: peer } = to.scope;
    const address = { jid: JULIET, peer, deviceId: to.deviceId, version, requestId: 'answer' };
    const outcome = await this.#vault.ask((vault) => vault.encryptEmpty(DOCUMENT, address));
    expect(await receive(to, messageIn(version, outcome), this.#juliet)).toMatchObject({
      kind: 'empty',
    });
  }

  /** Everything is fetched again from the server, as after a reload, in a worker of its own. */
  async isShownAgain(): Promise<void> {
    const again = victim(this.#juliet, { kind: 'none' });
    const textsOf = (requests: readonly DecryptRequest[]) =>
      Promise.all(
        requests.map(async (request) =>
          textOf(await again.ask((vault) => vault.decrypt(DOCUMENT, { jid: JULIET, request }))),
        ),
      );
    expect(await textsOf(this.#came.map(([request]) => request))).toEqual(
      this.#came.map(([, text]) => text),
    );
    const own = this.#sent.map(([message, to]) => ({
      ...requestOf(message, this.#juliet),
      peer: to.scope.jid,
    }));
    expect(await textsOf(own)).toEqual(this.#sent.map(([, , text]) => text));
    expect(new Set(this.#places).size).toBe(this.#places.length);
  }
}

describe('a chat in both versions', () => {
  it('loses nothing, doubles nothing and takes no key twice', async () => {
    const chat = async (fault: Fault): Promise<Victim> => {
      const clock = { now: START };
      const juliet = await person(JULIET, JULIET, clock);
      await protect(juliet.name);
      const romeo = await person(ROMEO, ROMEO, clock);
      const nurse = await person(NURSE, NURSE, clock);
      await meetIn(LEGACY, romeo, juliet);
      await meetIn(OMEMO2, nurse, juliet);
      const vault = victim(juliet, fault);
      const page = new Chat(juliet, vault);
      await page.meets(romeo, LEGACY);
      await page.writes('one', romeo, LEGACY);
      await page.reads('two', romeo, LEGACY);
      await page.writes('three', romeo, LEGACY);
      expect(await page.reads('four', nurse, OMEMO2)).toContain('send-empty');
      await page.meets(nurse, OMEMO2);
      await page.answers(nurse, OMEMO2);
      await page.reads('five', nurse, OMEMO2);
      await page.writes('six', nurse, OMEMO2);
      clock.now += 8 * DAY_MS;
      for (const version of VERSIONS) {
        await vault.ask((handlers) => handlers.ownBundle(DOCUMENT, { jid: JULIET, version }));
      }
      await page.reads('seven', romeo, LEGACY);
      await page.writes('eight', romeo, LEGACY);
      await page.isShownAgain();
      return vault;
    };
    expect(await atEveryMoment(chat)).toBeGreaterThan(150);
  }, 240_000);
});
