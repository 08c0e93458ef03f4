// Sessions of both versions between devices of our own: starts, repeats, archived ones, heartbeats, refusals. Their bytes
// are compared with other implementations in vectors.test.ts.
import { describe, expect, test } from 'vitest';
import { edwardsOf } from '../../src/omemo/identity';
import { HEARTBEAT_AT, MAX_ARCHIVED_SESSIONS } from '../../src/limits';
import {
  bundleOf,
  dropSpentPrekeys,
  rotateSignedPrekey,
  spendOneTimePrekey,
} from '../../src/omemo/prekeys';
import { protocolFor } from '../../src/omemo/protocol';
import { initiateSession, readIdentityKey, startWith } from '../../src/omemo/ratchet-session';
import { codeOf } from './codes';
import {
  bundleOfDevice,
  createDevice,
  NO_SESSIONS,
  NOW,
  read,
  seeded,
  start,
  VERSIONS,
  write,
  type Device,
} from './devices';

const MATERIAL = Uint8Array.from({ length: 32 }, (_, i) => i);
const material = (n: number) => new Uint8Array(32).fill(n);

function never(): never {
  throw new Error('drawn');
}

describe.each(VERSIONS)('%s', async (version) => {
  const protocol = protocolFor(version);
  const freshAlice = await createDevice(version, `${version} alice`);
  const freshBob = await createDevice(version, `${version} bob`);
  const started = await start(freshAlice, bundleOfDevice(freshBob));

  /** Both sides after a key exchange and its answer. */
  async function connected(): Promise<{ readonly alice: Device; readonly bob: Device }> {
    const first = write(started, MATERIAL);
    const answer = write((await read(freshBob, first.bytes)).device, MATERIAL);
    return { alice: (await read(first.device, answer.bytes)).device, bob: answer.device };
  }

  describe('a start', () => {
    test('repeats its key exchange on every message until it is answered', async () => {
      let alice = started;
      let bob = freshBob;
      const seen = new Set<string>();
      for (let n = 0; n < 3; n++) {
        const message = write(alice, material(n));
        expect(message.isKeyExchange).toBe(true);
        const { message: _inner, ...keyExchange } = protocol.decodeKeyExchange(message.bytes);
        seen.add(JSON.stringify(keyExchange));
        const opened = await read(bob, message.bytes);
        expect(opened.keyMaterial).toEqual(material(n));
        expect([opened.isKeyExchange, opened.isNewSession]).toEqual([true, n === 0]);
        expect('usedOneTimePrekeyId' in opened).toBe(n === 0);
        alice = message.device;
        bob = opened.device;
      }
      expect(seen.size).toBe(1);
      expect(bob.sessions.archived).toEqual([]);
      const answer = write(bob, MATERIAL);
      expect(answer.isKeyExchange).toBe(false);
      alice = (await read(alice, answer.bytes)).device;
      const after = write(alice, MATERIAL);
      expect(after.isKeyExchange).toBe(false);
      expect((await read(answer.device, after.bytes)).isKeyExchange).toBe(false);
    });

    test('names the prekeys it used, and says who is there', async () => {
      const message = write(started, MATERIAL);
      const { oneTimePrekeyId, signedPrekeyId } = protocol.decodeKeyExchange(message.bytes);
      const opened = await read(freshBob, message.bytes);
      expect(opened.usedOneTimePrekeyId).toBe(oneTimePrekeyId);
      expect(signedPrekeyId).toBe(1);
      expect(opened.remoteIdentityKey).toEqual(freshAlice.identity.publicKey);
      expect(readIdentityKey(version, message.bytes)).toEqual(freshAlice.identity.publicKey);
      const answer = write(opened.device, MATERIAL);
      expect(readIdentityKey(version, answer.bytes)).toBeUndefined();
      expect((await read(message.device, answer.bytes)).remoteIdentityKey).toEqual(
        freshBob.identity.publicKey,
      );
    });

    test('keeps the forms of the identity key its version needs', async () => {
      const bob = (await read(freshBob, write(started, MATERIAL).bytes)).device;
      const isOmemo2 = version === 'urn:xmpp:omemo:2';
      const sides = [
        { session: started.sessions.current, of: freshBob, isInitiator: true },
        { session: bob.sessions.current, of: freshAlice, isInitiator: false },
      ];
      for (const { session, of, isInitiator } of sides) {
        const { publicKey } = of.identity;
        expect(session?.remoteIdentityKey).toEqual(publicKey);
        expect(session?.remoteIdentityKeyEd).toEqual(isOmemo2 ? edwardsOf(publicKey) : undefined);
        expect(session?.isInitiator).toBe(isInitiator);
      }
    });

    test('chooses among all prekeys by three drawn bytes, and never one with id 0', async () => {
      const bundle = bundleOfDevice(freshBob);
      const [first] = bundle.oneTimePrekeys;
      if (first === undefined) throw new Error('want a prekey');
      const withZero = {
        ...bundle,
        oneTimePrekeys: [{ ...first, id: 0 }, ...bundle.oneTimePrekeys],
      };
      const choices = [0, 25, 99, 100].map(async (drawn) => {
        const rest = seeded('choice');
        const random = (length: number) =>
          length === 3 ? Uint8Array.of(drawn, 0, 0) : rest(length);
        const { identity } = freshAlice;
        const session = await initiateSession({ version, identity, bundle: withZero, random });
        return session.pendingKeyExchange?.oneTimePrekeyId;
      });
      expect(await Promise.all(choices)).toEqual([1, 26, 100, 1]);
    });

    test('refuses a bundle whose signature or keys are bad', async () => {
      const bundle = bundleOfDevice(freshBob);
      const signature = Uint8Array.from(bundle.signedPrekey.signature);
      signature[3] = (signature[3] ?? 0) ^ 4;
      const forged = { ...bundle, signedPrekey: { ...bundle.signedPrekey, signature } };
      expect(await codeOf(() => start(freshAlice, forged))).toBe('bad-signature');
      const low = { ...bundle, oneTimePrekeys: [{ id: 1, publicKey: new Uint8Array(32) }] };
      expect(await codeOf(() => start(freshAlice, low))).toBe('bad-key');
      expect(await codeOf(() => start(freshAlice, { ...bundle, oneTimePrekeys: [] }))).toBe(
        'no-prekeys',
      );
    });

    test('archives what was there, newest first, at most 40', () => {
      const { current } = started.sessions;
      if (current === undefined) throw new Error('want a session');
      let { sessions } = freshAlice;
      for (let n = 0; n < MAX_ARCHIVED_SESSIONS + 3; n++) {
        sessions = startWith(sessions, { ...current, ephemeralKey: material(n) });
      }
      expect(sessions.current?.ephemeralKey).toEqual(material(MAX_ARCHIVED_SESSIONS + 2));
      expect(sessions.archived.map(({ ephemeralKey }) => ephemeralKey[0])).toEqual(
        Array.from({ length: MAX_ARCHIVED_SESSIONS }, (_, n) => MAX_ARCHIVED_SESSIONS + 1 - n),
      );
    });
  });

  describe('prekeys', () => {
    const message = write(started, MATERIAL);
    const rotate = async (device: Device): Promise<Device> => ({
      ...device,
      prekeys: await rotateSignedPrekey({
        version,
        store: device.prekeys,
        identity: device.identity,
        now: NOW,
        random: device.random,
      }),
    });

    test('the signed prekey before the present one still opens a key exchange, an older one not', async () => {
      const once = await rotate(freshBob);
      expect((await read(once, message.bytes)).keyMaterial).toEqual(MATERIAL);
      expect(await codeOf(async () => read(await rotate(once), message.bytes))).toBe(
        'unknown-prekey',
      );
    });

    test('a spent one opens the key exchange of a second device until it is dropped', async () => {
      const carol = await start(await createDevice(version, `${version} carol`), bundleForCarol());
      const second = write(carol, material(9));
      const used = (await read(freshBob, message.bytes)).usedOneTimePrekeyId ?? 0;
      expect(protocol.decodeKeyExchange(second.bytes).oneTimePrekeyId).toBe(used);
      const prekeys = spendOneTimePrekey(freshBob.prekeys, used, NOW);
      const opened = await read({ ...freshBob, prekeys }, second.bytes);
      expect(opened.keyMaterial).toEqual(material(9));
      expect([opened.isNewSession, opened.usedOneTimePrekeyId]).toEqual([true, used]);
      const dropped = { ...freshBob, prekeys: dropSpentPrekeys(prekeys, NOW + 24 * 3600 * 1000) };
      expect(await codeOf(() => read(dropped, second.bytes))).toBe('unknown-prekey');
    });

    test('a repeat under a spent prekey is only a repeat', async () => {
      const first = await read(freshBob, message.bytes);
      const used = first.usedOneTimePrekeyId ?? 0;
      const prekeys = spendOneTimePrekey(freshBob.prekeys, used, NOW);
      const bob = { ...first.device, prekeys };
      expect(await codeOf(() => read(bob, message.bytes))).toBe('duplicate');
      const repeat = write(message.device, material(1));
      const opened = await read(bob, repeat.bytes);
      expect([opened.isKeyExchange, opened.isNewSession]).toEqual([true, false]);
      expect(opened.device.sessions.archived).toEqual([]);
    });

    /** The same bundle with only the prekey Alice took. */
    function bundleForCarol() {
      const bundle = bundleOf(version, freshBob.identity, freshBob.prekeys);
      const taken = protocol.decodeKeyExchange(message.bytes).oneTimePrekeyId;
      return { ...bundle, oneTimePrekeys: bundle.oneTimePrekeys.filter(({ id }) => id === taken) };
    }
  });

  describe('several sessions', () => {
    test('a key exchange of a device that lost its state makes a new one, the old one is archived', async () => {
      const { alice, bob } = await connected();
      const late = write(alice, material(1));
      const again = write(await start(freshAlice, bundleOfDevice(bob)), material(2));
      const opened = await read(bob, again.bytes);
      expect(opened.keyMaterial).toEqual(material(2));
      expect(opened.device.sessions.archived).toHaveLength(1);
      const old = await read(opened.device, late.bytes);
      expect(old.keyMaterial).toEqual(material(1));
      // What opened last is written in next.
      expect(old.device.sessions.current?.ephemeralKey).toEqual(bob.sessions.current?.ephemeralKey);
      const replaced = again.device.sessions.current?.ephemeralKey;
      expect(old.device.sessions.archived.map(({ ephemeralKey }) => ephemeralKey)).toEqual([
        replaced,
      ]);
      // One session says duplicate, the other that the MAC is wrong: the former is the truth.
      expect(await codeOf(() => read(old.device, late.bytes))).toBe('duplicate');
      const back = (await read(old.device, write(again.device, material(3)).bytes)).device;
      expect(back.sessions.current?.ephemeralKey).toEqual(replaced);
      expect(await codeOf(() => read(back, late.bytes))).toBe('duplicate');
    });

    test('after simultaneous starts both open everything and settle on one', async () => {
      const fromAlice = write(started, material(1));
      const fromBob = write(await start(freshBob, bundleOfDevice(freshAlice)), material(2));
      let alice = (await read(fromAlice.device, fromBob.bytes)).device;
      let bob = (await read(fromBob.device, fromAlice.bytes)).device;
      expect([alice.sessions.archived.length, bob.sessions.archived.length]).toEqual([1, 1]);
      for (let n = 3; n < 9; n++) {
        const message = write(n % 2 === 0 ? alice : bob, material(n));
        const opened = await read(n % 2 === 0 ? bob : alice, message.bytes);
        expect(opened.keyMaterial).toEqual(material(n));
        [alice, bob] =
          n % 2 === 0 ? [message.device, opened.device] : [opened.device, message.device];
      }
      expect(alice.sessions.current?.ephemeralKey).toEqual(bob.sessions.current?.ephemeralKey);
      expect(alice.sessions.archived).toHaveLength(1);
    });

    test('a repeat for an archived session opens there and brings it back', async () => {
      const first = write(started, material(1));
      const repeat = write(first.device, material(2));
      let bob = (await read(freshBob, first.bytes)).device;
      const second = write(await start(freshAlice, bundleOfDevice(freshBob)), material(3));
      bob = (await read(bob, second.bytes)).device;
      const opened = await read(bob, repeat.bytes);
      expect(opened.keyMaterial).toEqual(material(2));
      expect([opened.isKeyExchange, opened.isNewSession]).toEqual([true, false]);
      expect(opened.device.sessions.current?.ephemeralKey).toEqual(
        started.sessions.current?.ephemeralKey,
      );
      expect(opened.device.sessions.archived).toHaveLength(1);
    });

    test('one we began stays the current one until it is answered, whatever opens in another', async () => {
      const { alice, bob } = await connected();
      const old = alice.sessions.current?.ephemeralKey;
      const late = write(bob, material(1));
      const begun = await start(alice, bundleOfDevice(bob));
      const opened = await read(begun, late.bytes);
      expect(opened.keyMaterial).toEqual(material(1));
      const { current, archived } = opened.device.sessions;
      expect(current?.ephemeralKey).toEqual(begun.sessions.current?.ephemeralKey);
      expect(archived.map(({ ephemeralKey }) => ephemeralKey)).toEqual([old]);
      expect(await codeOf(() => read(opened.device, late.bytes))).toBe('duplicate');
      const message = write(opened.device, material(2));
      expect(message.isKeyExchange).toBe(true);
      const followed = await read({ ...late.device, sessions: NO_SESSIONS }, message.bytes);
      const answer = write(followed.device, material(3));
      const answered = (await read(message.device, answer.bytes)).device;
      expect(write(answered, material(4)).isKeyExchange).toBe(false);
      // Now it is one like the others.
      const later = write(late.device, material(5));
      expect((await read(answered, later.bytes)).device.sessions.current?.ephemeralKey).toEqual(
        old,
      );
    });

    test('one we began stays also when the key exchange of another is repeated', async () => {
      const first = write(started, material(1));
      const repeat = write(first.device, material(2));
      const bob = (await read(freshBob, first.bytes)).device;
      const begun = await start(bob, bundleOfDevice(freshAlice));
      const opened = await read(begun, repeat.bytes);
      expect(opened.keyMaterial).toEqual(material(2));
      expect([opened.isKeyExchange, opened.isNewSession]).toEqual([true, false]);
      expect(opened.device.sessions.current).toEqual(begun.sessions.current);
      expect(opened.device.sessions.archived).toHaveLength(1);
    });

    test('a known ephemeral key with another identity key is no repeat', async () => {
      const first = write(started, MATERIAL);
      const bob = (await read(freshBob, first.bytes)).device;
      const repeat = protocol.decodeKeyExchange(write(first.device, MATERIAL).bytes);
      const { oneTimePrekeyId = 0, signedPrekeyId, ephemeralKey, message } = repeat;
      const mallory = await createDevice(version, `${version} mallory`);
      const bytes = protocol.encodeKeyExchange({
        oneTimePrekeyId,
        signedPrekeyId,
        ephemeralKey,
        message,
        identityKey: mallory.identity.publicKey,
      });
      expect(await codeOf(() => read(bob, bytes))).toBe('bad-mac');
    });
  });

  describe('a refused message', () => {
    test('names what is wrong with it', async () => {
      const { alice, bob } = await connected();
      const message = write(alice, MATERIAL);
      expect(await codeOf(() => read(freshBob, message.bytes))).toBe('no-session');
      const { device } = await read(bob, message.bytes);
      expect(await codeOf(() => read(device, message.bytes))).toBe('duplicate');
      expect(await codeOf(() => read(bob, new Uint8Array(0)))).toBe('malformed');
      expect(await codeOf(() => read(bob, message.bytes.subarray(0, -1)))).toBe('malformed');
      const stranger = await createDevice(version, `${version} stranger`);
      const other = await start(stranger, bundleOfDevice(freshAlice));
      const inner = protocol.decodeKeyExchange(write(other, MATERIAL).bytes).message;
      expect(await codeOf(() => read(bob, inner))).toBe('bad-mac');
    });

    test('that was opened before is a duplicate, in an ended chain and an archived session too', async () => {
      let { alice, bob } = await connected();
      const message = write(alice, MATERIAL);
      ({ device: alice } = message);
      ({ device: bob } = await read(bob, message.bytes));
      for (let turn = 0; turn < 3; turn++) {
        const answer = write(bob, material(turn));
        const next = write((await read(alice, answer.bytes)).device, material(turn));
        alice = next.device;
        bob = (await read(answer.device, next.bytes)).device;
      }
      expect(await codeOf(() => read(bob, message.bytes))).toBe('duplicate');
      const replaced = (
        await read(bob, write(await start(alice, bundleOfDevice(bob)), MATERIAL).bytes)
      ).device;
      expect(await codeOf(() => read(replaced, message.bytes))).toBe('duplicate');
    });

    test('draws nothing', async () => {
      const { alice, bob } = await connected();
      const silent: Device = { ...bob, random: () => never() };
      const answer = write(bob, MATERIAL);
      const { bytes } = write((await read(alice, answer.bytes)).device, MATERIAL);
      const damaged = Uint8Array.from(bytes);
      damaged[12] = (damaged[12] ?? 0) ^ 1;
      expect(await codeOf(() => read(silent, damaged))).toBe('bad-mac');
      await expect(() => read(silent, bytes)).rejects.toThrow('drawn');
    });

    test('for us as the sender comes back as no message of the other side', async () => {
      const { alice } = await connected();
      const message = write(alice, MATERIAL);
      expect(await codeOf(() => read(message.device, message.bytes))).toBe('bad-mac');
    });

    test('that jumps too far says so, with the message keys left in place', async () => {
      const { alice, bob } = await connected();
      let ahead = alice;
      const [ratchet, rest] = [ahead.sessions.current?.ratchet, ahead.sessions.archived];
      const { current } = ahead.sessions;
      if (ratchet?.sendingChain === undefined || current === undefined) throw new Error('want one');
      const sendingChain = { ...ratchet.sendingChain, n: 2002 };
      const jumped = { ...current, ratchet: { ...ratchet, sendingChain } };
      ahead = { ...alice, sessions: { current: jumped, archived: rest } };
      expect(await codeOf(() => read(bob, write(ahead, MATERIAL).bytes))).toBe('too-far');
      expect(await codeOf(() => read(bob, write(alice, MATERIAL).bytes))).toBe('ok');
    });

    test('changes nothing, as an accepted one changes nothing that was given', async () => {
      const { alice, bob } = await connected();
      const before = structuredClone({ sessions: bob.sessions, prekeys: bob.prekeys });
      const message = write(alice, MATERIAL);
      const damaged = Uint8Array.from(message.bytes);
      damaged[damaged.length - 1] = (damaged[damaged.length - 1] ?? 0) ^ 1;
      expect(await codeOf(() => read(bob, damaged))).toBe('bad-mac');
      await read(bob, message.bytes);
      expect({ sessions: bob.sessions, prekeys: bob.prekeys }).toEqual(before);
    });
  });

  describe('a heartbeat', () => {
    /** Messages 0 to `count` − 1 of Alice's present chain. */
    function burst(alice: Device, count: number) {
      const messages: Uint8Array[] = [];
      let device = alice;
      for (let n = 0; n < count; n++) {
        const message = write(device, MATERIAL);
        messages.push(message.bytes);
        device = message.device;
      }
      return { device, messages };
    }

    const last = HEARTBEAT_AT + 1;
    const opens = (device: Device, bytes: Uint8Array | undefined) =>
      read(device, bytes ?? new Uint8Array(0));

    test('is asked for once per ratchet key, at number 53 or the first above, also after a restart', async () => {
      const { alice, bob } = await connected();
      const { messages } = burst(alice, last + 1);
      const before = await opens(bob, messages[HEARTBEAT_AT - 1]);
      expect(before.needsHeartbeat).toBe(false);
      const first = await opens(before.device, messages[last]);
      expect(first.needsHeartbeat).toBe(true);
      const restarted = { ...first.device, sessions: structuredClone(first.device.sessions) };
      expect((await opens(restarted, messages[HEARTBEAT_AT])).needsHeartbeat).toBe(false);
    });

    test('is asked for again in the next long chain', async () => {
      const { alice, bob } = await connected();
      const { device, messages } = burst(alice, last);
      const asked = await opens(bob, messages[HEARTBEAT_AT]);
      expect(asked.needsHeartbeat).toBe(true);
      const answer = write(asked.device, MATERIAL);
      const next = burst((await read(device, answer.bytes)).device, last);
      expect((await opens(answer.device, next.messages[HEARTBEAT_AT])).needsHeartbeat).toBe(true);
    });

    test('is not asked for by a late message of an older chain', async () => {
      const { alice, bob } = await connected();
      const { device, messages } = burst(alice, last);
      const answer = write((await opens(bob, messages[0])).device, MATERIAL);
      const turned = write((await read(device, answer.bytes)).device, MATERIAL);
      const after = await opens(answer.device, turned.bytes);
      expect(after.needsHeartbeat).toBe(false);
      const late = await opens(after.device, messages[HEARTBEAT_AT]);
      expect(late.keyMaterial).toEqual(MATERIAL);
      expect(late.needsHeartbeat).toBe(false);
    });
  });
});

test('in OMEMO 2 a repeat with the other sign of the identity key is refused', async () => {
  const version = 'urn:xmpp:omemo:2';
  const alice = await createDevice(version, 'sign alice');
  const freshBob = await createDevice(version, 'sign bob');
  const first = write(await start(alice, bundleOfDevice(freshBob)), MATERIAL);
  const bob = (await read(freshBob, first.bytes)).device;
  const repeat = write(first.device, MATERIAL);
  const key = Buffer.from(edwardsOf(alice.identity.publicKey));
  const end = Buffer.from(repeat.bytes).indexOf(key) + 31;
  const forged = repeat.bytes.map((byte, index) => (index === end ? byte ^ 0x80 : byte));
  expect(readIdentityKey(version, forged)).toEqual(alice.identity.publicKey);
  expect(await codeOf(() => read(bob, forged))).toBe('bad-mac');
  expect(await codeOf(() => read(bob, repeat.bytes))).toBe('ok');
});
