import { describe, expect, it } from 'vitest';
import { PASSING_MS, SWEEP_EVERY_MS, SWEEP_PASSING_EVERY_MS } from '../../src/limits';
import {
  bytesText,
  CHOICES,
  isShorter,
  retentionDetail,
  retentionTitle,
  sizeText,
} from '../../src/ui/keeping';

describe('how long texts are kept', () => {
  it('has a name of its own for each choice, and one for any other number', () => {
    expect(new Set(CHOICES.map(retentionTitle)).size).toBe(CHOICES.length);
    expect(retentionTitle(1)).toBe('Keep texts for a day');
    expect(retentionTitle(14)).toBe('Keep texts for 14 days');
  });

  it('is said with the times that hold', () => {
    expect(PASSING_MS).toBe(10 * 60 * 1000);
    expect(retentionDetail('off')).toContain('ten minutes');
    expect(SWEEP_PASSING_EVERY_MS).toBe(3600 * 1000);
    expect(retentionDetail('off')).toContain('Within an hour');
    expect(SWEEP_EVERY_MS).toBe(24 * 3600 * 1000);
    expect(retentionDetail(30)).toContain('within a day');
    for (const retention of [1, 'off'] as const)
      expect(retentionDetail(retention)).toContain('opens only once');
  });

  it('gets shorter from each choice to the next', () => {
    for (const [index, before] of CHOICES.entries())
      for (const [other, after] of CHOICES.entries())
        expect(isShorter(before, after)).toBe(other > index);
  });
});

describe('a size', () => {
  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [1449, '1.4 kB'],
    [41_000_000, '41 MB'],
    [2_340_000_000, '2.3 GB'],
  ])('of %i bytes is %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });

  it('names the texts', () => {
    expect(sizeText(0, 0)).toBe('nothing kept');
    expect(sizeText(1, 411)).toBe('1 text, 411 bytes');
    expect(sizeText(12, 4900)).toBe('12 texts, 4.9 kB');
  });
});
