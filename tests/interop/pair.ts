// A protected page and a client that talk to each other, and what they have said so far.
import { expect } from 'vitest';
import type { Person } from '../support/people';
import { nextSecond, until } from '../support/wait';
import type { Peer } from './peer';

export type Side = 'page' | 'client';

export interface Pair {
  readonly person: Person;
  readonly peer: Peer;
  /** Every text of the pair in the order in which it was sent. */
  readonly sent: { readonly by: Side; readonly text: string }[];
}

const ARRIVE_MS = 40_000;

/** `device` is the one of the client's account that writes. */
export async function send(
  { person, peer, sent }: Pair,
  by: Side,
  text: string,
  device = peer,
): Promise<void> {
  await nextSecond();
  sent.push({ by, text });
  if (by === 'page') await person.converse.send(text);
  else await device.send(person.jid, text);
}

/** Waits for the text on the other side, decrypted. */
export async function arrives({ person, peer }: Pair, by: Side, text: string): Promise<void> {
  if (by === 'page')
    expect(await peer.receives(person.jid, text)).toMatchObject({ encrypted: true });
  else
    expect(await person.converse.shows(peer.jid, text, ARRIVE_MS)).toEqual({
      text,
      direction: 'received',
    });
}

export async function exchange(pair: Pair, by: Side, text: string): Promise<void> {
  await send(pair, by, text);
  await arrives(pair, by, text);
}

/** What the user says of the contact in the popup. */
export async function preferOmemo2({ person, peer }: Pair): Promise<void> {
  const popup = await person.popup();
  await popup.preferOmemo2(peer.jid);
  await popup.close();
  await person.converse.page.bringToFront();
}

/** The page must show exactly what was sent, in order, as whose it was, and nothing as failed. */
export async function pageShowsAll({ person, peer, sent }: Pair): Promise<void> {
  const wanted = sent.map(({ by, text }) => ({
    text,
    direction: by === 'page' ? 'sent' : 'received',
  }));
  const isComplete = async () => (await person.converse.messages(peer.jid)).length >= wanted.length;
  // What is missing says more than that something is.
  await until('all messages on the page', isComplete, { timeoutMs: ARRIVE_MS }).catch(
    () => undefined,
  );
  expect(await person.converse.messages(peer.jid)).toEqual(wanted);
}

/** The texts the page sent, from the `from`th text of the pair on, as a client of the other side has to have them. */
export function textsOfPage({ person, sent }: Pair, from = 0) {
  return sent
    .slice(from)
    .filter(({ by }) => by === 'page')
    .map(({ text }) => ({ sender: person.jid, text, encrypted: true }));
}
