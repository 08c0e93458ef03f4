// The vault as the browser has it, locked: what its listeners do, what pages are answered, and what locks it.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SmRecord } from '../../src/rpc/vault-api';
import { createDatabase } from '../../src/vault/db';
import { newSite } from '../../src/vault/records';
import { sessionKeyPlace } from '../../src/vault/session-area';
import { startVault } from '../../src/vault/start';
import { callsOf, fake, fire, resetFake } from './browser';
import { portPair, type PortPair } from './fake-port';
import { jid, ORIGIN } from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));
vi.mock('../../src/crypto/argon2', () => import('./quick-argon2'));

const JULIET = jid('juliet@example.org');
const PASSPHRASE = 'correct horse';
const DOCUMENT = { id: 'our-id', origin: ORIGIN, tab: { id: 5 }, documentId: 'd' };
const OTHER = { ...DOCUMENT, origin: 'https://other.example.org' };
const POPUP = { id: 'our-id', origin: 'chrome-extension://our-id' };
const LOAD = { omnemo: 'load-session' };
const RECORD: SmRecord = { jid: `${JULIET}/web`, ids: 'abc', out: [], in: [] };

let ids = 0;

function connect(sender: object): PortPair {
  const pair = portPair();
  fire('onConnect', Object.assign(pair.far, { sender }));
  return pair;
}

async function ask(pair: PortPair, name: string, arg: object): Promise<unknown> {
  const id = ++ids;
  pair.near.postMessage({ id, name, arg });
  const isAnswer = (message: unknown) => Object(message).id === id;
  await vi.waitFor(() => expect(pair.near.received.some(isAnswer)).toBe(true), {
    interval: 1,
    timeout: 10_000,
  });
  const { ok, result, code } = Object(pair.near.received.find(isAnswer));
  return ok === true ? result : code;
}

const isLocked = async (popup: PortPair) => Object(await ask(popup, 'lock', {})).isLocked;
const becomes = (popup: PortPair, wanted: boolean) =>
  vi.waitFor(async () => expect(await isLocked(popup)).toBe(wanted), { interval: 5 });

let popup: PortPair;
beforeEach(async () => {
  resetFake();
  fake.permitted.add('https://chat.example.org/*');
  const database = createDatabase('omnemo', undefined, sessionKeyPlace);
  await database.write([
    { store: 'sites', key: ORIGIN, value: { ...newSite(ORIGIN), isProtected: true } },
  ]);
  startVault();
  popup = connect(POPUP);
  expect(await ask(popup, 'setPassphrase', { passphrase: PASSPHRASE })).toBe(null);
});
afterEach(async () => {
  await ask(popup, 'unlock', { passphrase: PASSPHRASE });
  await ask(popup, 'removePassphrase', { current: PASSPHRASE });
});

