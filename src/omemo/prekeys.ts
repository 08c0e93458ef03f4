// The prekeys of our device as steps over a value, and the check of other devices' bundles (X3DH §3.2; XEP-0384 §4.1).
import { assertPublicKey } from '../crypto/curve';
import { generateKeyPair } from '../crypto/engine';
import { signXeddsa } from '../crypto/xeddsa';
import { awaitWithOmemoErrors, OmemoError } from './errors';
import { edwardsOf } from './identity';
import {
  MAX_FOREIGN_ID,
  MAX_ID,
  MAX_SPENT_PREKEYS,
  ONE_TIME_PREKEYS,
  SIGNED_PREKEY_AGE_MS,
  SPENT_PREKEY_KEPT_MS,
} from '../limits';
import { protocolFor } from './protocol';
import type {
  Bundle,
  IdentityKeyPair,
  OmemoVersion,
  OneTimePrekey,
  PrekeyStore,
  PublishedBundle,
  Random,
  SignedPrekey,
  SpentPrekey,
} from './types';

/** The prekey id after another. Ids stay in 1…2^31−1 and start again at 1 (XEP-0384 §4.1, 0.9.1). */
export function nextPrekeyId(id: number): number {
  return id >= MAX_ID ? 1 : id + 1;
}

async function makeSignedPrekey(
  version: OmemoVersion,
  id: number,
  identity: IdentityKeyPair,
  now: number,
  random: Random,
): Promise<SignedPrekey> {
  const keyPair = await generateKeyPair(random);
  const message = protocolFor(version).signedBytes(keyPair.publicKey);
  const signature = signXeddsa(identity.privateKey, message, random(64));
  return { id, keyPair, signature, createdAt: now };
}

async function makeOneTimePrekey(id: number, random: Random): Promise<OneTimePrekey> {
  return { id, keyPair: await generateKeyPair(random) };
}

async function makeOneTimePrekeys(
  firstId: number,
  count: number,
  random: Random,
): Promise<{ readonly prekeys: readonly OneTimePrekey[]; readonly nextId: number }> {
  const making: Promise<OneTimePrekey>[] = [];
  let id = firstId;
  for (let i = 0; i < count; i++, id = nextPrekeyId(id)) making.push(makeOneTimePrekey(id, random));
  return { prekeys: await Promise.all(making), nextId: id };
}

/**
 * A new store for one version: a signed prekey with id 1 and 100 one-time prekeys with ids from 1, or from those in `firstIds`
 * (1…2^31−1). `now` in ms since 1970. Versions share no prekeys: what the signature covers differs.
 */
export async function createPrekeyStore(input: {
  readonly version: OmemoVersion;
  readonly identity: IdentityKeyPair;
  readonly now: number;
  readonly random: Random;
  readonly firstIds?: { readonly signed: number; readonly oneTime: number } | undefined;
}): Promise<PrekeyStore> {
  const { version, identity, now, random, firstIds = { signed: 1, oneTime: 1 } } = input;
  const { prekeys, nextId: nextOneTimePrekeyId } = await makeOneTimePrekeys(
    firstIds.oneTime,
    ONE_TIME_PREKEYS,
    random,
  );
  return {
    signedPrekey: await makeSignedPrekey(version, firstIds.signed, identity, now, random),
    oneTimePrekeys: prekeys,
    spentPrekeys: [],
    nextOneTimePrekeyId,
  };
}

function spentIn({ spentPrekeys = [] }: PrekeyStore): readonly SpentPrekey[] {
  return spentPrekeys;
}

/**
 * The store after a key exchange used the one-time prekey of that id: it is not published again, but found a while longer
 * by `findOneTimePrekey`. The same store if it is not there or spent already. `now` in ms since 1970.
 */
export function spendOneTimePrekey(store: PrekeyStore, id: number, now: number): PrekeyStore {
  const used = store.oneTimePrekeys.find((prekey) => prekey.id === id);
  if (used === undefined) return store;
  return {
    ...store,
    oneTimePrekeys: store.oneTimePrekeys.filter((prekey) => prekey !== used),
    spentPrekeys: [...spentIn(store), { ...used, usedAt: now }].slice(-MAX_SPENT_PREKEYS),
  };
}

/** The store without prekeys that were used too long ago; the same store if there are none. `now` in ms since 1970. */
export function dropSpentPrekeys(store: PrekeyStore, now: number): PrekeyStore {
  const spent = spentIn(store);
  const kept = spent.filter(({ usedAt }) => now - usedAt < SPENT_PREKEY_KEPT_MS);
  return kept.length === spent.length ? store : { ...store, spentPrekeys: kept };
}

/**
 * The store as if all its one-time prekeys were used, the next ones with ids from `next`: what lies here may be older than what was
 * published from it. They are still found for a while. `now` in ms since 1970.
 */
