import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8Length } from '../../../src/stream/hook/utf8';

const platform = (text: string) => new TextEncoder().encode(text).length;

describe('the length in UTF-8', () => {
  it.each([
    '',
    'a',
    '\u007f\u0080',
    '\u07ff\u0800',
    '\uffff',
    '😀',
    '\ud800',
    '\udc00',
    '\ud83d\ud83d\ude00',
    '\ude00\ud83d',
    'a\ud800b',
  ])('is that of the platform: %j', (text) => {
    expect(utf8Length(text)).toBe(platform(text));
  });

  it('is that of the platform for any text', () => {
    const unit = fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code));
    const high = fc.constantFrom('\ud83d', '\ude00', 'é', 'a');
    fc.assert(
      fc.property(fc.array(fc.oneof(unit, high)), (units) => {
        expect(utf8Length(units.join(''))).toBe(platform(units.join('')));
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
