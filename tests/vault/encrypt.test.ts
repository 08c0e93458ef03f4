import { describe, expect, it } from 'vitest';
import { LEGACY, OMEMO2, VERSIONS } from '../../src/rpc/versions';
import { decryptKeyMaterial } from '../../src/omemo/ratchet-session';
import { ownBundle } from '../../src/vault/accounts';
import { archiveKey } from '../../src/vault/archive';
import { lockOf, scopedKey, type Context } from '../../src/vault/context';
import { createDatabase } from '../../src/vault/db';
import { withBundle, withList, withoutBundle } from '../../src/vault/devices';
import { encryptEmpty } from '../../src/vault/encrypt';
import { prepare } from '../../src/vault/recipients';
import { sessionsKey } from '../../src/vault/sessions';
import { newSite, type PeerRecord } from '../../src/vault/records';
import { changeSite } from '../../src/vault/sites';
import { withTrust } from '../../src/vault/trust';
import { LIST_AGE_MS, LIST_RETRY_MS, NO_BUNDLE_MS } from '../../src/limits';
import {
  accountOf,
  changePeer,
  contextOver,
  copyDatabase,
  dump,
  encryptText,
  faulty,
  fetchBundle,
  freshName,
  jid,
  legacyAddress,
  legacyOf,
  meet,
  messageOf,
  ORIGIN,
  peerOf,
  person,
  type Person,
  prekeysOf,
  present,
  reborn,
  receive,
  send,
  START,
  textOf,
} from './world';

const JULIET = 'juliet@example.org';
const ROMEO = 'romeo@example.net';

async function couple(): Promise<{ juliet: Person; romeo: Person }> {
  const juliet = await person(JULIET);
  const romeo = await person(ROMEO);
  await meet(juliet, romeo);
  return { juliet, romeo };
}

const refusal = (code: string) => ({ kind: 'refused', code });

function encrypt(from: Person, requestId = 'r', text = 'hello') {
  return encryptText(from.context, from.scope, jid(ROMEO), requestId, text);
}

function prepared(from: Person, peer = jid(ROMEO)) {
  const { context, scope } = from;
  return context.transactions.run(lockOf(scope), (unit) =>
    prepare(unit, scope, peer, context.now()),
  );
}

