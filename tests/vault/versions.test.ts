// Both versions in one vault (design D3, D4): one identity and one trust, prekeys, lists and sessions apart.
import { describe, expect, it } from 'vitest';
import { protocolFor } from '../../src/omemo/protocol';
import type { OmemoVersion } from '../../src/omemo/types';
import { LEGACY, OMEMO2, VERSIONS } from '../../src/rpc/versions';
import { lockOf } from '../../src/vault/context';
import { factsOf } from '../../src/vault/device-facts';
import { deviceOf, withBundle, withList, withoutBundle } from '../../src/vault/devices';
import { encryptEmpty } from '../../src/vault/encrypt';
import { ownBundle } from '../../src/vault/accounts';
import { LIST_AGE_MS, LIST_RETRY_MS, NO_BUNDLE_MS } from '../../src/limits';
import { prepare } from '../../src/vault/recipients';
import { trustOf, withTrust } from '../../src/vault/trust';
import { couple, JULIET, ROMEO, write } from './couple';
import {
  accountOf,
  changePeer,
  dump,
  envelopeOf,
  meet,
  meetIn,
  messageIn,
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

const preparation = ({ context, scope }: Person, peer = ROMEO) =>
  context.transactions.run(lockOf(scope), (unit) => prepare(unit, scope, peer, context.now()));

const list = (who: Person, version: OmemoVersion, ...ids: number[]) =>
  changePeer(who, ROMEO, (record) =>
    withList(record, version, { kind: 'present', value: ids }, who.clock.now),
  );

describe('a device on the list of OMEMO 2 only', () => {
  it('gets the envelope in OMEMO 2, and answers in the same session', async () => {
    const { juliet, romeo } = await couple(OMEMO2);
    const outcome = await write(juliet, 'hello');
    const message = messageIn(OMEMO2, outcome);
    expect(outcome).toMatchObject({ messages: [{ version: OMEMO2 }], skipped: [] });
    expect(message.keys.map(({ jid: owner, deviceId }) => [owner, deviceId])).toEqual([
      [ROMEO, romeo.deviceId],
    ]);
    expect(message).not.toHaveProperty('iv');
    expect(textOf(await receive(romeo, message, juliet))).toBe(envelopeOf('hello'));
    const answer = messageIn(OMEMO2, await write(romeo, 'answer', JULIET));
    expect(textOf(await receive(juliet, answer, romeo))).toBe(envelopeOf('answer'));
    const next = messageIn(OMEMO2, await write(juliet, 'next'));
    expect(next.keys.map(({ isKeyExchange }) => isKeyExchange)).toEqual([false]);
    expect(textOf(await receive(reborn(romeo), next, juliet))).toBe(envelopeOf('next'));
  });

  it('shows the same again, to both sides', async () => {
    const { juliet, romeo } = await couple(OMEMO2);
    const message = messageIn(OMEMO2, await write(juliet, 'hello'));
    for (let times = 0; times < 2; times++) {
      expect(textOf(await receive(romeo, message, juliet))).toBe(envelopeOf('hello'));
      const own = await receive(juliet, message, juliet, { peer: ROMEO });
      expect(textOf(own)).toBe(envelopeOf('hello'));
    }
  });

  it('gives the same bytes for the same request', async () => {
    const { juliet } = await couple(OMEMO2);
    const first = await write(juliet, 'hello', ROMEO, 'same');
    const before = await dump(juliet.name);
    expect(await write(reborn(juliet), 'hello', ROMEO, 'same')).toEqual(first);
    expect(await dump(juliet.name)).toEqual(before);
  });

  it('tells the same fingerprint as in legacy, and shares its trust', async () => {
    const { juliet, romeo } = await couple(OMEMO2, LEGACY);
    const record = await peerOf(juliet, ROMEO);
    const { identity } = await accountOf(romeo);
    expect(record.keys).toHaveLength(1);
    expect(present(record.devices[0]).identityKey).toEqual(identity.publicKey);
    await changePeer(juliet, ROMEO, (peer) =>
      withTrust(peer, identity.publicKey, 'distrusted', START),
    );
    expect(trustOf(await peerOf(juliet, ROMEO), identity.publicKey)).toBe('distrusted');
    expect(await write(juliet, 'x')).toEqual({ kind: 'refused', code: 'no-trusted-devices' });
  });

  it('is answered with an empty message in OMEMO 2', async () => {
    const { juliet, romeo } = await couple(OMEMO2);
    const hello = messageIn(OMEMO2, await write(juliet, 'hello'));
    const received = await receive(romeo, hello, juliet);
    const address = { jid: JULIET, deviceId: juliet.deviceId, version: OMEMO2 } as const;
    expect(received.chores).toEqual([
      { kind: 'publish-bundle', version: OMEMO2 },
      { kind: 'send-empty', ...address },
    ]);
    const outcome = await encryptEmpty(romeo.context, romeo.scope, address, 'e');
    const empty = messageIn(OMEMO2, outcome);
    expect(empty).not.toHaveProperty('payload');
    expect(await receive(juliet, empty, romeo)).toEqual({ kind: 'empty', chores: [] });
  });

  it('with another key than in legacy raises the alarm and gets nothing', async () => {
    const { juliet, romeo } = await couple(LEGACY);
    const other = await person(ROMEO, 'other');
    const { bundle } = await ownBundle(other.context, other.scope, OMEMO2);
    await list(juliet, OMEMO2, romeo.deviceId);
    await changePeer(juliet, ROMEO, (record) =>
      withBundle(record, romeo.deviceId, OMEMO2, bundle, 'blind', START),
    );
    expect(await write(juliet, 'x')).toEqual({ kind: 'refused', code: 'key-changed' });
  });
});

describe('a device on both lists', () => {
  it('gets legacy, and only that', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    const outcome = await write(juliet, 'hello');
    expect(outcome).toMatchObject({ messages: [{ version: LEGACY }] });
    expect(textOf(await receive(romeo, messageIn(LEGACY, outcome), juliet))).toBe('hello');
  });

  it('gets OMEMO 2 where the user prefers it for this contact, legacy again where not', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    await changePeer(juliet, ROMEO, (peer) => ({ ...peer, prefersOmemo2: true }));
    const outcome = await write(juliet, 'hello');
    expect(outcome).toMatchObject({ messages: [{ version: OMEMO2 }] });
    const read = await receive(romeo, messageIn(OMEMO2, outcome), juliet);
    expect(textOf(read)).toBe(envelopeOf('hello'));
    await changePeer(juliet, ROMEO, ({ prefersOmemo2: _before, ...peer }) => peer);
    expect(await write(juliet, 'hello')).toMatchObject({ messages: [{ version: LEGACY }] });
  });

  it('gets OMEMO 2 while no legacy bundle can be had', async () => {
    const { juliet, romeo } = await couple(OMEMO2);
    await list(juliet, LEGACY, romeo.deviceId);
    const missing = { kind: 'fetch', bundles: [{ jid: ROMEO, version: LEGACY }] };
    await changePeer(juliet, JULIET, (record) =>
      VERSIONS.reduce(
        (peer, version) => withList(peer, version, { kind: 'absent' }, START),
        record,
      ),
    );
    expect(await preparation(juliet)).toMatchObject(missing);
    await changePeer(juliet, ROMEO, (record) =>
      withoutBundle(record, romeo.deviceId, LEGACY, START),
    );
    expect(await preparation(juliet)).toEqual({ kind: 'ready' });
    expect(await write(juliet, 'hello')).toMatchObject({ messages: [{ version: OMEMO2 }] });
    juliet.clock.now = START + NO_BUNDLE_MS;
    expect(await preparation(juliet)).toMatchObject(missing);
    await meet(juliet, romeo);
    expect(await write(juliet, 'hello')).toMatchObject({ messages: [{ version: LEGACY }] });
  });

  it('is answered in OMEMO 2 once it writes in it, and in legacy once in that', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    const versionNow = async () => {
      const outcome = await write(juliet, 'which?');
      return outcome.kind === 'encrypted' && outcome.messages.map(({ version }) => version);
    };
    expect(await versionNow()).toEqual([LEGACY]);
    await changePeer(romeo, JULIET, (peer) => ({ ...peer, prefersOmemo2: true }));
    const omemo2 = messageIn(OMEMO2, await write(romeo, 'in OMEMO 2', JULIET));
    await receive(juliet, omemo2, romeo);
    expect(await versionNow()).toEqual([OMEMO2]);
    await changePeer(romeo, JULIET, ({ prefersOmemo2: _before, ...peer }) => peer);
    await receive(juliet, await send(romeo, JULIET, 'in legacy'), romeo);
    expect(await versionNow()).toEqual([LEGACY]);
  });

  it('is not taken to read OMEMO 2 by an empty message', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    await changePeer(juliet, ROMEO, (peer) => ({ ...peer, prefersOmemo2: true }));
    await receive(romeo, messageIn(OMEMO2, await write(juliet, 'hello')), juliet);
    await changePeer(juliet, ROMEO, ({ prefersOmemo2: _before, ...peer }) => peer);
    const address = { jid: JULIET, deviceId: juliet.deviceId, version: OMEMO2 } as const;
    const empty = await encryptEmpty(romeo.context, romeo.scope, address, 'e');
    await receive(juliet, messageIn(OMEMO2, empty), romeo);
    expect(await write(juliet, 'still')).toMatchObject({ messages: [{ version: LEGACY }] });
  });

  it('reads what comes in either', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    const legacy = await send(romeo, JULIET, 'in legacy');
    await changePeer(romeo, JULIET, (record) =>
      withList(record, LEGACY, { kind: 'present', value: [1] }, START),
    );
    const omemo2 = messageIn(OMEMO2, await write(romeo, 'in the other', JULIET));
    expect(textOf(await receive(juliet, omemo2, romeo))).toBe(envelopeOf('in the other'));
    expect(textOf(await receive(juliet, legacy, romeo))).toBe('in legacy');
  });
});