export function spendAllPrekeys(store: PrekeyStore, next: number, now: number): PrekeyStore {
  const spent = store.oneTimePrekeys.map((prekey) => ({ ...prekey, usedAt: now }));
  return {
    ...store,
    oneTimePrekeys: [],
    spentPrekeys: [...spentIn(store), ...spent].slice(-MAX_SPENT_PREKEYS),
    nextOneTimePrekeyId: next,
  };
}

/** The one-time prekey of an id, also a spent one. */
export function findOneTimePrekey(store: PrekeyStore, id: number): OneTimePrekey | undefined {
  const isWanted = (prekey: OneTimePrekey): boolean => prekey.id === id;
  return store.oneTimePrekeys.find(isWanted) ?? spentIn(store).find(isWanted);
}

/** The store with 100 one-time prekeys again; new ids go on, so that a used one never comes back. */
export async function refillOneTimePrekeys(
  store: PrekeyStore,
  random: Random,
): Promise<PrekeyStore> {
  const missing = ONE_TIME_PREKEYS - store.oneTimePrekeys.length;
  if (missing <= 0) return store;
  const made = await makeOneTimePrekeys(store.nextOneTimePrekeyId, missing, random);
  return {
    ...store,
    oneTimePrekeys: [...store.oneTimePrekeys, ...made.prekeys],
    nextOneTimePrekeyId: made.nextId,
  };
}

/**
 * The store with a signed prekey that was made by `now` (ms since 1970): one from the future comes from a clock that was wrong
 * (I-127). It is kept, and its age counted from now; rotating at once would take the one before it away.
 */
export function dateSignedPrekey(store: PrekeyStore, now: number): PrekeyStore {
  if (store.signedPrekey.createdAt <= now) return store;
  return { ...store, signedPrekey: { ...store.signedPrekey, createdAt: now } };
}

/** Is the signed prekey older than a week? `now` in ms since 1970. */
export function isRotationDue(store: PrekeyStore, now: number): boolean {
  return now - store.signedPrekey.createdAt >= SIGNED_PREKEY_AGE_MS;
}

/**
 * The store with a new signed prekey; the present one is kept as previous, the one before is forgotten.
 * @param input.version the one the store was made for
 */
export async function rotateSignedPrekey(input: {
  readonly version: OmemoVersion;
  readonly store: PrekeyStore;
  readonly identity: IdentityKeyPair;
  readonly now: number;
  readonly random: Random;
}): Promise<PrekeyStore> {
  const { version, store, identity, now, random } = input;
  return {
    ...store,
    signedPrekey: await makeSignedPrekey(
      version,
      nextPrekeyId(store.signedPrekey.id),
      identity,
      now,
      random,
    ),
    previousSignedPrekey: store.signedPrekey,
  };
}

/** The public half of a store, to publish under the version it was made for. */
export function bundleOf(
  version: OmemoVersion,
  identity: IdentityKeyPair,
  store: PrekeyStore,
): Bundle {
  const { id, keyPair, signature } = store.signedPrekey;
  return {
    identityKey: identity.publicKey,
    ...(version === 'urn:xmpp:omemo:2' && { identityKeyEd: edwardsOf(identity.publicKey) }),
    signedPrekey: { id, publicKey: keyPair.publicKey, signature },
    oneTimePrekeys: store.oneTimePrekeys.map((prekey) => ({
      id: prekey.id,
      publicKey: prekey.keyPair.publicKey,
    })),
  };
}

/** Ids of others: any uint32 is carried back to them, but 0 is not chosen. */
function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= MAX_FOREIGN_ID;
}

/**
 * The bundle, if it can be used: keys canonical, signature valid, at least one one-time prekey with an id above 0. The
 * answer has the identity key in every form the version needs, and only the one-time prekeys that may be chosen.
 * @throws OmemoError `malformed` for a missing identity key or an impossible id, `bad-key`, `bad-signature`, `no-prekeys`.
 */
export function verifyBundle(version: OmemoVersion, bundle: PublishedBundle): Promise<Bundle> {
  return awaitWithOmemoErrors(async () => {
    const protocol = protocolFor(version);
    const identity = protocol.readIdentity(bundle);
    const { id, publicKey, signature } = bundle.signedPrekey;
    if (!isId(id)) throw new OmemoError('malformed');
    assertPublicKey(publicKey);
    for (const prekey of bundle.oneTimePrekeys) assertPublicKey(prekey.publicKey);
    if (!(await protocol.isSignedBy(identity, publicKey, signature))) {
      throw new OmemoError('bad-signature');
    }
    const oneTimePrekeys = bundle.oneTimePrekeys.filter(
      (prekey) => prekey.id > 0 && isId(prekey.id),
    );
    if (oneTimePrekeys.length === 0) throw new OmemoError('no-prekeys');
    return { ...identity, signedPrekey: bundle.signedPrekey, oneTimePrekeys };
  });
}
