// The prekeys of our device as steps over a value, and the check of other devices' bundles (X3DH §3.2; XEP-0384 §4.1).
import { assertPublicKey, generateKeyPair } from '../crypto/curve';
import { signXeddsa, verifyCurve25519 } from '../crypto/xeddsa';
import { OmemoError, withOmemoErrors } from './errors';
import {
  MAX_ID,
  MAX_SPENT_PREKEYS,
  ONE_TIME_PREKEYS,
  SIGNED_PREKEY_AGE_MS,
  SPENT_PREKEY_KEPT_MS,
} from './limits';
import { protocolFor } from './protocol';
import type {
  Bundle,
  IdentityKeyPair,
  OmemoVersion,
  OneTimePrekey,
  PrekeyStore,
  Random,
  SignedPrekey,
} from './types';

const VERSION: OmemoVersion = 'eu.siacs.conversations.axolotl';

/** Ids stay in 1…2^31−1 and start again at 1. */
function nextId(id: number): number {
  return id >= MAX_ID ? 1 : id + 1;
}

function makeSignedPrekey(
  id: number,
  identity: IdentityKeyPair,
  now: number,
  random: Random,
): SignedPrekey {
  const keyPair = generateKeyPair(random);
  const message = protocolFor(VERSION).signedBytes(keyPair.publicKey);
  const signature = signXeddsa(identity.privateKey, message, random(64));
  return { id, keyPair, signature, createdAt: now };
}

function makeOneTimePrekeys(
  firstId: number,
  count: number,
  random: Random,
): { readonly prekeys: readonly OneTimePrekey[]; readonly nextId: number } {
  const prekeys: OneTimePrekey[] = [];
  let id = firstId;
  for (let i = 0; i < count; i++, id = nextId(id)) {
    prekeys.push({ id, keyPair: generateKeyPair(random) });
  }
  return { prekeys, nextId: id };
}

/** A new store: a signed prekey with id 1 and 100 one-time prekeys with ids from 1. `now` in ms since 1970. */
export function createPrekeyStore(input: {
  readonly identity: IdentityKeyPair;
  readonly now: number;
  readonly random: Random;
}): PrekeyStore {
  const { identity, now, random } = input;
  const { prekeys, nextId: nextOneTimePrekeyId } = makeOneTimePrekeys(1, ONE_TIME_PREKEYS, random);
  return {
    signedPrekey: makeSignedPrekey(1, identity, now, random),
    oneTimePrekeys: prekeys,
    spentPrekeys: [],
    nextOneTimePrekeyId,
  };
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
    spentPrekeys: [...store.spentPrekeys, { ...used, usedAt: now }].slice(-MAX_SPENT_PREKEYS),
  };
}

/** The store without prekeys that were used too long ago; the same store if there are none. `now` in ms since 1970. */
export function dropSpentPrekeys(store: PrekeyStore, now: number): PrekeyStore {
  const kept = store.spentPrekeys.filter(({ usedAt }) => now - usedAt < SPENT_PREKEY_KEPT_MS);
  return kept.length === store.spentPrekeys.length ? store : { ...store, spentPrekeys: kept };
}

/** The one-time prekey of an id, also a spent one. */
export function findOneTimePrekey(store: PrekeyStore, id: number): OneTimePrekey | undefined {
  const isWanted = (prekey: OneTimePrekey): boolean => prekey.id === id;
  return store.oneTimePrekeys.find(isWanted) ?? store.spentPrekeys.find(isWanted);
}

/** The store with 100 one-time prekeys again; new ids go on, so that a used one never comes back. */
export function refillOneTimePrekeys(store: PrekeyStore, random: Random): PrekeyStore {
  const missing = ONE_TIME_PREKEYS - store.oneTimePrekeys.length;
  if (missing <= 0) return store;
  const made = makeOneTimePrekeys(store.nextOneTimePrekeyId, missing, random);
  return {
    ...store,
    oneTimePrekeys: [...store.oneTimePrekeys, ...made.prekeys],
    nextOneTimePrekeyId: made.nextId,
  };
}

/** Is the signed prekey older than a week? `now` in ms since 1970. */
export function isRotationDue(store: PrekeyStore, now: number): boolean {
  return now - store.signedPrekey.createdAt >= SIGNED_PREKEY_AGE_MS;
}

/** The store with a new signed prekey; the present one is kept as previous, the one before is forgotten. */
export function rotateSignedPrekey(input: {
  readonly store: PrekeyStore;
  readonly identity: IdentityKeyPair;
  readonly now: number;
  readonly random: Random;
}): PrekeyStore {
  const { store, identity, now, random } = input;
  return {
    ...store,
    signedPrekey: makeSignedPrekey(nextId(store.signedPrekey.id), identity, now, random),
    previousSignedPrekey: store.signedPrekey,
  };
}

/** The public half of a store. */
export function bundleOf(identity: IdentityKeyPair, store: PrekeyStore): Bundle {
  const { id, keyPair, signature } = store.signedPrekey;
  return {
    identityKey: identity.publicKey,
    signedPrekey: { id, publicKey: keyPair.publicKey, signature },
    oneTimePrekeys: store.oneTimePrekeys.map((prekey) => ({
      id: prekey.id,
      publicKey: prekey.keyPair.publicKey,
    })),
  };
}

/**
 * Checks that a bundle can be used: keys canonical, signature valid, at least one one-time prekey with an id above 0.
 * @throws OmemoError `bad-key`, `bad-signature`, `no-prekeys`.
 */
export function verifyBundle(version: OmemoVersion, bundle: Bundle): void {
  withOmemoErrors(() => {
    const { publicKey, signature } = bundle.signedPrekey;
    assertPublicKey(bundle.identityKey);
    assertPublicKey(publicKey);
    for (const prekey of bundle.oneTimePrekeys) assertPublicKey(prekey.publicKey);
    const signed = protocolFor(version).signedBytes(publicKey);
    if (!verifyCurve25519(signature, signed, bundle.identityKey)) {
      throw new OmemoError('bad-signature');
    }
    if (!bundle.oneTimePrekeys.some(({ id }) => id > 0)) throw new OmemoError('no-prekeys');
  });
}
