import { describe, expect, it } from 'vitest';
import { LEGACY, OMEMO2, VERSIONS } from '../../src/rpc/versions';
import { SIGNED_PREKEY_AGE_MS } from '../../src/limits';
import { verifyBundle } from '../../src/omemo/prekeys';
import { claimDeviceId, markPublished, openAccount, ownBundle } from '../../src/vault/accounts';
import { scopedKey, type Context } from '../../src/vault/context';
import { createDatabase } from '../../src/vault/db';
import {
  accountOf,
  contextOver,
  dump,
  freshName,
  jid,
  meet,
  ORIGIN,
  person,
  prekeysOf,
  present,
  reborn,
  receive,
  send,
  START,
  textOf,
} from './world';

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const SCOPE = { origin: ORIGIN, jid: JULIET };

describe('an account', () => {
  it('is made once, also when it is asked for twice at once and after the worker died', async () => {
    const name = freshName();
    const context = contextOver(createDatabase(name), { seed: 'made once' });
    const ids = await Promise.all([openAccount(context, SCOPE), openAccount(context, SCOPE)]);
    const stored = await dump(name);
    const later = contextOver(createDatabase(name), { seed: 'later' });
    ids.push(await openAccount(later, SCOPE));
    expect(new Set(ids).size).toBe(1);
    expect(await dump(name)).toEqual(stored);
    expect(Object.keys(stored['accounts'] ?? {})).toEqual([scopedKey(SCOPE)]);
  });

  it('has an id in 1…2^31−1 and is not published', async () => {
    const draws = [0, 0xffff_ffff, 0x8000_0000, 0x1234_5678];
    let draw = 0;
    const context = contextOver(createDatabase(freshName()), { seed: 'id' });
    const { random } = context;
    const scripted = (length: number) => {
      if (length !== 4) return random(length);
      const bytes = new Uint8Array(4);
      new DataView(bytes.buffer).setUint32(0, draws[draw++] ?? 1, true);
      return bytes;
    };
    const id = await openAccount({ ...context, random: scripted }, SCOPE);
    expect(id).toBe(0x7fff_ffff);
    const record = await context.database.get('accounts', scopedKey(SCOPE));
    expect(record).toMatchObject({ isPublished: false, createdAt: START, deviceId: id });
    expect(record?.prekeys).toEqual({});
  });

  it.each(VERSIONS)(
    'has a hundred prekeys of %s from the first bundle on, and keeps them',
    async (version) => {
      const context = contextOver(createDatabase(freshName()));
      await openAccount(context, SCOPE);
      const { bundle } = await ownBundle(context, SCOPE, version);
      expect(bundle.oneTimePrekeys.map(({ id }) => id)).toEqual(
        Array.from({ length: 100 }, (_, index) => index + 1),
      );
      expect(await verifyBundle(version, bundle)).toEqual(bundle);
      const record = present(await context.database.get('accounts', scopedKey(SCOPE)));
      expect(Object.keys(record.prekeys)).toEqual([version]);
      expect(await ownBundle(context, SCOPE, version)).toEqual({
        deviceId: record.deviceId,
        bundle,
      });
    },
  );

  it('has one identity and other prekeys in each version', async () => {
    const context = contextOver(createDatabase(freshName()));
    await openAccount(context, SCOPE);
    const legacy = await ownBundle(context, SCOPE, LEGACY);
    const omemo2 = await ownBundle(context, SCOPE, OMEMO2);
    expect(omemo2.deviceId).toBe(legacy.deviceId);
    expect(omemo2.bundle.identityKey).toEqual(legacy.bundle.identityKey);
    expect(omemo2.bundle.signedPrekey.publicKey).not.toEqual(legacy.bundle.signedPrekey.publicKey);
  });

  it('is another one on another site and for another JID (I-39)', async () => {
    const one = await person(JULIET);
    const other = { ...SCOPE, origin: 'https://other.example.org' };
    const id = await openAccount(one.context, other);
    const there = await one.context.database.get('accounts', scopedKey(other));
    expect(id).not.toBe(one.deviceId);
    expect(there?.identity.privateKey).not.toEqual((await accountOf(one)).identity.privateKey);
  });

  it('that is not there has no bundle', async () => {
    const context = contextOver(createDatabase(freshName()));
    await expect(ownBundle(context, SCOPE, LEGACY)).rejects.toMatchObject({ code: 'no-account' });
    await expect(claimDeviceId(context, SCOPE, [])).rejects.toMatchObject({ code: 'no-account' });
  });
});