describe('a locked vault', () => {
  it('counts every site the browser was let into as protected, and no other', async () => {
    await ask(popup, 'lockNow', {});
    expect(await fire('onMessage', LOAD, DOCUMENT)).toEqual({ protect: true });
    expect(await fire('onMessage', LOAD, OTHER)).toEqual({ protect: false });
    const page = connect(DOCUMENT);
    expect(await ask(page, 'hello', {})).toEqual({ protect: true, locked: true });
    expect(await ask(connect(OTHER), 'hello', {})).toEqual({ protect: false, locked: true });
  });

  it('registers its scripts for them, should an update have cleared them', async () => {
    await ask(popup, 'lockNow', {});
    fake.scripts = [];
    fire('onInstalled', { reason: 'update' });
    await vi.waitFor(() => expect(fake.scripts).toHaveLength(2), { interval: 1 });
    expect(fake.scripts).toMatchObject([
      { matches: ['https://chat.example.org/*'] },
      { matches: ['https://chat.example.org/*'] },
    ]);
  });

  it('has their pages loaded anew after an update, which locks it', async () => {
    await ask(popup, 'lockNow', {});
    fake.session.clear();
    startVault();
    fire('onInstalled', { reason: 'update' });
    await vi.waitFor(() => expect(callsOf('reload')).toEqual(expect.arrayContaining([5, 6])), {
      timeout: 5000,
    });
  });

  it('answers what needs its key with locked, and tells so by the icon', async () => {
    await ask(popup, 'lockNow', {});
    const page = connect(DOCUMENT);
    const stream = { stream: 1, jid: JULIET, endpoint: 'xmpp.example.org' };
    expect(await ask(page, 'attach', stream)).toBe('locked');
    expect(await ask(page, 'prepare', { jid: JULIET, peer: JULIET })).toBe('locked');
    expect(await ask(page, 'held', { jid: JULIET })).toBe('locked');
    expect(await ask(popup, 'sites', {})).toBe('locked');
    expect(await ask(popup, 'site', { origin: ORIGIN })).toBe('locked');
    expect(await ask(page, 'report', { ...stream, state: 'locked' })).toBe(null);
    const icons = JSON.stringify(callsOf('setIcon').at(-1));
    expect(icons).toContain('attention');
    expect(await ask(page, 'refused', { code: 'locked' })).toBe(null);
    expect(await ask(page, 'smOff', {})).toBe(null);
    expect(await ask(page, 'smMiscounted', { kind: 'count' })).toBe(null);
  });

  it('keeps the positions of streams where they can be written, in one place at a time', async () => {
    const page = connect(DOCUMENT);
    await ask(page, 'smSave', { id: 'before', record: RECORD });
    await ask(page, 'smSave', { id: 'gone', record: RECORD });
    await ask(popup, 'lockNow', {});
    expect(await ask(page, 'smLoad', { id: 'before' })).toEqual(RECORD);
    const moved = { ...RECORD, in: [{ kind: 's', page: 1, wire: 2 }] };
    await ask(page, 'smSave', { id: 'before', record: moved });
    await ask(page, 'smSave', { id: 'during', record: RECORD });
    await ask(page, 'smDrop', { id: 'gone' });
    expect(await ask(connect(OTHER), 'smLoad', { id: 'before' })).toBe(null);
    await ask(popup, 'unlock', { passphrase: PASSPHRASE });
    expect(await ask(page, 'smLoad', { id: 'before' })).toEqual(moved);
    expect(await ask(page, 'smLoad', { id: 'during' })).toEqual(RECORD);
    expect(await ask(page, 'smLoad', { id: 'gone' })).toBe(null);
    expect([...fake.session.keys()].sort()).toEqual(['isLoaded', 'vault-key']);
    await ask(popup, 'lockNow', {});
    // The browser is closed: an old position must not come back.
    fake.session.clear();
    await ask(popup, 'unlock', { passphrase: PASSPHRASE });
    expect(await ask(page, 'smLoad', { id: 'before' })).toBe(null);
  });

  it('tells every page and popup as it is locked and unlocked', async () => {
    const page = connect(DOCUMENT);
    const changes = () =>
      page.near.received.filter((message) => Object(message).event === 'changed').length;
    const before = changes();
    await ask(popup, 'lockNow', {});
    await vi.waitFor(() => expect(changes()).toBe(before + 1), { interval: 1 });
    // Also those whose port died with an earlier worker.
    await vi.waitFor(() => expect(callsOf('wake')).toContain(5), { interval: 1 });
    await ask(popup, 'unlock', { passphrase: PASSPHRASE });
    await vi.waitFor(() => expect(changes()).toBe(before + 2), { interval: 1 });
    expect(fake.session.get('vault-key')).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('the key of an unlocked vault', () => {
  it('is where the next worker finds it and content scripts do not', async () => {
    expect(callsOf('setAccessLevel')).toContainEqual({ accessLevel: 'TRUSTED_CONTEXTS' });
    startVault();
    const next = connect(POPUP);
    expect(await isLocked(next)).toBe(false);
    fake.session.clear();
    startVault();
    expect(await isLocked(connect(POPUP))).toBe(true);
    fire('onStartup');
  });
});

describe('what locks the vault', () => {
  it('is the lock of the computer, and being left alone', async () => {
    expect(callsOf('setDetectionInterval')).toContain(15 * 60);
    fire('onStateChanged', 'active');
    expect(await isLocked(popup)).toBe(false);
    fire('onStateChanged', 'locked');
    await becomes(popup, true);
    await ask(popup, 'unlock', { passphrase: PASSPHRASE });
    fire('onStateChanged', 'idle');
    await becomes(popup, true);
  });

  it('is the time the user chose, if any', async () => {
    await ask(popup, 'setAutoLock', { minutes: 5 });
    fire('local.onChanged', { 'auto-lock-minutes': {} });
    await vi.waitFor(() => expect(callsOf('setDetectionInterval')).toContain(300), { interval: 1 });
    await ask(popup, 'setAutoLock', { minutes: 0 });
    fire('onStateChanged', 'idle');
    for (let turn = 0; turn < 20; turn++) expect(await isLocked(popup)).toBe(false);
    fire('onStateChanged', 'locked');
    await becomes(popup, true);
  });
});
