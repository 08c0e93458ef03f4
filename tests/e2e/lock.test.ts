// A passphrase in a real browser (M68, M70, I-75): what is locked stays unread and unsent, nothing is lost by it, and the way back in is the
// passphrase alone.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IS_FIREFOX } from '../support/browser';
import { protect } from '../support/extension';
import { readLevelDb } from '../support/leveldb';
import { startWorld, type Person, type World } from '../support/people';
import { until } from '../support/wait';

const PASSPHRASE = 'walrus bicycle tapir umbrella';
const WAIT = { timeout: 30_000 };
const SHOTS = process.env['OMNEMO_SHOTS'];

const testId = (id: string) => `[data-testid="${id}"]`;

let world: World;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'] });
  [alice, bob] = [world.person('alice'), world.person('bob')];
  await protect(world, alice);
  await protect(world, bob);
  await alice.converse.openChat(bob.jid);
  await bob.converse.openChat(alice.jid);
  await alice.converse.send('before there was a passphrase');
  await bob.converse.shows(alice.jid, 'before there was a passphrase');
});
afterAll(() => world?.close());

/** A look for people, where one is asked for. */
async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS === undefined) return;
  mkdirSync(SHOTS, { recursive: true });
  for (const scheme of ['light', 'dark'] as const)
    await alice.browser.screenshot(page, path.join(SHOTS, `${name}-${scheme}.png`), scheme);
}

/** Opens the popup in front of the page, and goes back to the page. */
async function inPopup<T>(work: (page: Page) => Promise<T>): Promise<T> {
  const { page } = await alice.popup();
  try {
    await page.bringToFront();
    return await work(page);
  } finally {
    await page.close();
    await alice.converse.page.bringToFront();
  }
}

const write = async (page: Page, field: string, text: string): Promise<void> => {
  const found = await page.waitForSelector(testId(field), WAIT);
  await found?.click();
  await found?.type(text);
};

const lock = () =>
  inPopup(async (page) => {
    await (await page.waitForSelector(testId('lock-now'), WAIT))?.click();
    await page.waitForSelector(testId('locked'), WAIT);
  });

const unlock = () =>
  inPopup(async (page) => {
    // By the keyboard alone: the field has the focus.
    await page.waitForSelector(`${testId('unlock-passphrase')}:focus`, WAIT);
    await page.keyboard.type(PASSPHRASE);
    await page.keyboard.press('Enter');
    await page.waitForSelector(testId('lock-now'), WAIT);
  });

/** The key of the vault, as the browser keeps it for the next worker. */
async function sessionKey(): Promise<string | undefined> {
  const worker = await alice.browser.worker();
  return worker.evaluate(async () => {
    const { 'vault-key': key } = await chrome.storage.session.get('vault-key');
    return typeof key === 'string' ? key : undefined;
  });
}

const icons = async (): Promise<string> => {
  const worker = await alice.browser.worker();
  return worker.evaluate(async () => {
    const tabs = await chrome.tabs.query({});
    const titles = tabs.flatMap(({ id }) =>
      id === undefined ? [] : [chrome.action.getTitle({ tabId: id })],
    );
    return (await Promise.all(titles)).join('\n');
  });
};

const countOf = async (text: string) =>
  (await alice.converse.messages(bob.jid)).filter((message) => message.text === text).length;

/** Until the server has handed it to Alice's browser. */
async function bobSays(text: string): Promise<void> {
  const mark = world.server.wire.mark();
  await bob.converse.send(text);
  await world.server.wire.wait(
    `a message of Bob for Alice: ${text}`,
    ({ dir, jid, xml }) =>
      dir === 'out' && jid.startsWith(`${alice.jid}/`) && xml.includes('<encrypted'),
    { from: mark },
  );
}

/** Alice's page got nothing more, whatever came, within the time that something would have needed. */
async function getsNothing(work: () => Promise<void>): Promise<void> {
  const before = (await alice.converse.messages(bob.jid)).length;
  await work();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const shown = await alice.converse.messages(bob.jid);
  expect(shown.slice(before)).toEqual([]);
}

/** What only Chromium can show: which scripts see `storage.session`, by its debugger, and what its files hold. */
function inChromium(name: string, work: () => Promise<void>): void {
  if (!IS_FIREFOX) it(name, work);
}

