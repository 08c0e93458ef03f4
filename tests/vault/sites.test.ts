import { describe, expect, it } from 'vitest';
import { createDatabase } from '../../src/vault/db';
import { CONFLICT_MS, MAX_SEEN_ACCOUNTS } from '../../src/limits';
import { newSite, type SiteRecord } from '../../src/vault/records';
import {
  allSites,
  changeSite,
  decisionOn,
  hasOwnOmemo,
  isGranted,
  patternOf,
  protectableOrigin,
  protectedOrigins,
  withDecision,
  withMiscount,
  withOwnOmemo,
  withoutMiscount,
  withSeenAccount,
} from '../../src/vault/sites';
import { contextOver, freshName, jid, ORIGIN } from './world';

const JULIET = jid('juliet@example.org');
const ENDPOINT = 'xmpp.example.org';
const SITE: SiteRecord = { ...newSite(ORIGIN), isProtected: true };

describe('an origin', () => {
  it.each([
    ['https://chat.example.org', 'https://chat.example.org'],
    ['https://chat.example.org:8443/path?q#h', 'https://chat.example.org:8443'],
    ['HTTPS://Chat.Example.Org:443/', 'https://chat.example.org'],
    ['http://localhost:8080', 'http://localhost:8080'],
    ['http://127.0.0.1', 'http://127.0.0.1'],
    ['http://chat.example.org', undefined],
    ['http://localhost.example.org', undefined],
    ['http://127.0.0.1.example.org', undefined],
    ['file:///etc/passwd', undefined],
    ['chrome-extension://abc', undefined],
    ['javascript:alert(1)', undefined],
    ['data:text/html,x', undefined],
    ['ws://localhost', undefined],
    ['null', undefined],
    ['', undefined],
  ])('%s is protectable as %s', (text, origin) => {
    expect(protectableOrigin(text)).toBe(origin);
  });

  it('has a pattern without port', () => {
    expect(patternOf('https://chat.example.org:8443')).toBe('https://chat.example.org/*');
    expect(patternOf('http://localhost:8080')).toBe('http://localhost/*');
  });
});

describe('an account on a site', () => {
  it('is remembered as one whose page does OMEMO itself until it does not, whatever is decided', () => {
    const seen = withOwnOmemo(SITE, JULIET, ENDPOINT, true);
    expect(decisionOn(seen, JULIET, ENDPOINT)).toBe('pending');
    expect(hasOwnOmemo(seen, JULIET, ENDPOINT)).toBe(true);
    expect(hasOwnOmemo(seen, JULIET, 'other.example.org')).toBe(false);
    expect(withOwnOmemo(seen, JULIET, ENDPOINT, true)).toBe(seen);
    const granted = withDecision(seen, JULIET, ENDPOINT, 'grant');
    expect(hasOwnOmemo(granted, JULIET, ENDPOINT)).toBe(true);
    const after = withOwnOmemo(granted, JULIET, ENDPOINT, false);
    expect(hasOwnOmemo(after, JULIET, ENDPOINT)).toBe(false);
    expect(decisionOn(after, JULIET, ENDPOINT)).toBe('granted');
    expect(withOwnOmemo(SITE, JULIET, ENDPOINT, false)).toBe(SITE);
    const forgotten = withDecision(seen, JULIET, ENDPOINT, 'forget');
    expect(hasOwnOmemo(forgotten, JULIET, ENDPOINT)).toBe(false);
  });

  it('is pending when seen, and keeps a decision when seen again', () => {
    const seen = withSeenAccount(SITE, JULIET, ENDPOINT);
    expect(decisionOn(seen, JULIET, ENDPOINT)).toBe('pending');
    expect(isGranted(seen, JULIET)).toBe(false);
    const granted = withDecision(seen, JULIET, ENDPOINT, 'grant');
    expect(withSeenAccount(granted, JULIET, ENDPOINT)).toBe(granted);
    expect(isGranted(granted, JULIET)).toBe(true);
    expect(isGranted(granted, jid('nurse@example.org'))).toBe(false);
    expect(decisionOn(granted, JULIET, 'evil.example.org')).toBe(undefined);
  });

  it('is not granted when ignored or forgotten, nor when the site is not protected', () => {
    const seen = withSeenAccount(SITE, JULIET, ENDPOINT);
    const ignored = withDecision(seen, JULIET, ENDPOINT, 'ignore');
    expect(decisionOn(ignored, JULIET, ENDPOINT)).toBe('ignored');
    expect(isGranted(ignored, JULIET)).toBe(false);
    const granted = withDecision(ignored, JULIET, ENDPOINT, 'grant');
    expect(granted.accounts).toHaveLength(1);
    expect(isGranted({ ...granted, isProtected: false }, JULIET)).toBe(false);
    const forgotten = withDecision(granted, JULIET, ENDPOINT, 'forget');
    expect(forgotten.accounts).toEqual([]);
  });

  it('cannot be decided on when it was never seen there', () => {
    const seen = withSeenAccount(SITE, JULIET, ENDPOINT);
    expect(() => withDecision(seen, JULIET, 'evil.example.org', 'grant')).toThrow('stale');
    expect(() => withDecision(SITE, JULIET, ENDPOINT, 'grant')).toThrow('stale');
  });

  it('is one of at most 20 waiting; decided ones stay whatever a page claims', () => {
    const granted = withDecision(
      withSeenAccount(SITE, JULIET, ENDPOINT),
      JULIET,
      ENDPOINT,
      'grant',
    );
    const flooded = Array.from({ length: 50 }, (_, index) => jid(`mallory${index}@evil`)).reduce(
      (site, each) => withSeenAccount(site, each, ENDPOINT),
      granted,
    );
    const pending = flooded.accounts.filter(({ decision }) => decision === 'pending');
    expect(pending).toHaveLength(MAX_SEEN_ACCOUNTS);
    expect(pending.at(0)?.jid).toBe('mallory30@evil');
    expect(pending.at(-1)?.jid).toBe('mallory49@evil');
    expect(isGranted(flooded, JULIET)).toBe(true);
  });
});

