// Backups restored: on an empty machine, beside a device that is there, and where something is wrong (M75, M85).
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { RESTORED_PREKEY_GAP } from '../../../src/limits';
import { fingerprint } from '../../../src/omemo/identity';
import { LEGACY, VERSIONS } from '../../../src/rpc/versions';
import { markPublished, ownBundle } from '../../../src/vault/accounts';
import { forget, sweepSite } from '../../../src/vault/archive-upkeep';
import { newSecret } from '../../../src/vault/backup/code';
import { exportBackup } from '../../../src/vault/backup/export';
import { createRestoration } from '../../../src/vault/backup/restore';
import { backupHandlers } from '../../../src/vault/backup/handlers';
import { contentHandlers } from '../../../src/vault/content-handlers';
import { createPresence } from '../../../src/vault/presence';
import { changeSite } from '../../../src/vault/sites';
import { callsOf, fake, resetFake } from '../browser';
import { onDisk, rawRecords } from '../disk';
import { DOCUMENT } from '../mortal';
import {
  accountOf,
  changePeer,
  dump,
  encryptText,
  fetchBundle,
  keysOf,
  meet,
  ORIGIN,
  peerOf,
  person,
  present,
  receive,
  send,
  textOf,
  type Person,
} from '../world';
import {
  backUp,
  decide,
  ENDPOINT,
  JULIET,
  newMachine,
  NURSE,
  past,
  restore,
  review,
  ROMEO,
} from './two-machines';

vi.mock('webextension-polyfill', async () => ({ default: (await import('../browser')).browser }));

beforeEach(() => {
  resetFake();
  fake.permitted.add('https://chat.example.org/*');
});

/** The browser's permission comes from the user, never from a file. */
const protect = ({ context }: Person): Promise<unknown> =>
  changeSite(context, ORIGIN, (site) => ({ ...site, isProtected: true }));

const pageOf = ({ context }: Person) =>
  contentHandlers(
    context,
    createPresence(
      () => undefined,
      () => undefined,
    ),
  );

