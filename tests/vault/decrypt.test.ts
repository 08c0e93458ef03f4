import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import { fingerprint } from '../../src/omemo/identity';
import type { DecryptOutcome, Trust, WireMessage } from '../../src/rpc/vault-api';
import { ownBundle } from '../../src/vault/accounts';
import { lockOf, scopedKey, type Context } from '../../src/vault/context';
import { createDatabase, type Change } from '../../src/vault/db';
import { decrypt } from '../../src/vault/decrypt';
import { withBundle, withList } from '../../src/vault/devices';
import { ANSWER_AGAIN_MS, ASKED_AGAIN_MS, SPENT_PREKEY_KEPT_MS } from '../../src/limits';
import { popupHandlers } from '../../src/vault/popup-handlers';
import { createPresence } from '../../src/vault/presence';
import { prepare } from '../../src/vault/recipients';
import { sessionsKey } from '../../src/vault/sessions';
import {
  accountOf,
  encryptText,
  prekeysOf,
  changePeer,
  choreKinds,
  contextOver,
  copyDatabase,
  dump,
  faulty,
  fetchBundle,
  freshName,
  jid,
  meet,
  ORIGIN,
  peerOf,
  person,
  present,
  reborn,
  receive,
  send,
  START,
  textOf,
  type Person,
} from './world';
import { property } from './property';

vi.mock('webextension-polyfill', () => ({ default: {} }));

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const TYBALT = jid('tybalt@example.org');
const MERCUTIO = jid('mercutio@example.org');

const failure = (code: string) => ({ kind: 'failed', code });

async function couple(): Promise<{ juliet: Person; romeo: Person }> {
  const juliet = await person(JULIET);
  const romeo = await person(ROMEO);
  await meet(juliet, romeo);
  return { juliet, romeo };
}

/** Both have answered: no key exchanges any more. Each knows the other's list. */
async function oldCouple(): Promise<{ juliet: Person; romeo: Person }> {
  const { juliet, romeo } = await couple();
  await meet(romeo, juliet);
  await receive(romeo, await send(juliet, ROMEO, 'one'), juliet);
  await receive(juliet, await send(romeo, JULIET, 'two'), romeo);
  return { juliet, romeo };
}

/** A device with the id of another and a key of its own. */
async function impostor(of: Person, label: string): Promise<Person> {
  const made = await person(of.scope.jid, label);
  const account = { ...(await accountOf(made)), deviceId: of.deviceId };
  const key = scopedKey(made.scope);
  await made.context.database.write([{ store: 'accounts', key, value: account }]);
  return { ...made, deviceId: of.deviceId };
}

function flipped(bytes: Uint8Array, index: number, bit = index % 8): Uint8Array {
  return bytes.map((byte, at) => (at === index ? byte ^ (1 << bit) : byte));
}

function withKeyBytes(message: WireMessage, bytes: Uint8Array): WireMessage {
  return { ...message, keys: message.keys.map((key) => ({ ...key, bytes })) };
}

const sessionsOf = ({ context, scope }: Person, peer = JULIET) =>
  context.database.get('sessions', sessionsKey(scope, LEGACY, peer));

