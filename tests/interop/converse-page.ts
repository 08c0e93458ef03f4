// The page of Converse with its own OMEMO: opened with eyes on what it shows, and asked for its fingerprints.
import type { Page } from 'puppeteer-core';
import { ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { TestBrowser } from '../support/chromium';
import { driveConverse, type Converse } from '../support/converse';
import type { PeerMessage } from './peer';

/** What the page shows: every message received, and every error. */
export interface Shown {
  readonly messages: readonly PeerMessage[];
  readonly errors: readonly ErrorShown[];
}

interface ErrorShown {
  readonly text: string;
  /** When the message was sent that it is about; undefined for one that is about no message. */
  readonly sentAt?: string | undefined;
}

/** Runs in the page: tells what is shown after each change, for Converse takes errors away after some seconds. */
function watchShown(): void {
  let isDue = false;
  const tell = () => {
    isDue = false;
    const texts = (root: ParentNode, selector: string) =>
      [...root.querySelectorAll(selector)].map((element) => element.textContent?.trim() ?? '');
    const messages = [...document.querySelectorAll('converse-chat')].flatMap((chat) =>
      [...chat.querySelectorAll<HTMLElement>('.chat-msg')]
        .filter((element) => element.querySelector('.chat-msg__content--me') === null)
        .map((element) => ({
          sender: chat.getAttribute('jid') ?? '',
          text: texts(element, '.chat-msg__text')[0] ?? '',
          encrypted: element.dataset['encrypted'] === 'true',
        })),
    );
    const places = ['.chat-msg__error', '.chat-error', 'converse-alert-modal .modal-body'];
    const errors = [...document.querySelectorAll(places.join())].map((element) => ({
      text: element.textContent?.trim() ?? '',
      sentAt: element.closest<HTMLElement>('[data-isodate]')?.dataset['isodate'],
    }));
    const report: unknown = Reflect.get(window, 'tellShown');
    if (typeof report === 'function') report({ messages, errors });
  };
  new MutationObserver(() => {
    if (isDue) return;
    isDue = true;
    setTimeout(tell, 20);
  }).observe(document, { childList: true, subtree: true, characterData: true, attributes: true });
}

interface DeviceKnown {
  readonly deviceId: string;
  /** In the form in which a device has one for both versions. */
  readonly fingerprint: string;
}

/** The devices Converse knows of an account, one in both versions twice. */
async function devicesIn(page: Page, jid: string): Promise<readonly DeviceKnown[]> {
  const lines = await page.evaluate(async (account) => {
    const ask: unknown = Reflect.get(document, 'fingerprintsOf');
    const answer: unknown = typeof ask === 'function' ? await ask(account) : undefined;
    return Array.isArray(answer) ? answer.map(String) : [];
  }, jid);
  return lines.map((line) => {
    const [version, deviceId = '', shown = ''] = line.split(' ');
    // For this version Converse shows the identity key in its Ed25519 form.
    const isEd25519 = version === 'urn:xmpp:omemo:2';
    const fingerprint = isEd25519
      ? bytesToHex(ed25519.utils.toMontgomery(hexToBytes(shown)))
      : shown;
    return { deviceId, fingerprint };
  });
}

/** The fingerprints Converse has of an account. */
export async function fingerprintsIn(page: Page, jid: string): Promise<readonly string[]> {
  const devices = await devicesIn(page, jid);
  return [...new Set(devices.map(({ fingerprint }) => fingerprint))];
}

/** The fingerprint of Converse's own device, which its account may have others beside. */
export async function ownFingerprintIn(page: Page, jid: string): Promise<string> {
  const own = await page.evaluate(() => document.documentElement.dataset['device']);
  const devices = await devicesIn(page, jid);
  const found = devices.find(({ deviceId }) => deviceId === own);
  if (found === undefined) throw new Error(`converse has no device ${own} of its own`);
  return found.fingerprint;
}

/** Logs in on a page of its own, opened before anything of Converse runs; ends when its device is published. */
export async function openConverse(input: {
  browser: TestBrowser;
  url: string;
  onShown: (shown: Shown) => void;
  onComplaint: (text: string) => void;
}): Promise<Converse> {
  const page = await input.browser.newPage('about:blank');
  page.on('console', (message) => {
    if (message.type() === 'error') input.onComplaint(message.text());
  });
  page.on('pageerror', (error) => input.onComplaint(String(error)));
  await page.exposeFunction('tellShown', input.onShown);
  await page.evaluateOnNewDocument(watchShown);
  await page.goto(input.url);
  const converse = driveConverse(page);
  await converse.connected();
  await page.waitForFunction(() => document.documentElement.dataset['omemo'] === 'ready', {
    polling: 100,
    timeout: 60_000,
  });
  return converse;
}
