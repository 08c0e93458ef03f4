// The other side of a web client's chat, and what both have said.
import { expect } from 'vitest';
import { connectRaw } from '../raw-client';
import { nextSecond, until } from '../wait';
import type { ShownText } from './client';
import type { Visitor } from './visitor';

/** Somebody the page writes with; the clients of tests/interop are such, too. */
export interface Partner {
  readonly jid: string;
  send(to: string, text: string): Promise<void>;
  /** Waits until it has received this text. */
  receives(from: string, text: string): Promise<unknown>;
}

/** One that knows nothing of encryption. */
export async function startPlainPartner(input: {
  port: number;
  jid: string;
  password: string;
}): Promise<Partner & { stop(): Promise<void> }> {
  const client = await connectRaw(input);
  let count = 0;
  return {
    jid: input.jid,
    send: async (to, text) => {
      const escaped = text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
      count += 1;
      client.send(
        `<message type='chat' id='plain-${count}' to='${to}'><body>${escaped}</body></message>`,
      );
    },
    receives: (from, text) =>
      client.wait(
        `"${text}"`,
        (stanza) =>
          stanza.localName === 'message' &&
          (stanza.getAttribute('from') ?? '').startsWith(`${from}/`) &&
          stanza.getElementsByTagName('body').item(0)?.textContent === text,
      ),
    stop: client.close,
  };
}

/** A page and its partner. */
export interface Chat {
  readonly visitor: Visitor;
  readonly partner: Partner;
  /** What the page has to show. */
  readonly said: ShownText[];
}

export async function write({ visitor, said }: Chat, text: string): Promise<void> {
  await nextSecond();
  said.push({ text, direction: 'sent' });
  await visitor.client.send(text);
}

export async function answer({ visitor, partner, said }: Chat, text: string): Promise<void> {
  await nextSecond();
  said.push({ text, direction: 'received' });
  await partner.send(visitor.jid, text);
}

export async function shows({ visitor }: Chat, text: string): Promise<void> {
  await until(
    `the page to show "${text}"`,
    async () => (await visitor.client.texts()).some((shown) => shown.text === text),
    { timeoutMs: 40_000 },
  );
}

/** A text each way. */
export async function exchange(chat: Chat, label: string): Promise<void> {
  const { visitor, partner } = chat;
  await write(chat, `${label} from the page`);
  await partner.receives(visitor.jid, `${label} from the page`);
  await answer(chat, `${label} from its partner`);
  await shows(chat, `${label} from its partner`);
}

/** The page shows what was said, in order, as whose it was, and nothing as failed. */
export async function showsAll({ visitor, said }: Chat): Promise<void> {
  expect(await visitor.client.texts()).toEqual(said);
}