describe('a passphrase', () => {
  it('is set in the popup, and the chat goes on', async () => {
    await inPopup(async (page) => {
      const fold = await page.waitForSelector(`${testId('passphrase')} > summary`, WAIT);
      await fold?.click();
      await write(page, 'new-passphrase', PASSPHRASE);
      await write(page, 'repeat-passphrase', `${PASSPHRASE}x`);
      await page.click(testId('set-passphrase'));
      await page.waitForSelector(testId('passphrase-problem'), WAIT);
      await shoot(page, 'set');
      await page.focus(testId('repeat-passphrase'));
      await page.keyboard.press('End');
      await page.keyboard.press('Backspace');
      await page.keyboard.press('Enter');
      await page.waitForSelector(testId('lock-now'), WAIT);
      await shoot(page, 'is-set');
    });
    await alice.converse.send('after it was set');
    await bob.converse.shows(alice.jid, 'after it was set');
  });

  it('is needed after the worker ended no more than before', async () => {
    await alice.browser.stopWorker();
    await alice.converse.send('by another worker');
    await bob.converse.shows(alice.jid, 'by another worker');
  });

  inChromium('keeps its key where no content script can read it', async () => {
    expect(await sessionKey()).toMatch(/^[0-9a-f]{64}$/);
    const client = await alice.converse.page.createCDPSession();
    const contexts: number[] = [];
    client.on('Runtime.executionContextCreated', ({ context }) => {
      if (context.origin.startsWith('chrome-extension://')) contexts.push(context.id);
    });
    await client.send('Runtime.enable');
    await until('the world of our content scripts', async () => contexts.length > 0);
    const [contextId = 0] = contexts;
    const evaluate = async (expression: string): Promise<unknown> => {
      const { result } = await client.send('Runtime.evaluate', {
        contextId,
        expression,
        awaitPromise: true,
      });
      return result.value;
    };
    const read = (area: string) =>
      evaluate(
        `(async () => { try { return JSON.stringify(await chrome.storage.${area}.get(null)); } catch (error) { return 'refused: ' + error.message; } })()`,
      );
    // The area that is open to them shows that the attempt is a real one.
    expect(await read('local')).toMatch(/^\{/);
    expect(await read('session')).toMatch(/^refused: /);
    await client.detach();
  });
});

describe('a locked vault', () => {
  let key: string | undefined;

  it('sends nothing and says why', async () => {
    key = await sessionKey();
    await lock();
    expect(await sessionKey()).toBeUndefined();
    const mark = world.server.wire.mark();
    await alice.converse.send('while it is locked');
    const error = await alice.converse.showsFailed(bob.jid, 'while it is locked');
    expect(error).toContain('Omnemo is locked');
    const sent = world.server.wire.records().slice(mark);
    expect(JSON.stringify(sent)).not.toContain('while it is locked');
    expect(await icons()).toContain('needs your attention');
  });

  it('shows nothing of what comes, and all of it on unlocking, with its own time, once', async () => {
    const from = Date.now();
    await getsNothing(() => bobSays('said to a locked browser'));
    const until_ = Date.now();
    await unlock();
    await alice.converse.shows(bob.jid, 'said to a locked browser');
    expect(await countOf('said to a locked browser')).toBe(1);
    const frame = (await alice.converse.received()).find((text) =>
      text.includes('said to a locked browser'),
    );
    const stamp = Date.parse(/<delay[^>]* stamp=["']([^"']+)/.exec(frame ?? '')?.[1] ?? '');
    expect(stamp).toBeGreaterThanOrEqual(from - 1000);
    expect(stamp).toBeLessThanOrEqual(until_ + 1000);
    await alice.converse.send('unlocked again');
    await bob.converse.shows(alice.jid, 'unlocked again');
  });

  it('loses nothing to a page that was loaded anew meanwhile, nor shows it twice', async () => {
    await lock();
    await getsNothing(() => bobSays('said before the page was gone'));
    await alice.startOver();
    await alice.converse.openChat(bob.jid);
    await bobSays('said to the next page');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const shown = (await alice.converse.messages(bob.jid)).map(({ text }) => text).join('\n');
    expect(shown).not.toMatch(/said|OMEMO|encrypted/);
    await unlock();
    const texts = ['said before the page was gone', 'said to the next page'];
    for (const text of [...texts, 'by another worker', 'said to a locked browser'])
      await alice.converse.shows(bob.jid, text);
    for (const text of texts) expect(await countOf(text), text).toBe(1);
    await alice.converse.reload();
    await alice.converse.openChat(bob.jid);
    for (const text of texts) {
      await alice.converse.shows(bob.jid, text);
      expect(await countOf(text), text).toBe(1);
    }
  });

  it('is what a new start of the browser finds', async () => {
    await alice.relaunch();
    await alice.converse.openChat(bob.jid);
    expect(await sessionKey()).toBeUndefined();
    await bobSays('said to the next browser');
    await until('the icon to tell', async () => (await icons()).includes('needs your attention'));
    await alice.converse.send('before it is unlocked');
    const error = await alice.converse.showsFailed(bob.jid, 'before it is unlocked');
    expect(error).toContain('Omnemo is locked');
  });

  inChromium('lies on disk without its key, its texts and whose they are', async () => {
    const stored = readLevelDb(alice.browser.databases);
    expect(stored.length).toBeGreaterThan(10_000);
    expect(key).toBeDefined();
    const words = ['said to a locked', 'said to the next', 'another worker', alice.jid, bob.jid];
    const secrets = [
      Buffer.from(key ?? '', 'hex'),
      ...[...words, key ?? '', PASSPHRASE].flatMap((word) => [
        Buffer.from(word, 'utf8'),
        Buffer.from(word, 'utf16le'),
      ]),
    ];
    expect(secrets.filter((secret) => stored.includes(secret))).toEqual([]);
  });

  it('takes no other passphrase, and makes the next one wait', async () => {
    await inPopup(async (page) => {
      for (let count = 0; count < 4; count++) {
        await page.waitForSelector(`${testId('unlock')}:not([disabled])`, WAIT);
        await write(page, 'unlock-passphrase', 'walrus bicycle');
        await page.keyboard.press('Enter');
        // Emptied once it was tried.
        await page.waitForFunction(
          (field) => Reflect.get(document.querySelector(field) ?? {}, 'value') === '',
          WAIT,
          testId('unlock-passphrase'),
        );
        const alarm = await page.waitForSelector('[role="alert"]', WAIT);
        expect(await alarm?.evaluate((element) => element.textContent)).toContain(
          'not the passphrase',
        );
      }
      await page.waitForSelector(testId('unlock-wait'), WAIT);
      await shoot(page, 'locked');
      await page.waitForSelector(`${testId('unlock')}:not([disabled])`, WAIT);
    });
    await unlock();
    await alice.converse.shows(bob.jid, 'said to the next browser');
    await alice.converse.send('and on it goes');
    await bob.converse.shows(alice.jid, 'and on it goes');
  });
});