describe('two vaults', () => {
  it('read each other over many turns, and over the death of both workers', async () => {
    let { juliet, romeo } = await couple();
    await meet(romeo, juliet);
    for (let turn = 0; turn < 10; turn++) {
      const text = `turn ${turn} 😀`;
      const there = await send(juliet, ROMEO, text);
      expect(textOf(await receive(romeo, there, juliet))).toBe(text);
      const back = await send(romeo, JULIET, `${text}!`);
      expect(textOf(await receive(juliet, back, romeo))).toBe(`${text}!`);
      if (turn % 3 === 2) [juliet, romeo] = [reborn(juliet), reborn(romeo)];
    }
    expect((await sessionsOf(romeo))?.devices[juliet.deviceId]?.archived).toEqual([]);
  });

  it('that started at the same time read both and go on', async () => {
    const { juliet, romeo } = await couple();
    await meet(romeo, juliet);
    const there = await send(juliet, ROMEO, 'a');
    const back = await send(romeo, JULIET, 'b');
    expect(textOf(await receive(romeo, there, juliet))).toBe('a');
    expect(textOf(await receive(juliet, back, romeo))).toBe('b');
    for (let turn = 0; turn < 4; turn++) {
      const one = await send(juliet, ROMEO, `one ${turn}`);
      expect(textOf(await receive(romeo, one, juliet))).toBe(`one ${turn}`);
      const two = await send(romeo, JULIET, `two ${turn}`);
      expect(textOf(await receive(juliet, two, romeo))).toBe(`two ${turn}`);
    }
  });

  it('read everything once under loss, disorder, repeats and dying workers', async () => {
    const step = fc.record({
      from: fc.constantFrom<'juliet' | 'romeo'>('juliet', 'romeo'),
      deliver: fc.array(fc.nat({ max: 30 }), { maxLength: 3 }),
      dies: fc.boolean(),
    });
    await property(fc.array(step, { minLength: 4, maxLength: 12 }), 6, async (steps) => {
      const { juliet, romeo } = await couple();
      await meet(romeo, juliet);
      const who = { juliet, romeo };
      const other = { juliet: 'romeo', romeo: 'juliet' } as const;
      const sent: { from: 'juliet' | 'romeo'; text: string; message: WireMessage }[] = [];
      const keys = new Set<string>();
      for (const [index, { from, deliver, dies }] of steps.entries()) {
        const text = `text ${index}`;
        const message = await send(who[from], who[other[from]].scope.jid, text);
        sent.push({ from, text, message });
        keys.add(present(message.keys[0]).bytes.join());
        for (const pick of deliver) {
          const chosen = present(sent[pick % sent.length]);
          const to = other[chosen.from];
          if (dies) who[to] = reborn(who[to]);
          const outcome = await receive(who[to], chosen.message, who[chosen.from]);
          expect(textOf(outcome)).toBe(chosen.text);
        }
      }
      expect(keys.size).toBe(steps.length);
      for (const { from, text, message } of sent) {
        expect(textOf(await receive(who[other[from]], message, who[from]))).toBe(text);
      }
    });
  });
});

describe('a message delivered again', () => {
  it('is answered from the archive, with nothing changed', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    const first = await receive(romeo, message, juliet);
    const stored = await dump(romeo.name);
    expect(choreKinds(first)).toEqual(['refresh-list', 'publish-bundle', 'send-empty']);
    romeo.clock.now = START + ASKED_AGAIN_MS;
    const again = await receive(romeo, message, juliet);
    expect(again).toEqual({ ...first, chores: [] });
    expect(await receive(reborn(romeo), message, juliet)).toEqual(again);
    expect(await receive(romeo, message, juliet, { senderDeviceId: 4242 })).toEqual(again);
    expect(await dump(romeo.name)).toEqual(stored);
  });

  it('at once leaves the same to be done: the first answer may not have come', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    const first = await receive(romeo, message, juliet);
    romeo.clock.now = START + ASKED_AGAIN_MS - 1;
    expect(await receive(reborn(romeo), message, juliet)).toEqual(first);
  });

  it('shows the trust the key has now', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    await receive(romeo, message, juliet);
    const { popup, shown } = await popupOf(romeo, juliet);
    await popup.setTrust({ ...shown, trust: 'distrusted' });
    expect(await receive(romeo, message, juliet)).toMatchObject({ trust: 'distrusted' });
  });

  it('in another chat is refused, ours and theirs', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    await receive(romeo, message, juliet);
    const before = await dump(romeo.name);
    expect(await receive(romeo, message, juliet, { peer: TYBALT })).toMatchObject(
      failure('wrong-chat'),
    );
    expect(await dump(romeo.name)).toEqual(before);
    expect(await receive(juliet, message, juliet, { peer: TYBALT })).toMatchObject(
      failure('wrong-chat'),
    );
  });

  it('of our own is answered from the archive in its chat', async () => {
    const { juliet } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    expect(await receive(juliet, message, juliet, { peer: ROMEO })).toEqual({
      kind: 'text',
      text: 'hello',
      trust: 'verified',
      chores: [],
    });
  });

  it('of our own that this vault never wrote is own-unknown', async () => {
    const { juliet } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    const forged = { ...message, iv: flipped(message.iv, 0) };
    expect(await receive(juliet, forged, juliet, { peer: ROMEO })).toEqual({
      ...failure('own-unknown'),
      chores: [],
    });
  });

  it('with another payload or without one is a duplicate, and does not change what is stored', async () => {
    const { juliet, romeo } = await oldCouple();
    const message = await send(juliet, ROMEO, 'hello');
    await receive(romeo, message, juliet);
    const before = await dump(romeo.name);
    const payload = flipped(present(message.payload), 0);
    expect(await receive(romeo, { ...message, payload }, juliet)).toEqual({
      ...failure('duplicate'),
      chores: [],
    });
    const { payload: _cut, ...empty } = message;
    expect(await receive(romeo, empty, juliet)).toMatchObject(failure('duplicate'));
    expect(await dump(romeo.name)).toEqual(before);
  });
});

