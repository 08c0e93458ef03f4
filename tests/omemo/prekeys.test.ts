// The prekeys of both versions: made, published, used, kept for a while, refilled, rotated; and the bundles of others.
import { createPublicKey, randomBytes, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { edwardsOf, generateIdentity } from '../../src/omemo/identity';
import {
  MAX_ID,
  MAX_SPENT_PREKEYS,
  SIGNED_PREKEY_AGE_MS,
  SPENT_PREKEY_KEPT_MS,
} from '../../src/limits';
import {
  bundleOf,
  createPrekeyStore,
  dropSpentPrekeys,
  findOneTimePrekey,
  isRotationDue,
  refillOneTimePrekeys,
  rotateSignedPrekey,
  spendOneTimePrekey,
  verifyBundle,
} from '../../src/omemo/prekeys';
import type { PublishedBundle } from '../../src/omemo/types';
import { hex } from '../vectors/vectors';
import { codeOf } from './codes';
import { VERSIONS } from './devices';

const NOW = Date.UTC(2026, 0, 5);
const random = (length: number) => new Uint8Array(randomBytes(length));
const version = 'eu.siacs.conversations.axolotl';
const identity = await generateIdentity(random);
const fresh = await createPrekeyStore({ version, identity, now: NOW, random });
const publishedIds = (store: typeof fresh) =>
  bundleOf(version, identity, store).oneTimePrekeys.map(({ id }) => id);

describe('a spent one-time prekey', () => {
  it('leaves the bundle at once, is still found, and is replaced by another', async () => {
    const spent = spendOneTimePrekey(fresh, 7, NOW);
    expect(publishedIds(spent)).not.toContain(7);
    expect(findOneTimePrekey(spent, 7)?.keyPair).toEqual(findOneTimePrekey(fresh, 7)?.keyPair);
    const full = await refillOneTimePrekeys(spent, random);
    expect(publishedIds(full)).toHaveLength(100);
    expect(publishedIds(full)).not.toContain(7);
    expect(publishedIds(full)).toContain(101);
    expect(findOneTimePrekey(full, 7)).toBeDefined();
  });

  it('is forgotten an hour after its first use, not before, and not later for being used again', () => {
    const spent = spendOneTimePrekey(fresh, 7, NOW);
    const again = spendOneTimePrekey(spent, 7, NOW + 1000);
    expect(again).toBe(spent);
    expect(dropSpentPrekeys(again, NOW + SPENT_PREKEY_KEPT_MS - 1)).toBe(again);
    const dropped = dropSpentPrekeys(again, NOW + SPENT_PREKEY_KEPT_MS);
    expect(findOneTimePrekey(dropped, 7)).toBeUndefined();
    expect(findOneTimePrekey(dropped, 8)).toBeDefined();
    expect(dropped.spentPrekeys).toEqual([]);
  });

  it('changes nothing for an id nobody has', () => {
    expect(spendOneTimePrekey(fresh, 4711, NOW)).toBe(fresh);
    expect(findOneTimePrekey(fresh, 4711)).toBeUndefined();
    expect(findOneTimePrekey(fresh, 0)).toBeUndefined();
  });

  it('joins a store written before there were any', () => {
    const { spentPrekeys: _none, ...old } = fresh;
    expect(dropSpentPrekeys(old, NOW)).toBe(old);
    expect(findOneTimePrekey(old, 4711)).toBeUndefined();
    const spent = spendOneTimePrekey(old, 7, NOW);
    expect(findOneTimePrekey(spent, 7)).toBeDefined();
    expect(spent.spentPrekeys).toHaveLength(1);
  });

  it('is one of a bounded number, of which the oldest go', async () => {
    let store = fresh;
    for (let use = 0; use < MAX_SPENT_PREKEYS + 3; use++) {
      const [first] = store.oneTimePrekeys;
      store = await refillOneTimePrekeys(spendOneTimePrekey(store, first?.id ?? 0, NOW), random);
    }
    expect(store.spentPrekeys?.map(({ id }) => id)).toEqual(
      Array.from({ length: MAX_SPENT_PREKEYS }, (_, index) => index + 4),
    );
    expect(publishedIds(store)).toHaveLength(100);
  });
});

/** RFC 8410 §4: what stands before the 32 bytes of an Ed25519 key in DER. */
function nodeKey(edwardsKey: Uint8Array) {
  const key = Buffer.concat([hex('302a300506032b6570032100'), edwardsKey]);
  return createPublicKey({ key, format: 'der', type: 'spki' });
}

describe.each(VERSIONS)('a store of %s', async (each) => {
  const store = await createPrekeyStore({ version: each, identity, now: NOW, random });
  const bundle = bundleOf(each, identity, store);

  it('has ids from 1, and publishes only public halves', () => {
    expect(store.signedPrekey.id).toBe(1);
    expect(store.oneTimePrekeys.map(({ id }) => id)).toEqual(
      Array.from({ length: 100 }, (_, index) => index + 1),
    );
    expect(store.nextOneTimePrekeyId).toBe(101);
    expect(bundle.oneTimePrekeys).toEqual(
      store.oneTimePrekeys.map(({ id, keyPair }) => ({ id, publicKey: keyPair.publicKey })),
    );
    expect(Object.keys(bundle.signedPrekey)).toEqual(['id', 'publicKey', 'signature']);
    const isOmemo2 = each === 'urn:xmpp:omemo:2';
    expect(bundle.identityKeyEd).toEqual(isOmemo2 ? edwardsOf(identity.publicKey) : undefined);
    expect(Object.hasOwn(bundle, 'identityKeyEd')).toBe(isOmemo2);
  });

  it('is signed by the identity key, over the form of its version: node:crypto agrees', () => {
    const { publicKey, signature } = bundle.signedPrekey;
    const forms = [publicKey, Uint8Array.of(5, ...publicKey)];
    const key = nodeKey(edwardsOf(identity.publicKey));
    const holds = forms.map((form) => verify(null, form, key, signature));
    expect(holds).toEqual(each === 'urn:xmpp:omemo:2' ? [true, false] : [false, true]);
  });

  it('makes a bundle that is accepted under its version and no other', async () => {
    expect(await verifyBundle(each, bundle)).toEqual(bundle);
    const [other = each] = VERSIONS.filter((one) => one !== each);
    const disguised = { ...bundle, identityKeyEd: edwardsOf(identity.publicKey) };
    expect(await codeOf(() => verifyBundle(other, disguised))).toBe('bad-signature');
  });

  it('rotates its signed prekey after a week, and keeps the one before', async () => {
    expect(isRotationDue(store, NOW + SIGNED_PREKEY_AGE_MS - 1)).toBe(false);
    expect(isRotationDue(store, NOW + SIGNED_PREKEY_AGE_MS)).toBe(true);
    const now = NOW + SIGNED_PREKEY_AGE_MS;
    const rotated = await rotateSignedPrekey({ version: each, store, identity, now, random });
    expect(rotated.signedPrekey.id).toBe(2);
    expect(rotated.signedPrekey.createdAt).toBe(now);
    expect(rotated.previousSignedPrekey).toEqual(store.signedPrekey);
    expect(rotated.oneTimePrekeys).toBe(store.oneTimePrekeys);
    expect(await codeOf(() => verifyBundle(each, bundleOf(each, identity, rotated)))).toBe('ok');
    const again = await rotateSignedPrekey({
      version: each,
      store: rotated,
      identity,
      now,
      random,
    });
    expect(again.previousSignedPrekey).toEqual(rotated.signedPrekey);
    expect(isRotationDue(rotated, now)).toBe(false);
  });

  it('starts again at 1 after the last id', async () => {
    const last = { ...store, nextOneTimePrekeyId: MAX_ID };
    const emptied = spendOneTimePrekey(spendOneTimePrekey(last, 1, NOW), 2, NOW);
    const refilled = await refillOneTimePrekeys(emptied, random);
    expect(refilled.oneTimePrekeys.slice(-2).map(({ id }) => id)).toEqual([MAX_ID, 1]);
    expect(refilled.nextOneTimePrekeyId).toBe(2);
    const old = { ...store, signedPrekey: { ...store.signedPrekey, id: MAX_ID } };
    const rotated = await rotateSignedPrekey({
      version: each,
      store: old,
      identity,
      now: NOW,
      random,
    });
    expect(rotated.signedPrekey.id).toBe(1);
  });

  it('refills nothing when it is full', async () => {
    expect(await refillOneTimePrekeys(store, random)).toBe(store);
  });
});

const ZERO = new Uint8Array(32);
const ONES = new Uint8Array(32).fill(0xff);
/** u = p, the smallest u that is not canonical. */
const P = hex(`ed${'ff'.repeat(30)}7f`);

describe.each(VERSIONS)('a bundle of %s', async (each) => {
  const good = bundleOf(
    each,
    identity,
    await createPrekeyStore({ version: each, identity, now: NOW, random }),
  );
  const code = (bundle: PublishedBundle) => codeOf(() => verifyBundle(each, bundle));
  const withSigned = (change: Partial<PublishedBundle['signedPrekey']>): PublishedBundle => ({
    ...good,
    signedPrekey: { ...good.signedPrekey, ...change },
  });
  const withKeys = (publicKey: Uint8Array): PublishedBundle => ({
    ...good,
    oneTimePrekeys: [...good.oneTimePrekeys, { id: 200, publicKey }],
  });

  it.each([
    ['31 bytes', new Uint8Array(31)],
    ['33 bytes', new Uint8Array(33)],
    ['no bytes', new Uint8Array(0)],
    ['bit 255', ONES],
    ['u = p', P],
  ])('with a prekey of %s is refused', async (_name, key) => {
    expect(await code(withSigned({ publicKey: key }))).toBe('bad-key');
    expect(await code(withKeys(key))).toBe('bad-key');
  });

  it('with an identity key that is unusable is refused', async () => {
    const { identityKey: _x, identityKeyEd: _ed, ...rest } = good;
    expect(await code(rest)).toBe('malformed');
    const isOmemo2 = each === 'urn:xmpp:omemo:2';
    for (const key of [new Uint8Array(31), new Uint8Array(33), ONES, P]) {
      expect(
        await code(isOmemo2 ? { ...rest, identityKeyEd: key } : { ...rest, identityKey: key }),
      ).toBe('bad-key');
    }
    // Of low order: an Ed25519 key of this kind is refused as such, an X key can sign nothing.
    const low = isOmemo2 ? { ...rest, identityKeyEd: ZERO } : { ...rest, identityKey: ZERO };
    expect(await code(low)).toBe(isOmemo2 ? 'bad-key' : 'bad-signature');
  });

  it('with any bit of the signed prekey or its signature flipped is refused', async () => {
    const { publicKey, signature } = good.signedPrekey;
    for (const bit of [0, 1, 77, 254]) {
      const codes = await code(withSigned({ publicKey: flipped(publicKey, bit) }));
      expect(codes).toBe('bad-signature');
    }
    for (const bit of [0, 100, 255, 256, 400, 503, 510, 511]) {
      expect(await code(withSigned({ signature: flipped(signature, bit) }))).toBe('bad-signature');
    }
  });

  it.each([0, 32, 63, 65])('with a signature of %i bytes is refused', async (length) => {
    expect(await code(withSigned({ signature: new Uint8Array(length) }))).toBe('bad-signature');
  });

  it.each([-1, 1.5, NaN, 2 ** 32, Infinity])('with signed prekey id %f is refused', async (id) => {
    expect(await code(withSigned({ id }))).toBe('malformed');
  });

  it('with signed prekey id 0 or 2^32 − 1 is usable', async () => {
    for (const id of [0, 2 ** 32 - 1]) expect(await code(withSigned({ id }))).toBe('ok');
  });

  it('offers only one-time prekeys that can be named and are not 0', async () => {
    const [first] = good.oneTimePrekeys;
    if (first === undefined) throw new Error('want a prekey');
    const ids = [0, -1, 1.5, NaN, 2 ** 32, 7, 2 ** 32 - 1];
    const mixed = { ...good, oneTimePrekeys: ids.map((id) => ({ ...first, id })) };
    expect((await verifyBundle(each, mixed)).oneTimePrekeys.map(({ id }) => id)).toEqual([
      7,
      2 ** 32 - 1,
    ]);
    expect(await code({ ...good, oneTimePrekeys: [] })).toBe('no-prekeys');
    expect(await code({ ...good, oneTimePrekeys: [{ ...first, id: 0 }] })).toBe('no-prekeys');
  });
});

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const other = Uint8Array.from(bytes);
  other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return other;
}