describe('devices of both kinds', () => {
  it('get one message each, legacy first, both of which are read', async () => {
    const [juliet, phone] = [await person(JULIET), await person(ROMEO, 'phone')];
    const romeo = await person(ROMEO);
    await meet(juliet, romeo);
    await meetIn(OMEMO2, juliet, phone);
    const outcome = await write(juliet, 'to both');
    expect(outcome).toMatchObject({ messages: [{ version: LEGACY }, { version: OMEMO2 }] });
    const [legacy, omemo2] = [messageIn(LEGACY, outcome), messageIn(OMEMO2, outcome)];
    expect(legacy.keys.map(({ deviceId }) => deviceId)).toEqual([romeo.deviceId]);
    expect(omemo2.keys.map(({ deviceId }) => deviceId)).toEqual([phone.deviceId]);
    expect(textOf(await receive(romeo, legacy, juliet))).toBe('to both');
    expect(textOf(await receive(phone, omemo2, juliet))).toBe(envelopeOf('to both'));
    // Whichever of them an archive shows again.
    const own = { peer: ROMEO };
    expect(textOf(await receive(juliet, legacy, juliet, own))).toBe('to both');
    expect(textOf(await receive(juliet, omemo2, juliet, own))).toBe(envelopeOf('to both'));
  });

  it('of our own account are reached in the version of each', async () => {
    const { juliet, romeo } = await couple(LEGACY);
    const phone = await person(JULIET, 'phone');
    await meetIn(OMEMO2, juliet, phone);
    const outcome = await write(juliet, 'hello');
    expect(messageIn(LEGACY, outcome).keys.map(({ deviceId }) => deviceId)).toEqual([
      romeo.deviceId,
    ]);
    const omemo2 = messageIn(OMEMO2, outcome);
    expect(omemo2.keys.map(({ jid: owner }) => owner)).toEqual([JULIET]);
    const read = await receive(phone, omemo2, juliet, { peer: ROMEO });
    expect(textOf(read)).toBe(envelopeOf('hello'));
  });

  it('with one id of two people are told apart by the owner a key names', async () => {
    const { juliet, romeo } = await couple(OMEMO2);
    const message = messageIn(OMEMO2, await write(juliet, 'hello'));
    const [key] = message.keys;
    const others = [{ ...present(key), jid: JULIET }];
    expect(await receive(romeo, { ...message, keys: others }, juliet)).toMatchObject({
      kind: 'failed',
      code: 'not-for-this-device',
    });
    expect(textOf(await receive(romeo, message, juliet))).toBe(envelopeOf('hello'));
  });
});