describe('a message that is not for us', () => {
  it('is not-for-this-device when no key has our id', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    const keys = message.keys.map((key) => ({ ...key, deviceId: key.deviceId + 1 }));
    const before = await dump(romeo.name);
    expect(await receive(romeo, { ...message, keys }, juliet)).toMatchObject(
      failure('not-for-this-device'),
    );
    expect(await receive(romeo, { ...message, keys: [] }, juliet)).toMatchObject(
      failure('not-for-this-device'),
    );
    expect(await dump(romeo.name)).toEqual(before);
  });

  it('opens when one of several keys with our id is ours', async () => {
    const { juliet, romeo } = await couple();
    const tybalt = await person(TYBALT);
    await meet(juliet, tybalt);
    const message = await send(juliet, ROMEO, 'hello');
    const [other] = (await send(juliet, TYBALT, 'other')).keys;
    const wrong = { ...present(other), deviceId: romeo.deviceId };
    const both = { ...message, keys: [wrong, ...message.keys] };
    expect(textOf(await receive(romeo, both, juliet))).toBe('hello');
  });

  it('is no-session without one, and asks for the list of an unlisted device', async () => {
    const { juliet, romeo } = await oldCouple();
    const message = await send(juliet, ROMEO, 'hello');
    const fresh = await person(ROMEO);
    expect(await receive(fresh, message, juliet)).toEqual({
      ...failure('no-session'),
      chores: [{ kind: 'refresh-list', jid: JULIET, version: LEGACY }],
    });
    expect(textOf(await receive(romeo, message, juliet))).toBe('hello');
  });

  it('without iv is malformed and opens afterwards with it', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    const { payload, keys, version, senderDeviceId } = message;
    const { iv: _cut, ...request } = { ...message, isContact: true, peer: JULIET, sender: JULIET };
    expect(request).toMatchObject({ payload, keys, version, senderDeviceId });
    expect(await decrypt(romeo.context, romeo.scope, request)).toMatchObject(failure('malformed'));
    expect(textOf(await receive(romeo, message, juliet))).toBe('hello');
  });

  it('is refused for an account the vault has no device of', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    const nobody = { ...romeo, scope: { ...romeo.scope, origin: 'https://other.example.org' } };
    await expect(receive(nobody, message, juliet)).rejects.toMatchObject({ code: 'no-account' });
  });
});

/** Where the outer protobuf of a key exchange holds what no MAC covers: version byte and registration id. */
function isUncovered(bytes: Uint8Array, index: number, ownDeviceId: number): boolean {
  if (index === 0) return true;
  const id: number[] = [0x28];
  for (let rest = ownDeviceId; ; rest = Math.floor(rest / 128)) {
    id.push(rest >= 128 ? (rest % 128) + 128 : rest);
    if (rest < 128) break;
  }
  const at = bytes.join().indexOf(id.join());
  const start = bytes.join().slice(0, at).split(',').length - 1;
  return index >= start && index < start + id.length;
}

