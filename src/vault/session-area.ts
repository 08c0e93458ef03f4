// What outlives the worker but not the browser: memory of the browser's own, which content scripts cannot read. There the key of an
// unlocked vault is, and while it is locked the positions of streams, which pages need all the time and which say no more than counts.
import browser from 'webextension-polyfill';
import { toHex } from '../crypto/bytes';
import type { KeyPlace } from './db';

const KEY = 'vault-key';
const STREAMS = 'streams/';

/** Says again what is the default: what lies there is not for content scripts. */
export async function guardSessionArea(): Promise<void> {
  const { session } = browser.storage;
  // Not in the types: Firefox has no such function, and shows the area to content scripts never.
  if (!('setAccessLevel' in session) || typeof session.setAccessLevel !== 'function') return;
  await session.setAccessLevel({ accessLevel: 'TRUSTED_CONTEXTS' });
}

function bytesFrom(hex: unknown): Uint8Array | undefined {
  if (typeof hex !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(hex)) return undefined;
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** The key, as long as the browser runs. */
export const sessionKeyPlace: KeyPlace = {
  load: async () => bytesFrom((await browser.storage.session.get(KEY))[KEY]),
  keep: (vaultKey) => browser.storage.session.set({ [KEY]: toHex(vaultKey) }),
  forget: () => browser.storage.session.remove(KEY),
};

/** Values by key of the store of streams, while that one is locked. */
export const sessionStreams = {
  get: async (key: string): Promise<unknown> =>
    (await browser.storage.session.get(STREAMS + key))[STREAMS + key],
  put: (values: Readonly<Record<string, unknown>>): Promise<void> =>
    browser.storage.session.set(
      Object.fromEntries(Object.entries(values).map(([key, value]) => [STREAMS + key, value])),
    ),
  remove: (keys: readonly string[]): Promise<void> =>
    browser.storage.session.remove(keys.map((key) => STREAMS + key)),
  all: async (): Promise<Readonly<Record<string, unknown>>> =>
    Object.fromEntries(
      Object.entries(await browser.storage.session.get(null))
        .filter(([key]) => key.startsWith(STREAMS))
        .map(([key, value]) => [key.slice(STREAMS.length), value]),
    ),
};