describe('a backup on an empty machine', () => {
  it('brings identity, device, trust, settings and past', async () => {
    const { juliet, romeo, out, back } = await past();
    await changePeer(juliet, NURSE, (peer) => ({ ...peer, encryption: 'off', retention: 30 }));
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    const seen = await restore(other, code, file);

    const [before, after] = [await accountOf(juliet), await accountOf(other)];
    expect(after.identity).toEqual(before.identity);
    expect(after.deviceId).toBe(before.deviceId);
    expect(seen.identities).toEqual([
      {
        origin: ORIGIN,
        jid: JULIET,
        kind: 'new',
        deviceId: juliet.deviceId,
        fingerprint: fingerprint(before.identity.publicKey),
      },
    ]);
    const trust = seen.trust.map(({ peer, before, after }) => `${peer} ${before} ${after}`);
    expect(trust.sort()).toEqual([`${NURSE} unknown distrusted`, `${ROMEO} unknown verified`]);
    expect(seen.chats).toEqual([{ origin: ORIGIN, jid: JULIET, peer: NURSE, encryption: 'off' }]);
    expect(seen.sites).toEqual([
      { origin: ORIGIN, policy: 'ask', granted: [{ jid: JULIET, endpoint: ENDPOINT }] },
    ]);
    expect(seen.texts).toBe(2);
    expect((await peerOf(other, NURSE)).retention).toBe(30);

    const page = pageOf(other);
    const stream = { stream: 1, jid: JULIET, endpoint: ENDPOINT };
    await expect(page.attach(DOCUMENT, stream)).rejects.toMatchObject({ code: 'not-granted' });
    await protect(other);
    expect(await page.attach(DOCUMENT, stream)).toEqual({
      kind: 'granted',
      deviceId: juliet.deviceId,
    });
    expect(textOf(await receive(other, out, juliet, { peer: ROMEO }))).toBe('It is the east');
    expect(await receive(other, back, romeo)).toMatchObject({
      text: 'and Juliet is the sun',
      trust: 'verified',
    });
  });

  it('holds no session and no private prekey, and none is there afterwards (M75)', async () => {
    const { juliet } = await past();
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    await restore(other, code, file);
    const records = await dump(other.name);
    expect(records['sessions']).toEqual({});
    expect(records['requests']).toEqual({});
    for (const version of VERSIONS) {
      const before = present((await accountOf(juliet)).prekeys[version]);
      const after = present((await accountOf(other)).prekeys[version]);
      const ids = after.oneTimePrekeys.map(({ id }) => id);
      expect(Math.min(...ids)).toBe(before.nextOneTimePrekeyId + RESTORED_PREKEY_GAP);
      expect(after.signedPrekey.id).toBe(before.signedPrekey.id + RESTORED_PREKEY_GAP);
      expect(after.previousSignedPrekey).toBeUndefined();
      const { bundle } = await ownBundle(other.context, other.scope, version);
      expect(bundle.oneTimePrekeys.map(({ id }) => id)).toEqual(ids);
    }
    expect((await accountOf(other)).isPublished).toBe(false);
  });

  it('goes on in its chats with new sessions, both ways', async () => {
    const { juliet, romeo } = await past();
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    await restore(other, code, file);
    await protect(other);
    const page = pageOf(other);
    // Romeo is told of the new session before he writes in the one that is lost.
    expect(await page.chores(DOCUMENT, { jid: JULIET })).toEqual([
      { kind: 'reset-session', jid: ROMEO, deviceId: romeo.deviceId, version: LEGACY },
    ]);
    await markPublished(other.context, other.scope, other.deviceId);
    await fetchBundle(other, romeo);
    await fetchBundle(romeo, other);
    const next = await send(other, ROMEO, 'from the new machine');
    expect(present(next.keys[0]).isKeyExchange).toBe(true);
    expect(textOf(await receive(romeo, next, other))).toBe('from the new machine');
    const answer = await send(romeo, JULIET, 'to the new machine');
    expect(textOf(await receive(other, answer, romeo))).toBe('to the new machine');
    expect(await page.chores(DOCUMENT, { jid: JULIET })).toEqual([]);
  });

  it('leaves out what was forgotten', async () => {
    const { juliet, out } = await past();
    juliet.clock.now += 10;
    await changePeer(juliet, ROMEO, (peer) => ({ ...peer, forgottenBefore: juliet.clock.now }));
    const kept = await send(juliet, ROMEO, 'kept');
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    expect(await restore(other, code, file)).toMatchObject({ texts: 1 });
    const own = { peer: ROMEO };
    expect(textOf(await receive(other, kept, juliet, own))).toBe('kept');
    expect(await receive(other, out, juliet, own)).toMatchObject({ code: 'own-unknown' });
  });

  it('leaves out what is damaged, and says how much that is', async () => {
    const { juliet } = await past();
    const raws = await rawRecords(juliet.name);
    const { key } = present(raws.find(({ store }) => store === 'archive'));
    await onDisk(juliet.name, (db) => db.put('archive', new Uint8Array(100), key));
    const { code, file, damaged } = await backUp(juliet);
    expect(damaged).toBe(1);
    expect(await restore(newMachine(juliet), code, file)).toMatchObject({ texts: 1 });
  });
});