async function expectNothingFlippedOpens(
  romeo: Person,
  juliet: Person,
  message: WireMessage,
  isSkipped: (index: number) => boolean,
): Promise<number> {
  const { bytes } = present(message.keys[0]);
  const payload = present(message.payload);
  const damaged = [
    ...Array.from(bytes, (_, index) => ({ index, at: 'key' as const })),
    ...Array.from(message.iv, (_, index) => ({ index, at: 'iv' as const })),
    ...Array.from(payload, (_, index) => ({ index, at: 'payload' as const })),
  ].filter(({ at, index }) => at !== 'key' || !isSkipped(index));
  const before = await dump(romeo.name);
  const { database } = romeo.context;
  const written: Change[] = [];
  const spying = contextOver({
    ...database,
    write: (changes) => {
      written.push(...changes);
      return database.write(changes);
    },
  });
  for (const { index, at } of damaged) {
    const forged =
      at === 'key'
        ? withKeyBytes(message, flipped(bytes, index))
        : { ...message, [at]: flipped(at === 'iv' ? message.iv : payload, index) };
    const outcome = await receive({ ...romeo, context: spying }, forged, juliet);
    expect([at, index, outcome.kind, written]).toEqual([at, index, 'failed', []]);
  }
  expect(await dump(romeo.name)).toEqual(before);
  expect(textOf(await receive(romeo, message, juliet))).toBe('hello');
  return damaged.length;
}

describe('a flipped bit', () => {
  it('in any byte of an ordinary message changes no record; the genuine one opens afterwards', async () => {
    const { juliet, romeo } = await oldCouple();
    const message = await send(juliet, ROMEO, 'hello');
    const tried = await expectNothingFlippedOpens(romeo, juliet, message, () => false);
    expect(tried).toBeGreaterThan(100);
  });

  it('in any covered byte of a key exchange changes no record; the genuine one opens afterwards', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    const { bytes } = present(message.keys[0]);
    const isSkipped = (index: number) => isUncovered(bytes, index, juliet.deviceId);
    const tried = await expectNothingFlippedOpens(romeo, juliet, message, isSkipped);
    expect(tried).toBeGreaterThan(bytes.length);
  });

  it('in what no MAC covers gives the genuine text or nothing', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, ROMEO, 'hello');
    const { bytes } = present(message.keys[0]);
    for (const [index] of bytes.entries()) {
      if (!isUncovered(bytes, index, juliet.deviceId)) continue;
      const copy = freshName();
      await copyDatabase(romeo.name, copy);
      const context = contextOver(createDatabase(copy));
      const there: Person = { ...romeo, name: copy, context };
      const forged = withKeyBytes(message, flipped(bytes, index, 3));
      const outcome = await receive(there, forged, juliet);
      if (outcome.kind === 'text') expect(outcome.text).toBe('hello');
      else expect(await dump(copy)).toEqual(await dump(romeo.name));
    }
  });

  it('with a cut at any length changes no record', async () => {
    const { juliet, romeo } = await oldCouple();
    const message = await send(juliet, ROMEO, 'hello');
    const { bytes } = present(message.keys[0]);
    const before = await dump(romeo.name);
    for (let length = 0; length < bytes.length; length++) {
      const outcome = await receive(romeo, withKeyBytes(message, bytes.slice(0, length)), juliet);
      expect(outcome.kind).toBe('failed');
    }
    expect(await dump(romeo.name)).toEqual(before);
    expect(textOf(await receive(romeo, message, juliet))).toBe('hello');
  });
});

async function popupOf(of: Person, other: Person) {
  const presence = createPresence(
    () => undefined,
    () => undefined,
  );
  const popup = popupHandlers(of.context, presence);
  const shown = {
    origin: ORIGIN,
    jid: of.scope.jid,
    owner: other.scope.jid,
    deviceId: other.deviceId,
    fingerprint: fingerprint((await accountOf(other)).identity.publicKey),
    trust: 'trusted' as Trust,
  };
  return { popup, shown };
}

