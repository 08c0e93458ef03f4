import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  accountsInState,
  accountsToAsk,
  dayText,
  fingerprintRows,
  hasBothVersions,
  isOmemo2Only,
  needsDecision,
  PROMISE,
  shownText,
  siteState,
  STATE_WORDS,
  stateDetail,
  passphraseProblem,
  WITH_PASSPHRASE,
  WITHOUT_PASSPHRASE,
} from '../../src/ui/format';
import { account, ALICE, CAROL, device, site } from './views';

describe('the state of a site', () => {
  it.each([
    ['impossible', site(['ready'], { protectable: false, protected: false })],
    ['unprotected', site(['ready'], { protected: false })],
    ['idle', site([])],
    ['ready', site(['ready'])],
    ['failed', site(['ready', 'failed', 'pending'])],
    ['in-worker', site(['ready', 'in-worker'])],
    ['pending', site(['publishing', 'pending', 'ready'])],
    ['ignored', site(['ready', 'ignored'])],
    ['anonymous', site(['ready', 'anonymous'])],
  ] as const)('is %s', (state, view) => {
    expect(siteState(view)).toBe(state);
  });

  it('says of a site without chat connection why there may be none (I-13)', () => {
    expect(stateDetail(site([]))).toContain('Where the server of a site chats in its place');
  });

  it('names only the accounts it is true of, each once', () => {
    const ready = { tabId: 9, jid: CAROL, endpoint: 'example.org', state: 'ready' } as const;
    const view = site(['failed', 'failed']);
    expect(accountsInState({ ...view, streams: [...view.streams, ready] })).toEqual([ALICE]);
  });

  it('asks about an account unless each of its pages encrypts itself', () => {
    const pending = [{ jid: ALICE, endpoint: 'example.org' }];
    const asked = (states: Parameters<typeof site>[0], endpoint = 'example.org') =>
      accountsToAsk(site(states, { pending: [{ jid: ALICE, endpoint }] }));
    expect(asked([])).toEqual(pending);
    expect(asked(['pending'])).toEqual(pending);
    expect(asked(['pending', 'passive'])).toEqual(pending);
    expect(asked(['passive', 'expecting'])).toEqual([]);
    expect(asked(['passive'], 'other.example')).toHaveLength(1);
  });

  it('claims full encryption only while no contact of that account is switched off', () => {
    const detail = (owner: typeof ALICE, encryption: 'on' | 'off') =>
      stateDetail(site(['ready'], { accounts: [account(owner, encryption)] }));
    expect(detail(ALICE, 'on')).toBe(STATE_WORDS.ready.detail);
    expect(detail(CAROL, 'off')).toBe(STATE_WORDS.ready.detail);
    expect(detail(ALICE, 'off')).toContain('except to contacts you switched encryption off for');
  });
});

describe('a name from the network', () => {
  it.each([
    ['alice@example.org', 'alice@example.org'],
    ['日本@example.org', '日本@example.org'],
    ['<b>x@example.org', '<b>x@example.org'],
    ['evil\u202egro.elpmaxe', 'evil\\u{202e}gro.elpmaxe'],
    ['a\u200bb@example.org', 'a\\u{200b}b@example.org'],
    ['a\u2066b\u2069@example.org', 'a\\u{2066}b\\u{2069}@example.org'],
    ['a\u{e0061}b@example.org', 'a\\u{e0061}b@example.org'],
  ])('%j is shown as %j', (text, shown) => {
    expect(shownText(text)).toBe(shown);
  });
});

describe('the versions of a device', () => {
  const V1 = 'eu.siacs.conversations.axolotl';
  const V2 = 'urn:xmpp:omemo:2';

  it.each([
    ['nothing', [], false, false],
    ['legacy', [V1], false, false],
    ['OMEMO 2', [V2], true, false],
    ['both', [V1, V2], false, true],
  ] as const)('are told of one that speaks %s', (_name, versions, isOnly, hasBoth) => {
    expect(isOmemo2Only(device({ versions }))).toBe(isOnly);
    expect(hasBothVersions(device({ versions }))).toBe(hasBoth);
  });
});

describe('a device waits for a decision', () => {
  it.each([
    [true, device({ trust: 'undecided' })],
    [true, device({ keyChanged: true, trust: 'trusted' })],
    [false, device({ keyChanged: true, trust: 'distrusted' })],
    [false, device()],
    [false, device({ trust: 'distrusted' })],
    [false, device({ trust: 'undecided', active: false })],
  ])('%s: %j', (waits, shown) => {
    expect(needsDecision(shown)).toBe(waits);
  });

  it('not before a key of it is known', () => {
    const { fingerprint: _, ...unknown } = device({ trust: 'undecided' });
    expect(needsDecision(unknown)).toBe(false);
  });
});

it('reads a fingerprint in two rows of four groups', () => {
  expect(fingerprintRows('a b c d e f g h')).toEqual(['a b c d', 'e f g h']);
});

it('names a day by the calendar, not by hours', () => {
  const now = new Date(2026, 4, 10, 0, 30).getTime();
  expect(dayText(new Date(2026, 4, 10, 0, 1).getTime(), now)).toBe('today');
  expect(dayText(new Date(2026, 4, 9, 23, 59).getTime(), now)).toBe('yesterday');
  expect(dayText(new Date(2026, 4, 1).getTime(), now, 'en-GB')).toBe('1 May 2026');
});

it('promises word for word what the README promises', () => {
  const readme = readFileSync(path.join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');
  expect(readme.replace(/\s+/g, ' ')).toContain(PROMISE);
  expect(readme.replace(/\s+/g, ' ')).toContain(WITHOUT_PASSPHRASE);
  expect(readme.replace(/\s+/g, ' ')).toContain(WITH_PASSPHRASE);
});

it('takes a new passphrase that is long enough and written twice the same', () => {
  expect(passphraseProblem('seven77', 'seven77')).toContain('8 characters');
  expect(passphraseProblem('eight888', 'eight889')).toContain('not the same');
  expect(passphraseProblem('eight888', 'eight888')).toBeUndefined();
});
