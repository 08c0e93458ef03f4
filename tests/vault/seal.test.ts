import { describe, expect, it } from 'vitest';
import { VaultError } from '../../src/rpc/errors';
import { keyOf, prefixOf } from '../../src/vault/names';
import { createSealer } from '../../src/vault/seal';
import { STORE_NAMES, type StoreName } from '../../src/vault/stores';
import { seeded } from './world';

const KEY = new Uint8Array(32).fill(5);
const JULIET = keyOf('https://chat.example.org', 'juliet@example.org');
const RECORD = { v: 1, peer: 'romeo@example.net', text: 'It is the east' };

const sealerOf = (key = KEY) => createSealer(key, seeded('sealer'));
const damaged = expect.objectContaining({ name: 'VaultError', code: 'damaged', retry: false });

function sealed(store: StoreName = 'archive', key = JULIET) {
  const sealer = sealerOf();
  return { sealer, name: sealer.nameOf(store, key), bytes: sealer.seal(store, key, RECORD).bytes };
}

const errorOf = (open: () => unknown): unknown => {
  try {
    return open();
  } catch (error) {
    return error;
  }
};

describe('a sealed record', () => {
  it('opens under its name in its store, with the key it was stored by', () => {
    const { sealer, name, bytes } = sealed();
    expect(sealer.open('archive', name, bytes)).toEqual({ key: JULIET, value: RECORD });
    expect(sealerOf().open('archive', name, bytes)).toEqual({ key: JULIET, value: RECORD });
  });

  it('is never the same twice', () => {
    const { sealer, bytes } = sealed();
    expect(sealer.seal('archive', JULIET, RECORD).bytes).not.toEqual(bytes);
  });

  it('does not open once any bit of it has changed', () => {
    const { sealer, name, bytes } = sealed();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(
        errorOf(() => sealer.open('archive', name, changed)),
        `bit ${bit}`,
      ).toEqual(damaged);
    }
  });

  it('does not open cut short, longer, or in clear', () => {
    const { sealer, name, bytes } = sealed();
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.slice(0, length);
      expect(
        errorOf(() => sealer.open('archive', name, cut)),
        `${length}`,
      ).toEqual(damaged);
    }
    for (const other of [new Uint8Array([...bytes, 0]), RECORD, 'text', undefined, bytes.buffer])
      expect(errorOf(() => sealer.open('archive', name, other))).toEqual(damaged);
  });

  it('does not open in the place of another, nor in another store', () => {
    const { sealer, bytes } = sealed();
    const places: (readonly [StoreName, string])[] = [
      ['archive', keyOf('https://chat.example.org', 'romeo@example.net')],
      ['archive', 'https://chat.example.org'],
      ['archive', prefixOf('https://chat.example.org', 'juliet@example.org')],
      ...STORE_NAMES.filter((store) => store !== 'archive').map(
        (store) => [store, JULIET] as const,
      ),
    ];
    for (const [store, key] of places) {
      const name = sealer.nameOf(store, key);
      expect(
        errorOf(() => sealer.open(store, name, bytes)),
        store,
      ).toEqual(damaged);
    }
    // The name of its own place, taken along into another store.
    const own = sealer.nameOf('archive', JULIET);
    expect(errorOf(() => sealer.open('requests', own, bytes))).toEqual(damaged);
  });

  it('does not open with the key of another vault', () => {
    const { name, bytes } = sealed();
    const other = sealerOf(new Uint8Array(32).fill(6));
    expect(errorOf(() => other.open('archive', name, bytes))).toEqual(damaged);
  });
});

describe('a name on disk', () => {
  it('is the same each time, and another for another key, store or vault', () => {
    const sealer = sealerOf();
    const name = sealer.nameOf('peers', JULIET);
    expect(sealer.nameOf('peers', JULIET)).toEqual(name);
    expect(sealer.nameOf('accounts', JULIET)).not.toEqual(name);
    expect(sealer.nameOf('peers', `${JULIET}x`)).not.toEqual(name);
    expect(sealerOf(new Uint8Array(32)).nameOf('peers', JULIET)).not.toEqual(name);
  });

  it('has 16 bytes for each part, those of the same beginning first', () => {
    const sealer = sealerOf();
    const name = sealer.nameOf('peers', keyOf('a', 'b', 'c'));
    expect(name.length).toBe(48);
    expect(sealer.prefixNameOf('peers', prefixOf('a', 'b'))).toEqual(name.subarray(0, 32));
    expect(sealer.prefixNameOf('peers', prefixOf('a'))).toEqual(name.subarray(0, 16));
    expect(sealer.prefixNameOf('peers', '').length).toBe(0);
    // Another beginning changes every part after it: equal ends cannot be told.
    const other = sealer.nameOf('peers', keyOf('x', 'b', 'c'));
    for (const at of [0, 16, 32])
      expect(other.subarray(at, at + 16)).not.toEqual(name.subarray(at, at + 16));
  });

  it('is not made for a part of a part', () => {
    expect(() => sealerOf().prefixNameOf('peers', 'https://a')).toThrow(TypeError);
  });
});

describe('a sealer', () => {
  it('refuses a value that is no record, and a key of another length', () => {
    expect(() => sealerOf().seal('sites', 'a', { at: new Date(0) })).toThrow(TypeError);
    expect(() => createSealer(new Uint8Array(31), seeded('x'))).toThrow('vaultKey: want 32');
    expect(new VaultError('damaged').retry).toBe(false);
  });
});
