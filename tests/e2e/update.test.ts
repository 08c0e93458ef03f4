// An update reloads the extension under an open page (I-126): its chats must not go on in clear, nor look as if they did.
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

it('refuses in a page that was open when the extension was updated, and goes on when it is loaded anew (I-126)', async () => {
  const alice = world.person('alice');
  const bob = world.person('bob');
  await alice.converse.openChat(bob.jid);
  await bob.converse.openChat(alice.jid);
  await alice.converse.send('before the update');
  await bob.converse.shows(alice.jid, 'before the update');

  await alice.browser.reloadExtension();
  await alice.converse.page.bringToFront();
  await alice.converse.send('after the update');
  const said = await alice.converse.showsFailed(bob.jid, 'after the update', 60_000);
  expect(said).toContain(explainRefusal('extension-gone'));
  // What arrives is not lost: it shows once the page is loaded anew.
  await bob.converse.send('into the update');

  await alice.converse.reload();
  await alice.converse.openChat(bob.jid);
  await alice.converse.shows(bob.jid, 'into the update', 60_000);
  await alice.converse.send('in the new page');
  await bob.converse.shows(alice.jid, 'in the new page', 60_000);
  for (const text of [
    'before the update',
    'after the update',
    'into the update',
    'in the new page',
  ])
    expect(world.server.leaks(text), text).toEqual([]);
  expect(world.server.streamErrors()).toEqual([]);
});