describe('a changed key', () => {
  it('raises the alarm, holds what we send, and is used only once the user accepted it', async () => {
    const { juliet, romeo } = await oldCouple();
    const newJuliet = await impostor(juliet, 'reinstalled');
    await meet(newJuliet, romeo);
    const message = await send(newJuliet, ROMEO, 'it is me');
    const before = await dump(romeo.name);
    expect(await receive(romeo, message, newJuliet)).toEqual({
      ...failure('key-changed'),
      chores: [],
    });
    const after = await dump(romeo.name);
    expect({ ...after, peers: {} }).toEqual({ ...before, peers: {} });
    const old = (await accountOf(juliet)).identity.publicKey;
    const offered = (await accountOf(newJuliet)).identity.publicKey;
    const [device] = (await peerOf(romeo, JULIET)).devices;
    expect(device).toMatchObject({ identityKey: old, changedKey: offered });
    expect((await peerOf(romeo, JULIET)).keys.map(({ identityKey }) => identityKey)).toEqual([old]);

    const { context, scope } = romeo;
    expect(await encryptText(context, scope, JULIET, 'r', 'x')).toEqual({
      kind: 'refused',
      code: 'key-changed',
    });
    expect(await receive(romeo, message, newJuliet)).toMatchObject(failure('key-changed'));

    const { popup, shown } = await popupOf(romeo, newJuliet);
    const stale = fingerprint(old);
    await expect(popup.setTrust({ ...shown, fingerprint: stale })).rejects.toMatchObject({
      code: 'stale',
    });
    await expect(popup.setTrust({ ...shown, deviceId: 5 })).rejects.toMatchObject({
      code: 'stale',
    });
    await popup.setTrust(shown);
    expect((await peerOf(romeo, JULIET)).devices[0]).not.toHaveProperty('changedKey');
    expect(await receive(romeo, message, newJuliet)).toMatchObject({
      kind: 'text',
      text: 'it is me',
      trust: 'trusted',
    });
    const back = await send(romeo, JULIET, 'welcome');
    expect(textOf(await receive(newJuliet, back, romeo))).toBe('welcome');
  });

  it('accepted means a new session from a new bundle, never the old one', async () => {
    const { juliet, romeo } = await oldCouple();
    const newJuliet = await impostor(juliet, 'reinstalled');
    const { bundle } = await ownBundle(newJuliet.context, newJuliet.scope, LEGACY);
    await changePeer(romeo, JULIET, (record) =>
      withBundle(record, juliet.deviceId, LEGACY, bundle, 'blind', START),
    );
    const { popup, shown } = await popupOf(romeo, newJuliet);
    await popup.setTrust({ ...shown, trust: 'verified' });
    const { context, scope } = romeo;
    expect(await encryptText(context, scope, JULIET, 'r', 'x')).toMatchObject({ kind: 'refused' });
    const needed = await context.transactions.run(lockOf(scope), (unit) =>
      prepare(unit, scope, JULIET, START),
    );
    expect(needed).toMatchObject({ bundles: [{ jid: JULIET, deviceId: juliet.deviceId }] });
    await fetchBundle(romeo, newJuliet);
    const message = await send(romeo, JULIET, 'hello');
    expect(textOf(await receive(newJuliet, message, romeo))).toBe('hello');
    expect((await receive(juliet, message, romeo)).kind).toBe('failed');
  });

  it('does not keep late messages of the former key from being read, and the alarm stays', async () => {
    const { juliet, romeo } = await oldCouple();
    const late = await send(juliet, ROMEO, 'late');
    const newJuliet = await impostor(juliet, 'reinstalled');
    await meet(newJuliet, romeo);
    await receive(romeo, await send(newJuliet, ROMEO, 'x'), newJuliet);
    expect(textOf(await receive(romeo, late, juliet))).toBe('late');
    expect((await peerOf(romeo, JULIET)).devices[0]).toHaveProperty('changedKey');
  });

  it('that was accepted is no alarm again when a late message of the former key comes', async () => {
    const { juliet, romeo } = await oldCouple();
    const late = await send(juliet, ROMEO, 'late');
    const newJuliet = await impostor(juliet, 'reinstalled');
    await meet(newJuliet, romeo);
    const message = await send(newJuliet, ROMEO, 'x');
    await receive(romeo, message, newJuliet);
    const { popup, shown } = await popupOf(romeo, newJuliet);
    await popup.setTrust(shown);
    await receive(romeo, message, newJuliet);
    const before = await peerOf(romeo, JULIET);
    expect(textOf(await receive(romeo, late, juliet))).toBe('late');
    expect(await peerOf(romeo, JULIET)).toEqual(before);
  });

  it('that is distrusted keeps the alarm', async () => {
    const { juliet, romeo } = await oldCouple();
    const newJuliet = await impostor(juliet, 'reinstalled');
    await meet(newJuliet, romeo);
    const message = await send(newJuliet, ROMEO, 'x');
    await receive(romeo, message, newJuliet);
    const { popup, shown } = await popupOf(romeo, newJuliet);
    await popup.setTrust({ ...shown, trust: 'distrusted' });
    expect((await peerOf(romeo, JULIET)).devices[0]).toHaveProperty('changedKey');
    expect(await receive(romeo, message, newJuliet)).toMatchObject(failure('key-changed'));
  });
});

