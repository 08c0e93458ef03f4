// Drives one Converse page as a person would: opens chats, types, reads what the page shows.
import type { Page } from 'puppeteer-core';
import { until } from './wait';

export interface ShownMessage {
  readonly text: string;
  readonly direction: 'sent' | 'received';
  /** The page's error text when it shows the message as not delivered. */
  readonly error?: string;
}

export interface Converse {
  readonly page: Page;
  /** Waits until Converse says that it is connected. */
  connected(): Promise<void>;
  openChat(jid: string): Promise<void>;
  /** Types into the open chat and presses Enter. */
  send(text: string): Promise<void>;
  /** Messages of the chat with `jid` as the page shows them, oldest first. */
  messages(jid: string): Promise<readonly ShownMessage[]>;
  /** Waits until the page shows this text in the chat with `jid`. */
  shows(jid: string, text: string, timeoutMs?: number): Promise<ShownMessage>;
  /** Waits until the page shows this sent text as failed; answers the error text. */
  showsFailed(jid: string, text: string, timeoutMs?: number): Promise<string>;
  /** Every frame Converse got from its stream since the page was loaded. */
  received(): Promise<readonly string[]>;
  /** Waits until Converse says that its connection is lost. */
  disconnected(): Promise<void>;
  reload(): Promise<void>;
  /** Does what makes the extension load the page anew; ends when the new one is connected. */
  loadsAnew(work: () => Promise<void>): Promise<void>;
  logOut(): Promise<void>;
}

const CONNECT_MS = 60_000;

function chatSelector(jid: string): string {
  return `converse-chat[jid="${jid}"]`;
}

function hasText(wanted: string): (message: ShownMessage) => boolean {
  return (message) => message.text === wanted;
}

export function driveConverse(page: Page): Converse {
  const saysConnection = async (state: string) => {
    await page.waitForFunction(
      (wanted) => document.documentElement.dataset['connection'] === wanted,
      { timeout: CONNECT_MS, polling: 100 }, // frames are not drawn in a background tab
      state,
    );
  };
  const connected = () => saysConnection('connected');
  const messages = (jid: string) =>
    page.evaluate((selector): ShownMessage[] => {
      const chat = document.querySelector(selector);
      return [...(chat?.querySelectorAll('.chat-msg') ?? [])].map((element) => {
        const error = element.querySelector('.chat-msg__error')?.textContent;
        return {
          text: element.querySelector('.chat-msg__text')?.textContent?.trim() ?? '',
          direction: element.querySelector('.chat-msg__content--me') ? 'sent' : 'received',
          ...(error ? { error: error.trim() } : {}),
        };
      });
    }, chatSelector(jid));
  const shown = (
    what: string,
    jid: string,
    wanted: (message: ShownMessage) => boolean,
    timeoutMs = 20_000,
  ) => until(what, async () => (await messages(jid)).find(wanted), { timeoutMs });

  return {
    page,
    connected,
    openChat: async (jid) => {
      await page.evaluate((detail) => {
        document.dispatchEvent(new CustomEvent('test:open-chat', { detail }));
      }, jid);
      await page.waitForSelector(`${chatSelector(jid)} textarea.chat-textarea`, {
        timeout: CONNECT_MS,
      });
    },
    send: async (text) => {
      const area = await page.waitForSelector('textarea.chat-textarea', { visible: true });
      if (area === null) throw new Error('no chat is open');
      await area.click();
      // As `keyboard.sendCharacter`, which takes one character at a time in Firefox.
      await page.evaluate((typed) => document.execCommand('insertText', false, typed), text);
      await area.press('Enter');
    },
    messages,
    shows: (jid, text, timeoutMs) =>
      shown(`the page to show "${text}"`, jid, hasText(text), timeoutMs),
    showsFailed: async (jid, text, timeoutMs) => {
      const failed = (message: ShownMessage) =>
        hasText(text)(message) && message.error !== undefined;
      const message = await shown(`the page to show "${text}" as failed`, jid, failed, timeoutMs);
      return message.error ?? '';
    },
    received: () =>
      page.evaluate(() => {
        const frames: unknown = Reflect.get(document, 'receivedFrames');
        return Array.isArray(frames) ? frames.map(String) : [];
      }),
    disconnected: () => saysConnection('disconnected'),
    reload: async () => {
      await page.reload();
      await connected();
    },
    loadsAnew: async (work) => {
      await Promise.all([page.waitForNavigation({ timeout: CONNECT_MS }), work()]);
      await connected();
    },
    logOut: async () => {
      await page.evaluate(() => document.dispatchEvent(new CustomEvent('test:log-out')));
      await saysConnection('disconnected');
    },
  };
}