describe('our bundle', () => {
  it('is valid, has no private key, and asking changes nothing while nothing is due', async () => {
    const juliet = await person(JULIET);
    const before = await dump(juliet.name);
    const { bundle, deviceId } = await ownBundle(juliet.context, juliet.scope, LEGACY);
    expect(deviceId).toBe(juliet.deviceId);
    await verifyBundle(LEGACY, bundle);
    expect(JSON.stringify(bundle)).not.toContain('rivate');
    expect(await dump(juliet.name)).toEqual(before);
  });

  it('is rotated after seven days, not before; the previous one still opens a key exchange', async () => {
    const clock = { now: START };
    const romeo = await person(ROMEO, ROMEO, clock);
    const [juliet, tybalt] = [await person(JULIET), await person('tybalt@example.org')];
    await meet(juliet, romeo);
    await meet(tybalt, romeo);
    const early = await send(juliet, ROMEO, 'early');
    const prekeys = await prekeysOf(romeo);
    clock.now = prekeys.signedPrekey.createdAt + SIGNED_PREKEY_AGE_MS - 1;
    const kept = await ownBundle(romeo.context, romeo.scope, LEGACY);
    expect(kept.bundle.signedPrekey.id).toBe(1);
    clock.now += 1;
    const { bundle } = await ownBundle(romeo.context, romeo.scope, LEGACY);
    expect(bundle.signedPrekey.id).toBe(2);
    expect(bundle.signedPrekey.publicKey).not.toEqual(kept.bundle.signedPrekey.publicKey);
    await verifyBundle(LEGACY, bundle);
    const stored = await prekeysOf(romeo);
    expect(stored.previousSignedPrekey).toEqual(prekeys.signedPrekey);
    expect(textOf(await receive(reborn(romeo), early, juliet))).toBe('early');

    const late = await send(tybalt, ROMEO, 'late');
    clock.now += SIGNED_PREKEY_AGE_MS;
    await ownBundle(romeo.context, romeo.scope, LEGACY);
    expect((await receive(romeo, late, tybalt)).kind).toBe('failed');
    expect(await receive(romeo, late, tybalt)).toMatchObject({ code: 'unknown-prekey' });
  });
});

describe('a device id', () => {
  const stored = async (context: Context) =>
    present(await context.database.get('accounts', scopedKey(SCOPE)));

  it('that is on our list before we published is changed, to one that is not on it', async () => {
    const context = contextOver(createDatabase(freshName()), { seed: 'claim' });
    const id = await openAccount(context, SCOPE);
    const other = await claimDeviceId(context, SCOPE, [1, id]);
    expect([1, id]).not.toContain(other);
    expect((await ownBundle(context, SCOPE, LEGACY)).deviceId).toBe(other);
    await markPublished(context, SCOPE, id);
    expect((await stored(context)).isPublished).toBe(false);
    await markPublished(context, SCOPE, other);
    expect((await stored(context)).isPublished).toBe(true);
    expect(await claimDeviceId(context, SCOPE, [other])).toBe(other);
  });

  it('that was free once stays: what stands on the list later is our own entry', async () => {
    for (const first of ['free', 'taken']) {
      const context = contextOver(createDatabase(freshName()), { seed: first });
      const id = await openAccount(context, SCOPE);
      const claimed = await claimDeviceId(context, SCOPE, first === 'free' ? [1, 2] : [1, id]);
      expect(claimed === id).toBe(first === 'free');
      expect(await claimDeviceId(context, SCOPE, [1, claimed])).toBe(claimed);
      expect((await stored(context)).isPublished).toBe(false);
    }
  });
});
