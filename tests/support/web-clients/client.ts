// One web client in a page as its user meets it: logs in by itself, has a chat with one contact, and logs out.
import type { Page } from 'puppeteer-core';

export interface ShownText {
  readonly text: string;
  readonly direction: 'sent' | 'received';
  /** The page's error text when it shows the message as not delivered. */
  readonly error?: string;
}

export interface WebClient {
  readonly page: Page;
  /** Waits until the client says that it is connected, and has the chat with its contact open. */
  ready(): Promise<void>;
  /** Waits until the client says that its connection is lost. */
  disconnected(): Promise<void>;
  /** Types into the chat and presses Enter. */
  send(text: string): Promise<void>;
  /** What the chat shows, oldest first. */
  texts(): Promise<readonly ShownText[]>;
  /** Logs out by what the page has for it; ends when the client says so. */
  logOut(): Promise<void>;
}

/** Who logs in, and with whom the one chat is. */
export interface ClientAccount {
  readonly jid: string;
  readonly password: string;
  /** Of the server: ws: or http:, which the client has to go with. */
  readonly url: string;
  readonly contact: string;
}

/** A web client of the tests. */
export interface ClientKind {
  readonly name: string;
  readonly transport: 'websocket' | 'bosh';
  /** Whether it has stream management and resumes after a lost connection. */
  readonly resumes: boolean;
  /** What it may write to its console without the extension, too, but not every time. */
  readonly usual?: RegExp;
  /** Folders the page takes files from, by the first part of their path. */
  readonly folders: Readonly<Record<string, string>>;
  /** The page, `/client.js` being the script below; it reads the account from its query. */
  readonly html: string;
  /** Entry of a script to be bundled for the page. */
  readonly script?: string;
  drive(page: Page, account: ClientAccount): WebClient;
}

/** Waits until the page's root says this of its connection, as the pages of the tests do for their clients. */
export async function saysConnection(
  page: Page,
  state: 'connected' | 'disconnected',
): Promise<void> {
  await page.waitForFunction(
    (wanted) => document.documentElement.dataset['connection'] === wanted,
    { timeout: 60_000, polling: 100 }, // frames are not drawn in a background tab
    state,
  );
}
