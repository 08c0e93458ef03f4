import { describe, expect, it } from 'vitest';
import { CipherError } from '../../src/crypto/cipher';
import { generateWrappingKey, unwrap, wrap } from '../../src/crypto/wrapping';

const SECRET = Uint8Array.from({ length: 32 }, (_, index) => index);

describe('a wrapping key', () => {
  it('gives back what it wrapped, and is never the same', async () => {
    const key = await generateWrappingKey();
    const wrapped = await wrap(key, 'a', SECRET);
    expect(wrapped.length).toBe(12 + 32 + 16);
    expect(await unwrap(key, 'a', wrapped)).toEqual(SECRET);
    expect(await wrap(key, 'a', SECRET)).not.toEqual(wrapped);
    const other = await generateWrappingKey();
    await expect(unwrap(other, 'a', wrapped)).rejects.toThrow(CipherError);
  });

  it('cannot be read out', async () => {
    const key = await generateWrappingKey();
    expect(key.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('raw', key)).rejects.toThrow();
    await expect(crypto.subtle.exportKey('jwk', key)).rejects.toThrow();
  });

  it('unwraps nothing for another purpose, changed or cut short', async () => {
    const key = await generateWrappingKey();
    const wrapped = await wrap(key, 'a', SECRET);
    await expect(unwrap(key, 'b', wrapped)).rejects.toThrow(CipherError);
    for (let index = 0; index < wrapped.length; index++) {
      const changed = wrapped.slice();
      changed[index] = (changed[index] ?? 0) ^ 1;
      await expect(unwrap(key, 'a', changed)).rejects.toThrow(CipherError);
      await expect(unwrap(key, 'a', wrapped.slice(0, index))).rejects.toThrow(CipherError);
    }
  });
});
