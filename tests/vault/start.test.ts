import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase } from '../../src/vault/db';
import { newSite, type SiteRecord } from '../../src/vault/records';
import { startVault } from '../../src/vault/start';
import { callsOf, fake, fire, resetFake } from './browser';
import { portPair } from './fake-port';
import { ORIGIN } from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

const DOCUMENT = { id: 'our-id', origin: ORIGIN, tab: { id: 5 }, documentId: 'd' };
const LOAD = { omnemo: 'load-session' };
const database = createDatabase();

const store = (site: Partial<SiteRecord>): Promise<void> =>
  database.write([{ store: 'sites', key: ORIGIN, value: { ...newSite(ORIGIN), ...site } }]);
const stored = () => database.get('sites', ORIGIN);

beforeEach(async () => {
  resetFake();
  await store({});
  startVault();
});

describe('a bridge that asks for the session', () => {
  it('gets it in its document when its origin is protected', async () => {
    await store({ isProtected: true });
    expect(await fire('onMessage', LOAD, DOCUMENT)).toEqual({ protect: true });
    expect(callsOf('executeScript')).toMatchObject([{ target: { tabId: 5, documentIds: ['d'] } }]);
  });

  it('gets none when it is not, or when it is nobody we know', async () => {
    expect(await fire('onMessage', LOAD, DOCUMENT)).toEqual({ protect: false });
    await store({ isProtected: true });
    const { documentId: _none, ...documentless } = DOCUMENT;
    const others = [
      { ...DOCUMENT, id: 'other' },
      { ...DOCUMENT, origin: 'https://other.example.org' },
      documentless,
    ];
    for (const sender of others) {
      expect(await fire('onMessage', LOAD, sender)).toEqual({ protect: false });
    }
    expect(callsOf('executeScript')).toEqual([]);
  });

  it('is not answered for any other message', () => {
    for (const message of [null, 'load-session', {}, { omnemo: 'wake' }]) {
      expect(fire('onMessage', message, DOCUMENT)).toBe(undefined);
    }
  });
});

describe('a port', () => {
  it('of nobody is closed, of a content script is served by its origin', async () => {
    const stranger = portPair();
    const close = vi.spyOn(stranger.far, 'disconnect');
    fire('onConnect', Object.assign(stranger.far, { sender: { ...DOCUMENT, id: 'other' } }));
    expect(close).toHaveBeenCalledOnce();
    await store({ isProtected: true });
    const page = portPair();
    fire('onConnect', Object.assign(page.far, { sender: DOCUMENT }));
    page.near.postMessage({ id: 1, name: 'hello', arg: {} });
    await vi.waitFor(
      () => expect(page.near.received).toEqual([{ id: 1, ok: true, result: { protect: true } }]),
      { interval: 1 },
    );
  });
});

describe('a permission that comes after the popup closed', () => {
  const added = async (isDone: () => Promise<boolean> | boolean) => {
    fake.permitted.add('https://chat.example.org/*');
    fire('onAdded', { origins: ['https://chat.example.org/*'] });
    await vi.waitFor(async () => expect(await isDone()).toBe(true), { interval: 1 });
  };

  it('protects the site the user wanted and loads its tab anew', async () => {
    await store({ intentAt: Date.now(), intentTabId: 7 });
    await added(() => callsOf('reload').length > 0);
    await vi.waitFor(() => expect(callsOf('reload')).toEqual([5, 6, 7]), { interval: 1 });
    await vi.waitFor(async () => expect(await stored()).not.toHaveProperty('intentAt'));
    expect(await stored()).toMatchObject({ isProtected: true });
    expect(await stored()).not.toHaveProperty('intentAt');
    expect(fake.scripts.length).toBe(2);
  });

  it.each([
    ['without an intent', {}],
    ['with one that is eleven minutes old', { intentAt: Date.now() - 11 * 60 * 1000 }],
  ])('protects nothing %s', async (_name, site) => {
    await store(site);
    let reads = 0;
    await added(async () => {
      await stored();
      return ++reads > 20;
    });
    expect(await stored()).toMatchObject({ isProtected: false });
    expect(callsOf('register')).toEqual([]);
    expect(callsOf('reload')).toEqual([]);
  });
});

describe('a worker that starts', () => {
  it('ends what its predecessor had begun when it died', async () => {
    fake.permitted.add('https://chat.example.org/*');
    await store({ isProtected: true, intentAt: Date.now(), intentTabId: 7 });
    startVault();
    await vi.waitFor(async () => expect(await stored()).not.toHaveProperty('intentAt'));
    expect(fake.scripts).toHaveLength(2);
    expect(callsOf('reload')).toEqual([5, 6, 7]);
  });
});

describe('an update', () => {
  it('registers the scripts again', async () => {
    await store({ isProtected: true });
    fake.permitted.add('https://chat.example.org/*');
    fire('onInstalled', { reason: 'update' });
    await vi.waitFor(() => expect(fake.scripts).toHaveLength(2), { interval: 1 });
  });
});
