import { describe, expect, it } from 'vitest';
import type { StreamState } from '../../src/rpc/vault-api';
import { createPresence, type Badge } from '../../src/vault/presence';
import { jid, ORIGIN } from './world';

const JULIET = jid('juliet@example.org');

function setUp() {
  const shown = new Map<number, Badge>();
  let changes = 0;
  const presence = createPresence(
    (tabId, badge) => shown.set(tabId, badge),
    () => (changes += 1),
  );
  const report = (
    portId: number,
    tabId: number,
    state: StreamState | 'gone',
    { stream = 1, origin = ORIGIN } = {},
  ) => presence.report(portId, { origin, tabId }, { stream, endpoint: 'e', state, jid: JULIET });
  return { shown, presence, report, changes: () => changes };
}

describe('the icon of a tab', () => {
  it.each([
    ['connecting', 'off'],
    ['ignored', 'off'],
    ['anonymous', 'off'],
    ['passive', 'off'],
    ['publishing', 'off'],
    ['pending', 'attention'],
    ['failed', 'attention'],
    ['in-worker', 'attention'],
    ['ready', 'on'],
    ['gone', 'off'],
  ] as const)('of a %s stream is %s', (state, badge) => {
    const { shown, report } = setUp();
    report(1, 5, state);
    expect(shown.get(5)).toBe(badge);
  });

  it('is the most pressing of its streams', () => {
    const { shown, report } = setUp();
    report(1, 5, 'ready');
    report(1, 5, 'pending', { stream: 2 });
    expect(shown.get(5)).toBe('attention');
    report(1, 5, 'gone', { stream: 2 });
    expect(shown.get(5)).toBe('on');
  });

  it('does not follow other tabs', () => {
    const { shown, report } = setUp();
    report(1, 5, 'ready');
    report(2, 6, 'failed');
    expect([shown.get(5), shown.get(6)]).toEqual(['on', 'attention']);
  });

  it('wants attention in every tab of the origin until each refused chat left encrypted', () => {
    const { shown, report, presence } = setUp();
    report(1, 5, 'ready');
    report(2, 6, 'ready');
    report(3, 7, 'ready', { origin: 'https://other.example.org' });
    presence.setRefusing(ORIGIN, 'a@b', true);
    presence.setRefusing(ORIGIN, 'c@d', true);
    presence.setRefusing(ORIGIN, 'a@b', false);
    expect([shown.get(5), shown.get(6), shown.get(7)]).toEqual(['attention', 'attention', 'on']);
    presence.setRefusing(ORIGIN, 'c@d', false);
    expect([shown.get(5), shown.get(6)]).toEqual(['on', 'on']);
  });

  it('wants attention for a device more until each account’s are answered for', () => {
    const { shown, report, presence } = setUp();
    report(1, 5, 'ready');
    presence.setNews(ORIGIN, JULIET, true);
    presence.setNews(ORIGIN, jid('nurse@example.org'), true);
    presence.setNews(ORIGIN, JULIET, false);
    presence.setRefusing(ORIGIN, JULIET, false);
    expect(shown.get(5)).toBe('attention');
    presence.setNews(ORIGIN, jid('nurse@example.org'), false);
    expect(shown.get(5)).toBe('on');
  });

  it('is off when the document went away, and only its own', () => {
    const { shown, report, presence } = setUp();
    report(1, 5, 'ready');
    report(1, 5, 'ready', { stream: 2 });
    report(11, 6, 'ready');
    presence.drop(1);
    expect([shown.get(5), shown.get(6)]).toEqual(['off', 'on']);
    expect(presence.streamsOf(ORIGIN)).toHaveLength(1);
  });
});

describe('streams', () => {
  it('are shown by origin, without the origin', () => {
    const { report, presence } = setUp();
    report(1, 5, 'ready');
    report(2, 6, 'pending', { origin: 'https://other.example.org' });
    expect(presence.streamsOf(ORIGIN)).toEqual([
      { tabId: 5, endpoint: 'e', state: 'ready', jid: JULIET },
    ]);
    presence.report(
      3,
      { origin: ORIGIN, tabId: 7 },
      { stream: 1, endpoint: 'e', state: 'connecting' },
    );
    expect(presence.streamsOf(ORIGIN)[1]).toEqual({ tabId: 7, endpoint: 'e', state: 'connecting' });
  });

  it('tell our own pages of every change, and of no repeated refusal', () => {
    const { report, presence, changes } = setUp();
    report(1, 5, 'ready');
    expect(changes()).toBe(1);
    presence.setRefusing(ORIGIN, 'a@b', true);
    presence.setRefusing(ORIGIN, 'a@b', true);
    expect(changes()).toBe(2);
    presence.setRefusing(ORIGIN, 'c@d', false);
    expect(changes()).toBe(2);
    presence.drop(99);
    expect(changes()).toBe(2);
  });
});
