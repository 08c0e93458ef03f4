// A session that the user starts anew, while the client still has the old one.
import { expect } from 'vitest';
import type { TestServer } from '../support/server';
import { encryptedMessages } from '../support/stanzas';
import { until } from '../support/wait';
import type { WireRecord } from '../support/wire';
import { exchange, type Pair } from './pair';
import { withLateKeyExchanges } from './server';

function isKeyExchange(xml: string): boolean {
  return /<key [^>]*(prekey|kex)=["']true["']/.test(xml);
}

interface Where {
  readonly dir: WireRecord['dir'];
  /** At whose stream. */
  readonly by: string;
  readonly mark: number;
}

/** Ciphertexts that the server took from somebody or gave to them. */
function messages({ wire }: TestServer, { dir, by, mark }: Where): readonly WireRecord[] {
  return encryptedMessages(wire.records(mark)).filter(
    (record) => record.dir === dir && record.jid.startsWith(`${by}/`),
  );
}

/** Whether each text that the page sent took a key exchange along. */
function keyExchanges(server: TestServer, { person }: Pair, mark: number): readonly boolean[] {
  return messages(server, { dir: 'in', by: person.jid, mark })
    .filter(({ xml }) => xml.includes('<payload'))
    .map(({ xml }) => isKeyExchange(xml));
}

/** Waits until the key exchange without text is where `dir` says. */
async function keyExchange(server: TestServer, { dir, by, mark }: Where): Promise<void> {
  await server.wire.wait(
    `the key exchange of the reset, ${dir} ${by}`,
    ({ xml, ...record }) =>
      record.dir === dir &&
      record.jid.startsWith(`${by}/`) &&
      /^<message\b/.test(xml) &&
      isKeyExchange(xml) &&
      !xml.includes('<payload'),
    { from: mark },
  );
}

/** Waits until the server has taken an encrypted message of the client: its answer to a key exchange. */
async function answer(server: TestServer, { peer }: Pair, mark: number): Promise<void> {
  const taken = () => messages(server, { dir: 'in', by: peer.jid, mark });
  await until(`the answer of ${peer.jid} to a key exchange`, () => taken().length > 0);
}

/** What the user does; ends when the server has the key exchange. */
async function resetByUser(server: TestServer, { person, peer }: Pair, mark: number) {
  const popup = await person.popup();
  const shown = await popup.devices(peer.jid);
  const device = shown.find((each) => each.fingerprint.replace(/\s/g, '') === peer.fingerprint);
  if (device === undefined) throw new Error('the popup does not show the device of the client');
  await popup.resetSession(peer.jid, device.deviceId);
  await keyExchange(server, { dir: 'in', by: person.jid, mark });
  await popup.close();
  await person.converse.page.bringToFront();
}

/** Both write, and the page does so again: only in a session the client has answered it sends no key exchange any more. */
async function goesOnInNewSession(server: TestServer, pair: Pair, label: string) {
  await exchange(pair, 'page', `${label}, says the page`);
  await exchange(pair, 'client', `${label}, says the client`);
  const mark = server.wire.mark();
  await exchange(pair, 'page', `${label}, answers the page`);
  expect(keyExchanges(server, pair, mark)).toEqual([false]);
}

/** The client hears of the new session before it writes again. @param isWaitedFor its answer, too, is waited for. */
export async function resetThenWrite(
  server: TestServer,
  pair: Pair,
  isWaitedFor: boolean,
): Promise<void> {
  const mark = server.wire.mark();
  await resetByUser(server, pair, mark);
  await keyExchange(server, { dir: 'out', by: pair.peer.jid, mark });
  if (isWaitedFor) await answer(server, pair, mark);
  await goesOnInNewSession(server, pair, 'after a reset');
}

/**
 * The client writes once more in its old session, because our key exchange is still under way. What the page then writes
 * takes the key exchange along, and the one without text comes late.
 * @param isWaitedFor the answers of the client are waited for.
 */
export async function resetWhileClientWrites(
  server: TestServer,
  pair: Pair,
  isWaitedFor: boolean,
): Promise<void> {
  const { peer } = pair;
  const mark = server.wire.mark();
  let late = mark;
  await withLateKeyExchanges(server, async () => {
    await resetByUser(server, pair, mark);
    await exchange(pair, 'client', 'not knowing of the second reset');
    expect(messages(server, { dir: 'out', by: peer.jid, mark })).toEqual([]);
    const before = server.wire.mark();
    await exchange(pair, 'page', 'of the second reset, and a text');
    expect(keyExchanges(server, pair, before)).toEqual([true]);
    if (isWaitedFor) await answer(server, pair, before);
    late = server.wire.mark();
  });
  await keyExchange(server, { dir: 'out', by: peer.jid, mark });
  if (isWaitedFor) await answer(server, pair, late);
  await goesOnInNewSession(server, pair, 'after the second reset');
}