describe('a text', () => {
  it('gets the same bytes for the same request, in one vault and after the worker died (I-31, I-125)', async () => {
    const { juliet, romeo } = await couple();
    const first = await send(juliet, romeo.scope.jid, 'hello', 'r');
    const stored = await dump(juliet.name);
    const again = await send(juliet, romeo.scope.jid, 'hello', 'r');
    const later = await send(reborn(juliet), romeo.scope.jid, 'hello', 'r');
    expect(again).toEqual(first);
    expect(later).toEqual(first);
    expect(await dump(juliet.name)).toEqual(stored);
  });

  it('gets one answer when the same request is asked twice at once', async () => {
    const { juliet, romeo } = await couple();
    const asks = [1, 2, 3].map(() => send(juliet, romeo.scope.jid, 'hello', 'r'));
    const [first, ...others] = await Promise.all(asks);
    for (const other of others) expect(other).toEqual(first);
  });

  it('gets other keys than the text before, in every part', async () => {
    const { juliet, romeo } = await couple();
    const one = await send(juliet, romeo.scope.jid, 'hello', 'r1');
    const two = await send(juliet, romeo.scope.jid, 'hello', 'r2');
    expect(two.iv).not.toEqual(one.iv);
    expect(two.payload).not.toEqual(one.payload);
    expect(two.keys[0]?.bytes).not.toEqual(one.keys[0]?.bytes);
    expect(textOf(await receive(romeo, two, juliet))).toBe('hello');
    expect(textOf(await receive(romeo, one, juliet))).toBe('hello');
  });

  it('is not the answer to the same id in another chat', async () => {
    const { juliet, romeo } = await couple();
    const nurse = await person('nurse@example.org');
    await meet(juliet, nurse);
    const one = await send(juliet, romeo.scope.jid, 'hello', 'r');
    const two = await send(juliet, nurse.scope.jid, 'hello', 'r');
    expect(two.keys.map(({ deviceId }) => deviceId)).toEqual([nurse.deviceId]);
    expect(two.iv).not.toEqual(one.iv);
  });

  it('carries neither itself nor JIDs in clear', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, romeo.scope.jid, 'wherefore art thou', 'r');
    const parts = [message.iv, message.payload, ...message.keys.map(({ bytes }) => bytes)];
    const all = parts.map((part) => new TextDecoder('latin1').decode(part)).join('|');
    for (const secret of ['wherefore', JULIET, ROMEO]) expect(all).not.toContain(secret);
    const { identity } = await accountOf(juliet);
    expect(all).not.toContain(new TextDecoder('latin1').decode(identity.privateKey));
  });

  it('is one commit: sessions, archive entry, request and peer', async () => {
    const { juliet, romeo } = await couple();
    const writes: string[][] = [];
    const spying: Context = contextOver({
      ...juliet.context.database,
      write: (changes) => {
        writes.push(changes.map(({ store }) => store).sort());
        return juliet.context.database.write(changes);
      },
    });
    await send({ ...juliet, context: spying }, romeo.scope.jid, 'hello', 'r');
    expect(writes).toHaveLength(1);
    expect([...new Set(writes[0])]).toEqual(['archive', 'peers', 'requests', 'sessions']);
  });

  it('of our own is in the archive with its chat', async () => {
    const { juliet, romeo } = await couple();
    const { iv, payload, version } = await send(juliet, romeo.scope.jid, 'hello', 'r');
    const key = archiveKey(juliet.scope, {
      version,
      sender: juliet.scope.jid,
      iv,
      payload: present(payload),
    });
    expect(await juliet.context.database.get('archive', key)).toEqual({
      v: 1,
      peer: ROMEO,
      text: 'hello',
      at: START,
    });
  });

  it('marks the chat as written to and as encrypted since the first one', async () => {
    const { juliet, romeo } = await couple();
    await send(juliet, romeo.scope.jid, 'one');
    juliet.clock.now = START + 1000;
    await send(juliet, romeo.scope.jid, 'two');
    const record = await peerOf(juliet, romeo.scope.jid);
    expect(record).toMatchObject({ isWrittenTo: true, encryptedSince: START });
  });
});

describe('a bundle', () => {
  it('is used for one session and then gone', async () => {
    const { juliet, romeo } = await couple();
    expect(legacyOf((await peerOf(juliet, romeo.scope.jid)).devices[0]).bundle).toBeDefined();
    await send(juliet, romeo.scope.jid, 'hello');
    expect(legacyOf((await peerOf(juliet, romeo.scope.jid)).devices[0]).bundle).toBe(undefined);
    await send(juliet, romeo.scope.jid, 'hello');
    const sessions = await juliet.context.database.get(
      'sessions',
      sessionsKey(juliet.scope, LEGACY, romeo.scope.jid),
    );
    expect(sessions?.devices[romeo.deviceId]?.archived).toEqual([]);
  });

  it('of a session that is there already does not make a second session', async () => {
    const { juliet, romeo } = await couple();
    const one = await send(juliet, romeo.scope.jid, 'one');
    await receive(romeo, one, juliet);
    await fetchBundle(juliet, romeo);
    const two = await send(juliet, romeo.scope.jid, 'two');
    expect(await receive(romeo, two, juliet)).toMatchObject({ kind: 'text', chores: [{}] });
    const sessions = await romeo.context.database.get(
      'sessions',
      sessionsKey(romeo.scope, LEGACY, juliet.scope.jid),
    );
    expect(sessions?.devices[juliet.deviceId]?.archived).toEqual([]);
  });
});

