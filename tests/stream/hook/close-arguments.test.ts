import { describe, expect, it } from 'vitest';
import { checkCloseArguments } from '../../../src/stream/hook/close-arguments';

describe('the arguments of close()', () => {
  it.each([
    [[], [undefined, undefined]],
    [[undefined], [undefined, undefined]],
    [[1000], [1000, undefined]],
    [
      [3000, 'bye'],
      [3000, 'bye'],
    ],
    [
      ['4999', 7],
      [4999, '7'],
    ],
    // Web IDL [Clamp]: to the nearest number, halves to the even one.
    [[999.5], [999.5, undefined]],
    [[1000.5], [1000.5, undefined]],
    [[2999.5], [2999.5, undefined]],
    [[4999.4], [4999.4, undefined]],
    [
      [undefined, undefined],
      [undefined, undefined],
    ],
    [
      [undefined, null],
      [undefined, 'null'],
    ],
    [
      [1000, 'é'.repeat(61) + 'a'],
      [1000, 'é'.repeat(61) + 'a'],
    ],
  ])('%j are taken', (given, args) => {
    expect(checkCloseArguments(given)).toEqual({ args, isValid: true });
  });

  it.each([
    [[0]],
    [[null]],
    [[NaN]],
    [['x']],
    [[999]],
    [[1001]],
    [[1000.6]],
    [[2999.4]],
    [[4999.5]],
    [[5000]],
    [[66_536]], // no wrapping: clamped to 65535
    [[-64_536]],
    [[Symbol('x')]],
    [[1000n]],
    [[1000, 'a'.repeat(124)]],
    [[1000, 'é'.repeat(62)]],
    [[1001, 'bye']],
  ])('are left to the native, which throws, case %#', (given) => {
    expect(checkCloseArguments(given).isValid).toBe(false);
  });

  it('are converted once, and what a conversion throws is thrown at once', () => {
    let conversions = 0;
    const code = { valueOf: () => 1000 + 0 * conversions++ };
    const reason = { toString: () => `bye ${conversions++}` };
    const { args } = checkCloseArguments([code, reason]);
    expect([args, conversions]).toEqual([[1000, 'bye 1'], 2]);
    const fails = {
      toString: () => {
        throw new RangeError('of the page');
      },
    };
    expect(() => checkCloseArguments([1000, fails])).toThrow('of the page');
    expect(() => checkCloseArguments([1000, Symbol('x')])).toThrow(TypeError);
  });
});
