import { describe, expect, it } from 'vitest';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import type { OmemoVersion } from '../../src/omemo/types';
import { withIdentityKey, withList } from '../../src/vault/devices';
import { hasNews, withNews, withoutNews } from '../../src/vault/own-devices';
import { newPeer, type PeerRecord } from '../../src/vault/records';
import { jid, START } from './world';

const OWN = 7;
const NOBODY = newPeer(jid('juliet@example.org'));

const listed = (own: PeerRecord, ids: readonly number[], version: OmemoVersion = LEGACY) =>
  withNews(own, withList(own, version, { kind: 'present', value: ids }, START), version, OWN);

const news = ({ devices }: PeerRecord): number[] =>
  devices.filter(({ isNew }) => isNew === true).map(({ deviceId }) => deviceId);

describe('a device of our own account', () => {
  it('that was there before us is no news', () => {
    expect(news(listed(NOBODY, [1, 2]))).toEqual([]);
    expect(hasNews(listed(NOBODY, [1, 2]))).toBe(false);
  });

  it('that is added is news until the user has answered for it, also when it is gone by then', () => {
    const first = listed(NOBODY, [1, OWN]);
    const added = listed(first, [1, OWN, 3]);
    expect(news(added)).toEqual([3]);
    const more = listed(added, [1, OWN, 4]);
    expect(news(more)).toEqual([3, 4]);
    expect(hasNews(more)).toBe(true);
    expect(news(withoutNews(more, [3]))).toEqual([4]);
    expect(hasNews(withoutNews(more, [3, 4]))).toBe(false);
  });

  it('is not ourselves, nor one that comes back, nor one in its other version', () => {
    const first = listed(NOBODY, [1, 2]);
    expect(news(listed(first, [1, 2, OWN]))).toEqual([]);
    const { peer: keyed } = withIdentityKey(first, 2, new Uint8Array(32), 'blind', START);
    expect(news(listed(listed(keyed, [1]), [1, 2]))).toEqual([]);
    const both = listed(listed(first, [1], OMEMO2), [1, 2], OMEMO2);
    expect(news(both)).toEqual([]);
  });

  it('is news on the list of either version, each from its second on', () => {
    const first = listed(listed(NOBODY, [1, OWN]), [1, OWN], OMEMO2);
    expect(news(listed(first, [1, OWN, 5], OMEMO2))).toEqual([5]);
  });
});