describe('a text is refused', () => {
  it('while our keys are not published (I-56)', async () => {
    const { juliet } = await couple();
    const key = scopedKey(juliet.scope);
    const account = { ...(await accountOf(juliet)), isPublished: false };
    await juliet.context.database.write([{ store: 'accounts', key, value: account }]);
    expect(await encrypt(juliet)).toEqual(refusal('not-published'));
    expect(await prepared(juliet)).toEqual(refusal('not-published'));
  });

  it.each([
    ['no-devices', 'absent'],
    ['devices-hidden', 'hidden'],
    ['lists-unavailable', 'failed'],
  ] as const)('with %s when the list is %s', async (code, kind) => {
    const juliet = await person(JULIET);
    await changePeer(juliet, jid(ROMEO), (record) => withList(record, LEGACY, { kind }, START));
    expect(await encrypt(juliet)).toEqual(refusal(code));
  });

  it('with no-devices when nothing was ever asked', async () => {
    expect(await encrypt(await person(JULIET))).toEqual(refusal('no-devices'));
  });

  it('with bundles-unavailable when no device has a bundle', async () => {
    const juliet = await person(JULIET);
    await changePeer(juliet, jid(ROMEO), (record) =>
      withoutBundle(
        withList(record, LEGACY, { kind: 'present', value: [5] }, START),
        5,
        LEGACY,
        START,
      ),
    );
    expect(await encrypt(juliet)).toEqual(refusal('bundles-unavailable'));
  });

  it('with undecided-keys under the policy ask, until each is decided', async () => {
    const juliet = await person(JULIET);
    const romeo = await person(ROMEO);
    const tablet = await person(ROMEO, 'tablet');
    const ids = [romeo, tablet].map(({ deviceId }) => deviceId);
    for (const device of [romeo, tablet]) {
      const { bundle } = await ownBundle(device.context, device.scope, LEGACY);
      await changePeer(juliet, jid(ROMEO), (record) => {
        const listed = withList(record, LEGACY, { kind: 'present', value: ids }, START);
        return withBundle(listed, device.deviceId, LEGACY, bundle, 'ask', START);
      });
    }
    await changeSite(juliet.context, ORIGIN, (site) => ({ ...site, policy: 'ask' }));
    expect(await encrypt(juliet)).toEqual(refusal('undecided-keys'));
    const first = (await accountOf(romeo)).identity.publicKey;
    const second = (await accountOf(tablet)).identity.publicKey;
    await changePeer(juliet, jid(ROMEO), (record) => withTrust(record, first, 'trusted', START));
    expect(await encrypt(juliet)).toEqual(refusal('undecided-keys'));
    await changePeer(juliet, jid(ROMEO), (record) =>
      withTrust(record, second, 'distrusted', START),
    );
    const outcome = await encrypt(juliet);
    expect(messageOf(outcome).keys.map(({ deviceId }) => deviceId)).toEqual([romeo.deviceId]);
    expect(outcome).toMatchObject({
      skipped: [{ jid: ROMEO, deviceId: tablet.deviceId, code: 'distrusted' }],
    });
  });

  it('with key-changed while one device shows another key', async () => {
    const { juliet, romeo } = await couple();
    await send(juliet, romeo.scope.jid, 'before');
    const other = await person(ROMEO, 'other');
    const { bundle } = await ownBundle(other.context, other.scope, LEGACY);
    await changePeer(juliet, jid(ROMEO), (record) =>
      withBundle(record, romeo.deviceId, LEGACY, bundle, 'blind', START),
    );
    expect(await encrypt(juliet)).toEqual(refusal('key-changed'));
    expect(await prepared(juliet)).toMatchObject({
      kind: 'fetch',
      bundles: [],
    });
  });

  it('no more once the user distrusts that key: the device reads on in its session', async () => {
    const { juliet, romeo } = await couple();
    await send(juliet, romeo.scope.jid, 'before');
    const other = await person(ROMEO, 'other');
    const { bundle } = await ownBundle(other.context, other.scope, LEGACY);
    const key = bundle.identityKey;
    await changePeer(juliet, jid(ROMEO), (record) =>
      withBundle(record, romeo.deviceId, LEGACY, bundle, 'blind', START),
    );
    await changePeer(juliet, jid(ROMEO), (record) => withTrust(record, key, 'distrusted', START));
    const message = await send(juliet, romeo.scope.jid, 'to the former key');
    expect(textOf(await receive(romeo, message, juliet))).toBe('to the former key');
    const stranger = { ...other, deviceId: romeo.deviceId };
    expect(await receive(stranger, message, juliet)).toMatchObject({ kind: 'failed' });
  });

  it('with no-trusted-devices when the only key is distrusted', async () => {
    const { juliet, romeo } = await couple();
    const key = (await accountOf(romeo)).identity.publicKey;
    await changePeer(juliet, jid(ROMEO), (record) => withTrust(record, key, 'distrusted', START));
    expect(await encrypt(juliet)).toEqual(refusal('no-trusted-devices'));
  });

  it('with no-trusted-devices under the policy verified-only, until verified', async () => {
    const { juliet, romeo } = await couple();
    await changeSite(juliet.context, ORIGIN, () => ({
      ...newSite(ORIGIN),
      policy: 'verified-only',
    }));
    expect(await encrypt(juliet)).toEqual(refusal('no-trusted-devices'));
    const key = (await accountOf(romeo)).identity.publicKey;
    await changePeer(juliet, jid(ROMEO), (record) => withTrust(record, key, 'verified', START));
    expect((await encrypt(juliet)).kind).toBe('encrypted');
  });

  it('with no-own-devices as a note to ourselves when there is no other device', async () => {
    const juliet = await person(JULIET);
    await changePeer(juliet, jid(JULIET), (record) =>
      withList(record, LEGACY, { kind: 'present', value: [juliet.deviceId] }, START),
    );
    const { context, scope } = juliet;
    expect(await encryptText(context, scope, scope.jid, 'r', 'note')).toEqual(
      refusal('no-own-devices'),
    );
  });

  it('and leaves every record as it was', async () => {
    const juliet = await person(JULIET);
    const before = await dump(juliet.name);
    await encrypt(juliet);
    expect(await dump(juliet.name)).toEqual(before);
  });

  it('for an account the vault has no device of', async () => {
    const { juliet } = await couple();
    const stranger = { ...juliet.scope, jid: jid('stranger@example.org') };
    await expect(encryptText(juliet.context, stranger, jid(ROMEO), 'r', 'x')).rejects.toMatchObject(
      { code: 'no-account' },
    );
  });
});