describe('a site whose streams end over numbers', () => {
  const at = 1_000_000;
  const after = (kind: 'count' | 'conflict', times: readonly number[]) =>
    times.reduce((site, time) => withMiscount(site, kind, time), newSite(ORIGIN));

  it('does without stream management from the first wrong number on (I-36)', () => {
    expect(after('count', [at, at + 9]).withoutSmSince).toBe(at);
  });

  it('does without after a second conflict soon after the first, not after a later one (I-123)', () => {
    expect(after('conflict', [at]).withoutSmSince).toBeUndefined();
    expect(after('conflict', [at, at + CONFLICT_MS - 1]).withoutSmSince).toBe(at + CONFLICT_MS - 1);
    expect(after('conflict', [at, at + CONFLICT_MS]).withoutSmSince).toBeUndefined();
    // The clock may have been set back (I-127).
    expect(after('conflict', [at, at - CONFLICT_MS]).withoutSmSince).toBeUndefined();
  });

  it('is counted anew once it is protected anew', () => {
    const site = { ...after('count', [at]), isProtected: true };
    expect(withoutMiscount(site)).toEqual({ ...newSite(ORIGIN), isProtected: true });
  });
});

describe('site records', () => {
  it('are changed one after the other and listed', async () => {
    const context = contextOver(createDatabase(freshName()));
    const accounts = Array.from({ length: 10 }, (_, index) => jid(`a${index}@example.org`));
    await Promise.all(
      accounts.map((each) =>
        changeSite(context, ORIGIN, (site) => withSeenAccount(site, each, ENDPOINT)),
      ),
    );
    await changeSite(context, 'https://b.example', (site) => ({ ...site, isProtected: true }));
    const unchanged = await changeSite(context, 'https://c.example', (site) => site);
    expect(unchanged).toEqual(newSite('https://c.example'));
    const sites = await allSites(context);
    expect(sites.map(({ origin }) => origin)).toEqual(['https://b.example', ORIGIN]);
    expect(sites[1]?.accounts.map(({ jid: each }) => each)).toEqual(accounts);
    expect(await protectedOrigins(context)).toEqual(['https://b.example']);
  });
});