describe('a backup beside a device that is here', () => {
  it('of the same identity changes no session and no prekey, and adds what is missing', async () => {
    const { juliet, romeo, out } = await past();
    const { code, file } = await backUp(juliet);
    const before = await dump(juliet.name);
    for (const key of await keysOf(juliet.context.database, 'archive'))
      await juliet.context.database.write([{ store: 'archive', key }]);
    const seen = await restore(juliet, code, file);
    expect(seen).toMatchObject({ trust: [], chats: [], sites: [] });
    expect(seen.identities).toMatchObject([{ kind: 'same' }]);
    expect(await dump(juliet.name)).toEqual(before);
    expect(textOf(await receive(juliet, out, juliet, { peer: ROMEO }))).toBe('It is the east');
    const next = await send(romeo, JULIET, 'as before');
    expect(textOf(await receive(juliet, next, romeo))).toBe('as before');
    expect(callsOf('reload')).toEqual([]);
  });

  it('of another identity takes its place, with nothing left of it, and pages begin anew', async () => {
    const { juliet, romeo } = await past();
    const { code, file } = await backUp(juliet);
    const other = await person(JULIET, 'another machine');
    await meet(other, romeo);
    await send(other, ROMEO, 'in the meantime');
    const before = await accountOf(other);
    const seen = await restore(other, code, file);
    expect(seen.identities).toMatchObject([
      {
        kind: 'replaced',
        before: fingerprint(before.identity.publicKey),
        fingerprint: fingerprint((await accountOf(juliet)).identity.publicKey),
      },
    ]);
    const { sessions, requests, archive } = await dump(other.name);
    expect({ sessions, requests }).toEqual({ sessions: {}, requests: {} });
    expect(Object.keys(archive ?? {})).toHaveLength(3);
    expect((await accountOf(other)).identity).toEqual((await accountOf(juliet)).identity);
    expect(callsOf('reload').length).toBeGreaterThan(0);
    await protect(other);
    expect(await pageOf(other).chores(DOCUMENT, { jid: JULIET })).toMatchObject([
      { kind: 'reset-session', jid: ROMEO },
    ]);
  });

  it.each([
    ['distrusted', 'verified', 'distrusted'],
    ['distrusted', 'trusted', 'distrusted'],
    ['verified', 'distrusted', 'distrusted'],
    ['trusted', 'distrusted', 'distrusted'],
    ['trusted', 'verified', 'verified'],
    ['verified', 'trusted', 'verified'],
    ['trusted', 'undecided', 'trusted'],
    ['undecided', 'trusted', 'trusted'],
  ] as const)('makes of %s here and %s there %s, and says so', async (here, there, after) => {
    const { juliet, romeo } = await past();
    await decide(juliet, romeo, there);
    const { code, file } = await backUp(juliet);
    await decide(juliet, romeo, here);
    const { trust } = await restore(juliet, code, file);
    expect((await peerOf(juliet, ROMEO)).keys.map((key) => key.trust)).toEqual([after]);
    const changes = trust.map((change) => [change.before, change.after]);
    expect(changes).toEqual(here === after ? [] : [[here, after]]);
  });

  it('raises the alarm for a device that has another key here, and lowers no policy or chat', async () => {
    const { juliet, romeo } = await past();
    await changePeer(juliet, ROMEO, (peer) => ({ ...peer, encryption: 'off' }));
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    await changeSite(other.context, ORIGIN, (site) => ({
      ...site,
      isProtected: true,
      policy: 'verified-only',
    }));
    const forged = await person(ROMEO, 'forger');
    const lying = { ...forged, deviceId: romeo.deviceId };
    await meet(other, lying);
    expect((await peerOf(other, ROMEO)).keys.map(({ trust }) => trust)).toEqual(['trusted']);
    const { trust, chats, sites } = await restore(other, code, file);
    const key = (await accountOf(forged)).identity.publicKey;
    const shown = trust.filter(({ peer }) => peer === ROMEO);
    expect(
      shown.map(({ fingerprint, before, after, isAlarm }) => [fingerprint, before, after, isAlarm]),
    ).toEqual([
      [fingerprint(key), 'trusted', 'undecided', true],
      [fingerprint((await accountOf(romeo)).identity.publicKey), 'unknown', 'verified', undefined],
    ]);
    expect(chats).toEqual([]);
    expect(sites).toMatchObject([{ before: 'verified-only', policy: 'verified-only' }]);
    expect((await peerOf(other, ROMEO)).encryption).toBe('on');
    await markPublished(other.context, other.scope, other.deviceId);
    expect(await encryptText(other.context, other.scope, ROMEO, 'one', 'to whom?')).toMatchObject({
      kind: 'refused',
      code: 'key-changed',
    });
  });
});