describe('our own devices', () => {
  it('get keys when they are others, ours gets none', async () => {
    const { juliet, romeo } = await couple();
    const phone = await person(JULIET, 'phone');
    await meet(juliet, juliet, phone);
    const message = await send(juliet, romeo.scope.jid, 'hello');
    const ids = message.keys.map(({ deviceId }) => deviceId);
    expect(ids.sort()).toEqual([romeo.deviceId, phone.deviceId].sort());
    const peer = romeo.scope.jid;
    expect(textOf(await receive(phone, message, juliet, { peer }))).toBe('hello');
    expect((await peerOf(phone, peer)).encryptedSince).toBe(START);
  });

  it('get a note to ourselves, with no key for the device that wrote it', async () => {
    const juliet = await person(JULIET);
    const phone = await person(JULIET, 'phone');
    await meet(juliet, juliet, phone);
    const message = await send(juliet, juliet.scope.jid, 'note');
    expect(message.keys.map(({ deviceId }) => deviceId)).toEqual([phone.deviceId]);
    expect(textOf(await receive(phone, message, juliet))).toBe('note');
  });

  it('without bundle are named as skipped and do not hold the message', async () => {
    const { juliet, romeo } = await couple();
    await changePeer(juliet, jid(JULIET), (record) =>
      withList(record, LEGACY, { kind: 'present', value: [7, juliet.deviceId] }, START),
    );
    const outcome = await encrypt(juliet);
    expect(outcome).toMatchObject({ skipped: [{ jid: JULIET, deviceId: 7, code: 'no-bundle' }] });
    expect(messageOf(outcome).keys.map(({ deviceId }) => deviceId)).toEqual([romeo.deviceId]);
  });
});

