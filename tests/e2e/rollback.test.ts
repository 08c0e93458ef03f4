// A browser profile is put back to an earlier state (M73): it is found out by the server's count, no key is used again, and the chat goes on.
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import { protect } from '../support/extension';
import { keyPlace } from '../support/key-place';
import { startWorld, type Person, type World } from '../support/people';
import { encryptedMessages } from '../support/stanzas';
import { tempFolder } from '../support/temp';
import { until } from '../support/wait';

let world: World;
let alice: Person;
let bob: Person;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'] });
  [alice, bob] = [world.person('alice'), world.person('bob')];
  await protect(world, alice);
  await protect(world, bob);
  await bob.converse.openChat(alice.jid);
});
afterAll(() => world?.close());

async function talk(when: string): Promise<void> {
  await alice.converse.openChat(bob.jid);
  await alice.converse.page.bringToFront();
  await bob.converse.send(`bob ${when}`);
  await alice.converse.shows(bob.jid, `bob ${when}`, 60_000);
  await alice.converse.send(`alice ${when}`);
  await bob.converse.shows(alice.jid, `alice ${when}`, 60_000);
}

/** Where the keys stand of all that Alice's browser put on the wire, empty messages too. */
function placesUsed(): readonly string[] {
  const ofAlice = encryptedMessages(world.server.wire.records())
    .filter(({ dir, jid }) => dir === 'in' && jid.startsWith(`${alice.jid}/`))
    .map(({ xml }) => xml);
  return ofAlice.flatMap((xml) =>
    [...xml.matchAll(/<key rid='(\d+)'( prekey='true')?>([^<]+)</g)].map(
      ([, rid, prekey, text = '']) => {
        const bytes = new Uint8Array(Buffer.from(text, 'base64'));
        return `${rid} ${keyPlace(LEGACY, bytes, prekey !== undefined)}`;
      },
    ),
  );
}

async function isTold(): Promise<boolean> {
  const popup = await alice.popup();
  await until('the popup to call the account ready', popup.isReady);
  const told = (await popup.page.$('[data-testid="rolled-back"]')) !== null;
  if (told) {
    await popup.page.click('[data-testid="acknowledge-rollback"]');
    await popup.page.waitForSelector('[data-testid="rolled-back"]', { hidden: true });
  }
  await popup.close();
  return told;
}

it('is told once, uses no key again and goes on; an ordinary start is told nothing', async () => {
  const kept = tempFolder('kept-profile');
  const folder = path.join(kept.path, 'profile');
  try {
    await talk('at first');
    await alice.relaunch((profile) => cpSync(profile, folder, { recursive: true }));
    expect(await isTold()).toBe(false);
    for (const time of [1, 2, 3]) await talk(`later ${time}`);
    const before = placesUsed().length;
    await alice.relaunch((profile) => {
      rmSync(profile, { recursive: true });
      cpSync(folder, profile, { recursive: true });
    });
    expect(await isTold()).toBe(true);
    await talk('after it was put back');
    await talk('and on');
    const places = placesUsed();
    // Two texts, and where it began a session anew an empty message.
    expect(places.length).toBeGreaterThanOrEqual(before + 2);
    expect(new Set(places).size).toBe(places.length);
    await alice.relaunch();
    expect(await isTold()).toBe(false);
    await talk('in the end');
    for (const when of ['later 1', 'after it was put back', 'in the end'])
      expect(world.server.leaks(`alice ${when}`), when).toEqual([]);
  } finally {
    kept.remove();
  }
});