describe('the lists of a contact', () => {
  it('are asked for again by age (I-52); of OMEMO 2 none is no reason to ask with every message', async () => {
    const { juliet, romeo } = await couple(LEGACY);
    const none = (owner: typeof ROMEO, version: OmemoVersion) =>
      changePeer(juliet, owner, (record) =>
        withList(record, version, { kind: 'absent' }, juliet.clock.now),
      );
    await list(juliet, LEGACY, romeo.deviceId);
    await none(ROMEO, OMEMO2);
    await changePeer(juliet, JULIET, (record) =>
      withList(record, LEGACY, { kind: 'present', value: [juliet.deviceId] }, START),
    );
    await none(JULIET, OMEMO2);
    juliet.clock.now = START + LIST_RETRY_MS;
    expect(await preparation(juliet)).toEqual({ kind: 'ready' });
    juliet.clock.now = START + LIST_AGE_MS;
    expect(await preparation(juliet)).toMatchObject({
      lists: [ROMEO, JULIET].flatMap((owner) =>
        VERSIONS.map((version) => ({ jid: owner, version })),
      ),
    });
  });

  it('are both gone when the contact has none: then both are asked for again soon', async () => {
    const { juliet } = await couple();
    for (const owner of [ROMEO, JULIET]) {
      for (const version of VERSIONS) {
        await changePeer(juliet, owner, (record) =>
          withList(record, version, { kind: 'absent' }, START),
        );
      }
    }
    expect(await preparation(juliet)).toEqual({ kind: 'refused', code: 'no-devices' });
    juliet.clock.now = START + LIST_RETRY_MS;
    expect(await preparation(juliet)).toMatchObject({ kind: 'fetch' });
  });

  it('that drops a device leaves it active as long as the other has it', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    await list(juliet, LEGACY, 77);
    const outcome = await write(juliet, 'hello');
    expect(outcome).toMatchObject({ messages: [{ version: OMEMO2 }] });
    await list(juliet, OMEMO2, 77);
    const after = present(deviceOf(await peerOf(juliet, ROMEO), romeo.deviceId));
    expect(VERSIONS.map((version) => after.versions[version]?.isActive)).toEqual([false, false]);
  });
});