const listsOf = (owner: string) => VERSIONS.map((version) => ({ jid: owner, version }));

describe('prepare', () => {
  it('says plain when encryption is off, also before our keys are published', async () => {
    const { juliet } = await couple();
    await changePeer(juliet, jid(ROMEO), (record) => ({ ...record, encryption: 'off' }));
    expect(await prepared(juliet)).toEqual({ kind: 'plain' });
  });

  it('asks for both lists, then for the bundles, then is ready', async () => {
    const juliet = await person(JULIET);
    const romeo = await person(ROMEO);
    expect(await prepared(juliet)).toEqual({
      kind: 'fetch',
      lists: [...listsOf(ROMEO), ...listsOf(JULIET)],
      bundles: [],
    });
    for (const [owner, { deviceId }] of [
      [JULIET, juliet],
      [ROMEO, romeo],
    ] as const) {
      await changePeer(juliet, jid(owner), (record) =>
        withList(
          withList(record, LEGACY, { kind: 'present', value: [deviceId] }, START),
          OMEMO2,
          { kind: 'absent' },
          START,
        ),
      );
    }
    const { deviceId } = romeo;
    expect(await prepared(juliet)).toEqual({
      kind: 'fetch',
      lists: [],
      bundles: [{ jid: ROMEO, deviceId, version: LEGACY }],
    });
    await fetchBundle(juliet, romeo);
    expect(await prepared(juliet)).toEqual({ kind: 'ready' });
    await send(juliet, romeo.scope.jid, 'hello');
    expect(await prepared(juliet)).toEqual({ kind: 'ready' });
    juliet.clock.now = START + LIST_AGE_MS;
    expect(await prepared(juliet)).toMatchObject({
      kind: 'fetch',
      lists: [...listsOf(ROMEO), ...listsOf(JULIET)],
    });
  });

  it('waits before it asks again for what failed', async () => {
    const { juliet, romeo } = await couple();
    const absent = (record: PeerRecord) =>
      VERSIONS.reduce(
        (peer, version) => withList(peer, version, { kind: 'absent' }, juliet.context.now()),
        record,
      );
    await changePeer(juliet, jid(JULIET), absent);
    await changePeer(juliet, jid(ROMEO), (record) =>
      withList(record, LEGACY, { kind: 'present', value: [romeo.deviceId, 9] }, START),
    );
    await changePeer(juliet, jid(ROMEO), (record) =>
      withList(withoutBundle(record, 9, LEGACY, START), OMEMO2, { kind: 'absent' }, START),
    );
    expect(await prepared(juliet)).toEqual({ kind: 'ready' });
    juliet.clock.now = START + LIST_RETRY_MS;
    expect(await prepared(juliet)).toEqual({ kind: 'fetch', lists: listsOf(JULIET), bundles: [] });
    await changePeer(juliet, jid(JULIET), absent);
    juliet.clock.now = START + NO_BUNDLE_MS;
    await changePeer(juliet, jid(JULIET), absent);
    expect(await prepared(juliet)).toMatchObject({
      kind: 'fetch',
      bundles: [{ jid: ROMEO, deviceId: 9, version: LEGACY }],
    });
  });
});

