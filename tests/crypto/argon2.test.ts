import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { argon2id } from '../../src/crypto/argon2';
import { toHex } from '../../src/crypto/bytes';

const { cases }: { cases: readonly unknown[] } = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '..', 'vectors', 'argon2id.json'), 'utf8'),
);

describe('Argon2id', () => {
  it('has cases', () => expect(cases).toHaveLength(5));

  it.each(cases)('makes what others make: $password, $memory KiB', async (given) => {
    const { password, salt, memory, passes, lanes, key } = Object(given);
    const bytes = new Uint8Array(Buffer.from(salt, 'hex'));
    const cost = { memory, passes, lanes };
    expect(toHex(await argon2id(new TextEncoder().encode(password), bytes, cost, 32))).toBe(key);
  });
});