describe('a message above what servers take', () => {
  it('is refused before any ratchet moves on (I-10)', async () => {
    const { juliet } = await couple(LEGACY);
    const before = await dump(juliet.name);
    const outcome = await write(juliet, 'x'.repeat(200 * 1024));
    expect(outcome).toEqual({ kind: 'refused', code: 'too-large' });
    expect(await dump(juliet.name)).toEqual(before);
    expect(await write(juliet, 'x'.repeat(120 * 1024))).toMatchObject({ kind: 'encrypted' });
  });

  it('counts both versions where both are needed', async () => {
    const [juliet, phone, romeo] = [
      await person(JULIET),
      await person(ROMEO, 'phone'),
      await person(ROMEO),
    ];
    await meet(juliet, romeo);
    await meetIn(OMEMO2, juliet, phone);
    const outcome = await write(juliet, 'x'.repeat(120 * 1024));
    expect(outcome).toEqual({ kind: 'refused', code: 'too-large' });
  });
});

describe('key exchanges in both versions with one device', () => {
  const prefer = (who: Person) =>
    changePeer(who, ROMEO, (peer) => ({ ...peer, prefersOmemo2: true }));
  const prekeyIn = async (who: Person, version: OmemoVersion) => {
    const [key] = messageIn(version, await write(who, 'hello')).keys;
    const { bytes } = present(key);
    return present(protocolFor(version).decodeKeyExchange(bytes).oneTimePrekeyId);
  };
  /** Leaves these one-time prekeys only in the bundle of OMEMO 2. */
  const offer = (who: Person, device: Person, ids: readonly number[]) =>
    changePeer(who, ROMEO, (peer) => {
      const known = present(deviceOf(peer, device.deviceId));
      const bundle = present(factsOf(known, OMEMO2).bundle);
      const oneTimePrekeys = bundle.oneTimePrekeys.filter(({ id }) => ids.includes(id));
      return withBundle(
        peer,
        device.deviceId,
        OMEMO2,
        { ...bundle, oneTimePrekeys },
        'blind',
        START,
      );
    });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('take different prekey ids (%i)', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    const taken = await prekeyIn(juliet, LEGACY);
    const other = taken === 1 ? 2 : 1;
    await offer(juliet, romeo, [taken, other]);
    await prefer(juliet);
    expect(await prekeyIn(juliet, OMEMO2)).toBe(other);
  });

  it('take the same where there is only one', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    const taken = await prekeyIn(juliet, LEGACY);
    await offer(juliet, romeo, [taken]);
    await prefer(juliet);
    expect(await prekeyIn(juliet, OMEMO2)).toBe(taken);
  });
});

describe('a key exchange of OMEMO 2', () => {
  it('uses up a prekey of OMEMO 2 and none of legacy', async () => {
    const { juliet, romeo } = await couple(OMEMO2);
    const before = (await accountOf(romeo)).prekeys;
    await receive(romeo, messageIn(OMEMO2, await write(juliet, 'hello')), juliet);
    const after = (await accountOf(romeo)).prekeys;
    expect(after[LEGACY]).toEqual(before[LEGACY]);
    expect(after[OMEMO2]?.oneTimePrekeys).toHaveLength(99);
  });

  it('to a device that never had prekeys of it is unknown-prekey and changes nothing', async () => {
    const { juliet, romeo } = await couple(OMEMO2);
    const message = messageIn(OMEMO2, await write(juliet, 'hello'));
    const account = await accountOf(romeo);
    const { [OMEMO2]: _none, ...prekeys } = account.prekeys;
    await romeo.context.database.write([
      { store: 'accounts', key: `${romeo.scope.origin}\n${ROMEO}`, value: { ...account, prekeys } },
    ]);
    const before = await dump(romeo.name);
    expect(await receive(romeo, message, juliet)).toMatchObject({ code: 'unknown-prekey' });
    expect(await dump(romeo.name)).toEqual(before);
  });
});
