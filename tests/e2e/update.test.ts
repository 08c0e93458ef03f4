// An update loads the extension anew under open pages, which then have nobody to encrypt any more (I-126): they are loaded
// anew, too. Where the extension is switched off nobody does that; they refuse. Nothing may leave in clear nor look as if it had.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { explainRefusal } from '../../src/rpc/reasons';
import { protect } from '../support/extension';
import { startWorld, type World } from '../support/people';

let world: World;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'] });
  await protect(world, world.person('alice'));
  await protect(world, world.person('bob'));
});
afterAll(() => world?.close());

it('loads an open page anew when the extension was updated, and the chat goes on in it (I-126, M19)', async () => {
  const alice = world.person('alice');
  const bob = world.person('bob');
  await alice.converse.openChat(bob.jid);
  await bob.converse.openChat(alice.jid);
  await alice.converse.send('before the update');
  await bob.converse.shows(alice.jid, 'before the update');

  await alice.converse.loadsAnew(() => alice.browser.reloadExtension());
  await alice.converse.page.bringToFront();
  await bob.converse.send('into the update');
  await alice.converse.openChat(bob.jid);
  await alice.converse.shows(bob.jid, 'into the update', 60_000);
  await alice.converse.send('after the update');
  await bob.converse.shows(alice.jid, 'after the update', 60_000);
  for (const text of ['before the update', 'into the update', 'after the update'])
    expect(world.server.leaks(text), text).toEqual([]);
  expect(world.server.streamErrors()).toEqual([]);
});

it('refuses in a page that is open when the extension is switched off (I-126, M18)', async () => {
  const alice = world.person('alice');
  const bob = world.person('bob');
  await alice.browser.switchExtensionOff();
  await alice.converse.page.bringToFront();
  for (const text of ['after the end', 'and once more']) {
    await alice.converse.send(text);
    const said = await alice.converse.showsFailed(bob.jid, text, 60_000);
    expect(said).toContain(explainRefusal('extension-gone'));
    expect(world.server.leaks(text), text).toEqual([]);
  }
});