it('what was forgotten here is not brought back, and not counted', async () => {
  const { juliet, out } = await past();
  const { code, file } = await backUp(juliet);
  juliet.clock.now += 10;
  await forget(juliet.context, { origin: ORIGIN, chat: { jid: JULIET, peer: ROMEO } });
  await sweepSite(juliet.context, ORIGIN);
  const restoring = await review(juliet, code, file);
  expect(await restoring.addTexts()).toBe(0);
  expect(await keysOf(juliet.context.database, 'archive')).toEqual([]);
  expect(await receive(juliet, out, juliet, { peer: ROMEO })).toMatchObject({
    code: 'own-unknown',
  });
});

describe('a restoration', () => {
  it('changes nothing before it applies, but for texts', async () => {
    const { juliet } = await past();
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    const empty = await dump(other.name);
    const restoring = await review(other, code, file);
    expect(await dump(other.name)).toEqual(empty);
    expect(await restoring.addTexts()).toBe(2);
    const { archive, ...rest } = await dump(other.name);
    const { archive: _none, ...nothing } = empty;
    expect(rest).toEqual(nothing);
    expect(Object.keys(archive ?? {})).toHaveLength(2);
  });

  it('is one write after its texts, and whole or not at all', async () => {
    const { juliet } = await past();
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    const restoring = await review(other, code, file);
    await restoring.addTexts();
    const before = await dump(other.name);
    const writes = vi.spyOn(other.context.database, 'write');
    writes.mockRejectedValueOnce(new Error('disk full'));
    await expect(restoring.apply()).rejects.toThrow('disk full');
    expect(await dump(other.name)).toEqual(before);
    writes.mockClear();
    await restoring.apply();
    expect(writes.mock.calls.filter(([changes]) => changes.length > 0)).toHaveLength(1);
    expect(await accountOf(other)).toMatchObject({ deviceId: juliet.deviceId });
  });

  it('does not apply what has changed since it was looked at', async () => {
    const { juliet, romeo } = await past();
    const { code, file } = await backUp(juliet);
    const restoring = await review(juliet, code, file);
    await restoring.addTexts();
    await decide(juliet, romeo, 'trusted');
    const before = await dump(juliet.name);
    await expect(restoring.apply()).rejects.toMatchObject({ code: 'stale' });
    expect(await dump(juliet.name)).toEqual(before);
  });

  it('goes in its order only', async () => {
    const { juliet } = await past();
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    const vault = backupHandlers(other.context);
    const stale = expect.objectContaining({ code: 'stale' });
    const whole = { bytes: file, isLast: true };
    const attempt = (work: () => Promise<unknown>) =>
      Promise.resolve()
        .then(work)
        .then(
          () => 'done',
          (error: unknown) => error,
        );
    const { id } = await vault.restoreBegin({ code });
    expect(await attempt(() => vault.restoreReview({ id }))).toEqual(stale);
    expect(await attempt(() => vault.restoreTexts({ id, ...whole }))).toEqual(stale);
    expect(await attempt(() => vault.restoreApply({ id }))).toEqual(stale);
    expect(await attempt(() => vault.restoreRead({ id: id + 1, ...whole }))).toEqual(stale);
    expect(await attempt(() => vault.restoreRead({ id, ...whole }))).toBe('done');
    expect(await attempt(() => vault.restoreRead({ id, ...whole }))).toEqual(stale);
    expect(await attempt(() => vault.restoreTexts({ id, ...whole }))).toEqual(stale);
    expect(await attempt(() => vault.restoreReview({ id }))).toBe('done');
    expect(await attempt(() => vault.restoreApply({ id }))).toEqual(stale);
    await vault.restoreBegin({ code });
    expect(await attempt(() => vault.restoreTexts({ id, ...whole }))).toEqual(stale);
  });

  it('takes no other file in its second reading', async () => {
    const { juliet } = await past();
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    const vault = backupHandlers(other.context);
    const { id } = await vault.restoreBegin({ code });
    await vault.restoreRead({ id, bytes: file, isLast: true });
    await vault.restoreReview({ id });
    const cut = { id, bytes: file.subarray(0, file.length - 1), isLast: true };
    await expect(vault.restoreTexts(cut)).rejects.toMatchObject({ code: 'bad-backup' });
    await expect(vault.restoreApply({ id })).rejects.toMatchObject({ code: 'stale' });
  });

  it('takes no other backup of the same code in its second reading', async () => {
    const { juliet } = await past();
    const secret = newSecret(juliet.context.random);
    const fileOf = async () => {
      const parts: Uint8Array[] = [];
      for await (const { bytes } of exportBackup(juliet.context, secret, juliet.context.random))
        parts.push(bytes);
      return new Uint8Array(Buffer.concat(parts));
    };
    const other = newMachine(juliet);
    const restoration = createRestoration(other.context, secret);
    restoration.read(await fileOf(), true);
    await restoration.review();
    const second = restoration.addTexts(await fileOf(), true);
    await expect(second).rejects.toMatchObject({ code: 'bad-backup' });
    expect(await keysOf(other.context.database, 'archive')).toEqual([]);
    await expect(restoration.apply()).rejects.toMatchObject({ code: 'stale' });
  });

  it('of a wrong, mistyped or damaged one changes nothing, byte by byte', async () => {
    const { juliet } = await past();
    const { code, file } = await backUp(juliet);
    const other = newMachine(juliet);
    const empty = await dump(other.name);
    const vault = backupHandlers(other.context);
    const attempt = async (typed: string, bytes: Uint8Array): Promise<unknown> => {
      try {
        const { id } = await vault.restoreBegin({ code: typed });
        await vault.restoreRead({ id, bytes, isLast: true });
        return await vault.restoreReview({ id });
      } catch (error) {
        return error;
      }
    };
    const refused = expect.objectContaining({
      code: expect.stringMatching(/^(bad-backup|new-backup|wrong-code)$/),
    });
    for (let at = 0; at < file.length; at++) {
      const changed = Uint8Array.from(file);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      expect(await attempt(code, changed), `byte ${at}`).toEqual(refused);
      expect(await attempt(code, file.subarray(0, at)), `length ${at}`).toEqual(refused);
    }
    const { code: another } = await backUp(juliet);
    expect(await attempt(another, file)).toMatchObject({ code: 'wrong-code' });
    expect(
      await attempt(`${code.slice(0, -1)}${code.endsWith('0') ? '1' : '0'}`, file),
    ).toMatchObject({
      code: 'bad-code',
    });
    expect(await dump(other.name)).toEqual(empty);
  });
});

describe('the reminder', () => {
  it('knows when an account was last saved, and what was verified since', async () => {
    const { juliet, nurse } = await past();
    const accounts = async () => backupHandlers(juliet.context).accounts({});
    expect(await accounts()).toMatchObject([{ jid: JULIET, verifiedSince: 1 }]);
    expect((await accounts())[0]?.backedUpAt).toBeUndefined();
    await backUp(juliet, false);
    expect((await accounts())[0]?.backedUpAt).toBeUndefined();
    juliet.clock.now += 5;
    await backUp(juliet);
    expect(await accounts()).toMatchObject([
      { verifiedSince: 0, backedUpAt: juliet.clock.now, retention: 'ever' },
    ]);
    await decide(juliet, nurse, 'verified');
    expect(await accounts()).toMatchObject([{ verifiedSince: 1 }]);
  });
});