describe('an empty message', () => {
  it('goes to the one device there is a session with, and is the same for the same request', async () => {
    const { juliet, romeo } = await couple();
    const hello = await send(juliet, romeo.scope.jid, 'hello');
    await receive(romeo, hello, juliet);
    const ask = () => encryptEmpty(romeo.context, romeo.scope, legacyAddress(juliet), 'e');
    const message = messageOf(await ask());
    expect(message.payload).toBe(undefined);
    expect(message.keys.map(({ deviceId }) => deviceId)).toEqual([juliet.deviceId]);
    expect(messageOf(await ask())).toEqual(message);
    expect(await receive(juliet, message, romeo)).toEqual({ kind: 'empty', chores: [] });
    const answered = await send(juliet, romeo.scope.jid, 'no key exchange any more');
    expect(answered.keys[0]?.isKeyExchange).toBe(false);
  });

  it('is refused without session, bundle or not', async () => {
    const { juliet, romeo } = await couple();
    const { context, scope } = juliet;
    const ask = (deviceId: number) =>
      encryptEmpty(context, scope, { ...legacyAddress(romeo), deviceId }, 'e');
    expect(await ask(romeo.deviceId)).toEqual(refusal('bundles-unavailable'));
    expect(await ask(77)).toEqual(refusal('bundles-unavailable'));
  });
});

describe('a failing write', () => {
  it('leaves every record as it was; the request repeated works and uses no key twice', async () => {
    const base = await couple();
    const first = await send(base.juliet, base.romeo.scope.jid, 'first');
    const names = new Set<string>();
    for (let nth = 1; ; nth++) {
      const name = freshName();
      await copyDatabase(base.juliet.name, name);
      const database = faulty(createDatabase(name), nth);
      const context = contextOver(database, { seed: `faulty ${nth}` });
      const juliet: Person = { ...base.juliet, name, context };
      let failures = 0;
      const sent = [];
      for (const text of ['one', 'two', 'three']) {
        const before = await dump(name);
        try {
          sent.push(await send(juliet, base.romeo.scope.jid, text, text));
        } catch (error) {
          expect(error).toEqual(new Error('disk full'));
          failures += 1;
          expect(await dump(name)).toEqual(before);
          sent.push(await send(juliet, base.romeo.scope.jid, text, text));
        }
      }
      expect(failures).toBe(nth <= 3 ? 1 : 0);
      const copy = freshName();
      await copyDatabase(base.romeo.name, copy);
      const romeo: Person = {
        ...base.romeo,
        name: copy,
        context: contextOver(createDatabase(copy)),
      };
      const all = [first, ...sent];
      const numbers = all.map(({ keys }) => present(keys[0]).bytes);
      expect(new Set(numbers.map((bytes) => bytes.join())).size).toBe(4);
      const ivs = new Set(all.map(({ iv }) => iv.join()));
      expect(ivs.size).toBe(4);
      const texts = [];
      for (const message of all) texts.push(textOf(await receive(romeo, message, base.juliet)));
      expect(texts).toEqual(['first', 'one', 'two', 'three']);
      names.add(name);
      if (failures === 0) break;
    }
    expect(names.size).toBe(4);
  });
});

describe('a key on the wire', () => {
  it('opens with the prekeys of the device it is for and no other', async () => {
    const { juliet, romeo } = await couple();
    const message = await send(juliet, romeo.scope.jid, 'hello');
    const { identity } = await accountOf(romeo);
    const prekeys = await prekeysOf(romeo);
    const input = {
      version: message.version,
      sessions: { archived: [] },
      bytes: present(message.keys[0]).bytes,
      random: romeo.context.random,
    };
    const opened = await decryptKeyMaterial({ ...input, identity, prekeys });
    expect(opened.keyMaterial).toHaveLength(32);
    const other = await accountOf(juliet);
    const wrong = { identity: other.identity, prekeys: await prekeysOf(juliet) };
    await expect(decryptKeyMaterial({ ...input, ...wrong })).rejects.toThrow('omemo: bad-mac');
  });
});