describe('a used prekey', () => {
  it('is removed with the message that used it, and refilled under a new id', async () => {
    const { juliet, romeo } = await couple();
    const before = await prekeysOf(romeo);
    const message = await send(juliet, ROMEO, 'hello');
    await receive(romeo, message, juliet);
    const after = await prekeysOf(romeo);
    const ids = after.oneTimePrekeys.map(({ id }) => id);
    const [used] = before.oneTimePrekeys.filter(({ id }) => !ids.includes(id));
    expect(ids).toHaveLength(99);
    const { bundle } = await ownBundle(romeo.context, romeo.scope, LEGACY);
    expect(bundle.oneTimePrekeys).toHaveLength(100);
    expect(bundle.oneTimePrekeys.map(({ id }) => id)).not.toContain(present(used).id);
    expect(bundle.oneTimePrekeys.at(-1)?.id).toBe(101);
    const stored = await prekeysOf(romeo);
    expect(stored.oneTimePrekeys.map(({ id }) => id)).toEqual(
      bundle.oneTimePrekeys.map(({ id }) => id),
    );
  });

  it('opens what someone else sent with the same one for an hour, and not afterwards', async () => {
    const { juliet, romeo } = await couple();
    const tybalt = await person(TYBALT);
    const mercutio = await person(MERCUTIO);
    const { bundle } = await ownBundle(romeo.context, romeo.scope, LEGACY);
    const single = { ...bundle, oneTimePrekeys: bundle.oneTimePrekeys.slice(3, 4) };
    for (const each of [juliet, tybalt, mercutio]) {
      await changePeer(each, ROMEO, (record) => {
        const listed = withList(
          record,
          LEGACY,
          { kind: 'present', value: [romeo.deviceId] },
          START,
        );
        return withBundle(listed, romeo.deviceId, LEGACY, single, 'blind', START);
      });
    }
    const one = await send(juliet, ROMEO, 'one');
    const two = await send(tybalt, ROMEO, 'two');
    const three = await send(mercutio, ROMEO, 'three');
    expect(textOf(await receive(romeo, one, juliet))).toBe('one');
    romeo.clock.now += SPENT_PREKEY_KEPT_MS - 1;
    await ownBundle(romeo.context, romeo.scope, LEGACY);
    expect(textOf(await receive(romeo, two, tybalt))).toBe('two');
    // The first use counts.
    romeo.clock.now += 1;
    await ownBundle(romeo.context, romeo.scope, LEGACY);
    const before = await dump(romeo.name);
    expect(await receive(romeo, three, mercutio)).toMatchObject(failure('unknown-prekey'));
    expect(await dump(romeo.name)).toEqual(before);
    const next = await send(juliet, ROMEO, 'same session');
    expect(textOf(await receive(romeo, next, juliet))).toBe('same session');
  });
});

