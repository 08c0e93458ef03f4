import { describe, expect, it } from 'vitest';
import { codeOf, newSecret, secretOf } from '../../../src/vault/backup/code';
import { seeded } from '../world';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

describe('the code of a backup', () => {
  // The first 128 bits by hand, five to a character.
  it.each([
    ['00000000000000000000000000000000', /^0000-0000-0000-0000-0000-0000-0[0-7]\w\w$/],
    ['ffffffffffffffffffffffffffffffff', /^ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-Z[W-Z]\w\w$/],
    ['00443214c74254b635cf84653a56d7c6', /^0123-4567-89AB-CDEF-GHJK-MNPQ-R[RSTVWXYZ]\w\w$/],
  ])('of %s is %s', (hex, shown) => {
    const code = codeOf(bytes(hex));
    expect(code).toMatch(shown);
    expect(secretOf(code)).toEqual(bytes(hex));
  });

  it('is read as people type it', () => {
    const secret = bytes('00443214c74254b635cf84653a56d7c6');
    const code = codeOf(secret);
    for (const typed of [
      code.toLowerCase(),
      code.replaceAll('-', ' '),
      code.replaceAll('-', ''),
      ` ${code}\n`,
      code.replaceAll('0', 'o').replaceAll('1', 'l'),
      code.replaceAll('0', 'O').replaceAll('1', 'I').replaceAll('-', '–'),
    ])
      expect(secretOf(typed)).toEqual(secret);
  });

  it('tells each slip of one character and nearly each exchange of two neighbours', () => {
    const random = seeded('slips');
    let slips = 0;
    let missed = 0;
    for (let round = 0; round < 20; round++) {
      const code = codeOf(newSecret(random)).replaceAll('-', '');
      for (let at = 0; at < code.length; at++) {
        for (const other of '0123456789ABCDEFGHJKMNPQRSTVWXYZ') {
          if (other === code[at]) continue;
          slips += 1;
          try {
            secretOf(code.slice(0, at) + other + code.slice(at + 1));
            missed += 1;
          } catch (error) {
            expect(error).toMatchObject({ code: 'bad-code' });
          }
        }
      }
    }
    expect(slips).toBeGreaterThan(17_000);
    // Twelve bits of check: one in 4096.
    expect(missed).toBeLessThan(15);
  });

  it.each(['', 'U'.repeat(28), '0'.repeat(27), '0'.repeat(29), '!'.repeat(28), '0'.repeat(28)])(
    'is not %j',
    (text) => {
      expect(() => secretOf(text)).toThrow(expect.objectContaining({ code: 'bad-code' }));
    },
  );
});
