// A device that the account of the client gets while both are talking.
import { expect } from 'vitest';
import { until } from '../support/wait';
import { arrives, exchange, send, type Pair } from './pair';
import type { Peer } from './peer';

/** Waits until the popup counts as many devices of the client's account as get our messages; answers their fingerprints. */
export async function popupCounts(
  { person, peer }: Pair,
  count: number,
): Promise<readonly string[]> {
  const popup = await person.popup();
  const contact = `[data-testid="contact"][data-jid="${peer.jid}"]`;
  await popup.page.waitForSelector(contact);
  await until(`the popup to count ${count} devices`, () =>
    popup.page.$eval(
      contact,
      (element, words) => element.textContent?.includes(words) === true,
      `${count} devices`,
    ),
  );
  const shown = await popup.devices(peer.jid);
  await popup.close();
  await person.converse.page.bringToFront();
  return shown.map(({ fingerprint }) => fingerprint.replace(/\s/g, '')).sort();
}

/** The page writes, and every device of the client has to read it. */
export async function bothRead(pair: Pair, second: Peer, text: string): Promise<void> {
  await exchange(pair, 'page', text);
  expect(await second.receives(pair.person.jid, text)).toMatchObject({ encrypted: true });
}

/**
 * What the new device writes is shown, and from then on it reads along; the first one goes on as before.
 */
export async function secondDeviceJoins(pair: Pair, second: Peer): Promise<void> {
  const { peer } = pair;
  expect(second.jid).toBe(peer.jid);
  expect(second.fingerprint).not.toBe(peer.fingerprint);
  const text = 'from the new device';
  await send(pair, 'client', text, second);
  await arrives(pair, 'client', text);
  expect(await popupCounts(pair, 2)).toEqual([peer.fingerprint, second.fingerprint].sort());
  await bothRead(pair, second, 'to both devices');
  await exchange(pair, 'client', 'from the first device');
  await bothRead(pair, second, 'to both devices, after words of the first one');
}