describe('chores', () => {
  const chores = (outcome: DecryptOutcome) => outcome.chores;
  const publish = { kind: 'publish-bundle', version: LEGACY };
  const answer = (deviceId: number) => ({
    kind: 'send-empty',
    jid: JULIET,
    deviceId,
    version: LEGACY,
  });

  it('are a new bundle and no answer for a stranger', async () => {
    const { juliet, romeo } = await couple();
    await meet(romeo, juliet);
    const message = await send(juliet, ROMEO, 'hello');
    expect(chores(await receive(romeo, message, juliet, { isContact: false }))).toEqual([publish]);
  });

  it('are an answer for a contact', async () => {
    const { juliet, romeo } = await couple();
    await meet(romeo, juliet);
    const message = await send(juliet, ROMEO, 'hello');
    expect(chores(await receive(romeo, message, juliet))).toEqual([
      publish,
      answer(juliet.deviceId),
    ]);
  });

  it('are an answer for someone we have written to', async () => {
    const { juliet, romeo } = await couple();
    await meet(romeo, juliet);
    await send(romeo, JULIET, 'lost');
    const message = await send(juliet, ROMEO, 'hello');
    expect(chores(await receive(romeo, message, juliet, { isContact: false }))).toEqual([
      publish,
      answer(juliet.deviceId),
    ]);
  });

  it('are another answer when ten minutes later the key exchange still comes (I-32)', async () => {
    const { juliet, romeo } = await couple();
    await meet(romeo, juliet);
    const hear = async (text: string) =>
      chores(await receive(romeo, await send(juliet, ROMEO, text), juliet));
    expect(await hear('hello')).toEqual([publish, answer(juliet.deviceId)]);
    romeo.clock.now += ANSWER_AGAIN_MS - 1;
    expect(await hear('are you there?')).toEqual([]);
    romeo.clock.now += 1;
    expect(await hear('still there?')).toEqual([answer(juliet.deviceId)]);
    expect(await hear('well then')).toEqual([]);
    romeo.clock.now += ANSWER_AGAIN_MS;
    expect(await hear('good night')).toEqual([answer(juliet.deviceId)]);
  });

  it('are no other answer once ours was read', async () => {
    const { juliet, romeo } = await oldCouple();
    romeo.clock.now += ANSWER_AGAIN_MS;
    const message = await send(juliet, ROMEO, 'hello');
    expect(chores(await receive(romeo, message, juliet))).toEqual([]);
  });

  it('are an answer for our own other device', async () => {
    const { juliet } = await couple();
    const phone = await person(JULIET, 'phone');
    await meet(juliet, phone, juliet);
    await meet(phone, phone, juliet);
    const message = await send(juliet, ROMEO, 'hello');
    const outcome = await receive(phone, message, juliet, { peer: ROMEO, isContact: false });
    expect(chores(outcome)).toEqual([publish, answer(juliet.deviceId)]);
  });

  it('are the list of a device that is not on it', async () => {
    const { juliet, romeo } = await couple();
    const refresh = { kind: 'refresh-list', jid: JULIET, version: LEGACY };
    const message = await send(juliet, ROMEO, 'hello');
    const outcome = await receive(romeo, message, juliet, { isContact: false });
    expect(chores(outcome)).toEqual([refresh, publish]);
    const next = await send(juliet, ROMEO, 'again');
    // A contact by now, who has no answer yet.
    expect(chores(await receive(romeo, next, juliet))).toEqual([refresh, answer(juliet.deviceId)]);
    await meet(romeo, juliet);
    const last = await send(juliet, ROMEO, 'again');
    expect(chores(await receive(romeo, last, juliet))).toEqual([]);
  });

  it('are one heartbeat for the first message beyond 52 of a chain', async () => {
    const { juliet, romeo } = await oldCouple();
    const sent: WireMessage[] = [];
    for (let n = 0; n < 55; n++) sent.push(await send(juliet, ROMEO, String(n)));
    expect(chores(await receive(romeo, present(sent[52]), juliet))).toEqual([]);
    expect(chores(await receive(romeo, present(sent[53]), juliet))).toEqual([
      answer(juliet.deviceId),
    ]);
    expect(chores(await receive(romeo, present(sent[54]), juliet))).toEqual([]);
  });
});

