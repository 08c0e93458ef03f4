// One-time prekeys: used, kept for a while, refilled.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateIdentity } from '../../src/omemo/identity';
import { MAX_SPENT_PREKEYS, SPENT_PREKEY_KEPT_MS } from '../../src/omemo/limits';
import {
  bundleOf,
  createPrekeyStore,
  dropSpentPrekeys,
  findOneTimePrekey,
  refillOneTimePrekeys,
  spendOneTimePrekey,
} from '../../src/omemo/prekeys';

const NOW = Date.UTC(2026, 0, 5);
const random = (length: number) => new Uint8Array(randomBytes(length));
const version = 'eu.siacs.conversations.axolotl';
const identity = generateIdentity(random);
const fresh = createPrekeyStore({ version, identity, now: NOW, random });
const publishedIds = (store: typeof fresh) =>
  bundleOf(version, identity, store).oneTimePrekeys.map(({ id }) => id);

describe('a spent one-time prekey', () => {
  it('leaves the bundle at once, is still found, and is replaced by another', () => {
    const spent = spendOneTimePrekey(fresh, 7, NOW);
    expect(publishedIds(spent)).not.toContain(7);
    expect(findOneTimePrekey(spent, 7)?.keyPair).toEqual(findOneTimePrekey(fresh, 7)?.keyPair);
    const full = refillOneTimePrekeys(spent, random);
    expect(publishedIds(full)).toHaveLength(100);
    expect(publishedIds(full)).not.toContain(7);
    expect(publishedIds(full)).toContain(101);
    expect(findOneTimePrekey(full, 7)).toBeDefined();
  });

  it('is forgotten an hour after its first use, not before, and not later for being used again', () => {
    const spent = spendOneTimePrekey(fresh, 7, NOW);
    const again = spendOneTimePrekey(spent, 7, NOW + 1000);
    expect(again).toBe(spent);
    expect(dropSpentPrekeys(again, NOW + SPENT_PREKEY_KEPT_MS - 1)).toBe(again);
    const dropped = dropSpentPrekeys(again, NOW + SPENT_PREKEY_KEPT_MS);
    expect(findOneTimePrekey(dropped, 7)).toBeUndefined();
    expect(findOneTimePrekey(dropped, 8)).toBeDefined();
    expect(dropped.spentPrekeys).toEqual([]);
  });

  it('changes nothing for an id nobody has', () => {
    expect(spendOneTimePrekey(fresh, 4711, NOW)).toBe(fresh);
    expect(findOneTimePrekey(fresh, 4711)).toBeUndefined();
    expect(findOneTimePrekey(fresh, 0)).toBeUndefined();
  });

  it('is one of a bounded number, of which the oldest go', () => {
    let store = fresh;
    for (let use = 0; use < MAX_SPENT_PREKEYS + 3; use++) {
      const [first] = store.oneTimePrekeys;
      store = refillOneTimePrekeys(spendOneTimePrekey(store, first?.id ?? 0, NOW), random);
    }
    expect(store.spentPrekeys.map(({ id }) => id)).toEqual(
      Array.from({ length: MAX_SPENT_PREKEYS }, (_, index) => index + 4),
    );
    expect(publishedIds(store)).toHaveLength(100);
  });
});