describe('a changed sender id', () => {
  const FALSE_ID = 999;

  it('of a first message does not keep later genuine ones from being read', async () => {
    const { juliet, romeo } = await couple();
    const first = await send(juliet, ROMEO, 'first');
    const forged = await receive(romeo, first, juliet, { senderDeviceId: FALSE_ID });
    expect(textOf(forged)).toBe('first');
    expect(textOf(await receive(romeo, first, juliet))).toBe('first');
    const second = await send(juliet, ROMEO, 'second');
    expect(textOf(await receive(romeo, second, juliet))).toBe('second');
    const { devices } = await peerOf(romeo, JULIET);
    expect(devices.map(({ deviceId }) => deviceId)).toEqual([juliet.deviceId]);
    const sessions = await sessionsOf(romeo);
    expect(Object.keys(sessions?.devices ?? {})).toEqual([String(juliet.deviceId)]);
    await meet(romeo, juliet);
    const back = await send(romeo, JULIET, 'back');
    expect(textOf(await receive(juliet, back, romeo))).toBe('back');
  });

  it('of a listed device with a known key is refused and changes nothing', async () => {
    const { juliet, romeo } = await couple();
    await meet(romeo, juliet);
    const first = await send(juliet, ROMEO, 'first');
    const before = await dump(romeo.name);
    expect(await receive(romeo, first, juliet, { senderDeviceId: FALSE_ID })).toMatchObject(
      failure('malformed'),
    );
    expect(await dump(romeo.name)).toEqual(before);
    expect(textOf(await receive(romeo, first, juliet))).toBe('first');
  });

  it('of an ordinary message opens nothing and changes nothing', async () => {
    const { juliet, romeo } = await oldCouple();
    const message = await send(juliet, ROMEO, 'hello');
    const before = await dump(romeo.name);
    expect(await receive(romeo, message, juliet, { senderDeviceId: FALSE_ID })).toMatchObject(
      failure('no-session'),
    );
    expect(await dump(romeo.name)).toEqual(before);
    expect(textOf(await receive(romeo, message, juliet))).toBe('hello');
  });

  it('does not lose the session when there is one under the genuine id by then', async () => {
    const { juliet, romeo } = await couple();
    await changePeer(romeo, JULIET, (record) =>
      withList(record, LEGACY, { kind: 'present', value: [juliet.deviceId] }, START),
    );
    const first = await send(juliet, ROMEO, 'first');
    const outcome = await receive(romeo, first, juliet, { senderDeviceId: FALSE_ID });
    expect(textOf(outcome)).toBe('first');
    await fetchBundle(romeo, juliet);
    const own = await send(romeo, JULIET, 'started by romeo');
    const second = await send(juliet, ROMEO, 'second');
    expect(textOf(await receive(romeo, second, juliet))).toBe('second');
    expect(textOf(await receive(juliet, own, romeo))).toBe('started by romeo');
    const third = await send(juliet, ROMEO, 'third');
    expect(textOf(await receive(romeo, third, juliet))).toBe('third');
  });
});

describe('a failing write', () => {
  it('of a message leaves every record as it was, and the same message opens afterwards', async () => {
    const base = await couple();
    const messages = [];
    for (const text of ['one', 'two', 'three']) messages.push(await send(base.juliet, ROMEO, text));
    for (let nth = 1; nth <= 4; nth++) {
      const name = freshName();
      await copyDatabase(base.romeo.name, name);
      const context: Context = contextOver(faulty(createDatabase(name), nth));
      const romeo: Person = { ...base.romeo, name, context };
      let failures = 0;
      const texts: string[] = [];
      for (const message of messages) {
        const before = await dump(name);
        const read = () => receive(romeo, message, base.juliet);
        const outcome = await read().catch(async (error: unknown) => {
          expect(error).toEqual(new Error('disk full'));
          failures += 1;
          expect(await dump(name)).toEqual(before);
          return read();
        });
        texts.push(textOf(outcome));
      }
      expect(texts).toEqual(['one', 'two', 'three']);
      expect(failures).toBe(nth <= 3 ? 1 : 0);
      expect((await prekeysOf(romeo)).oneTimePrekeys).toHaveLength(99);
    }
  });
});
