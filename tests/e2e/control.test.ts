// The control of all the other tests: without the extension the server reads along, and these tools notice it.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorld, type World } from '../support/people';

let world: World;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'], withExtension: false });
});
afterAll(() => world?.close());

it('finds the text of a chat without the extension on the wire and in the archive', async () => {
  const alice = world.person('alice');
  const bob = world.person('bob');
  const text = `a <plain> text & "nothing" else, isn't it? 👩‍💻`;
  await alice.converse.openChat(bob.jid);
  await bob.converse.openChat(alice.jid);
  await alice.converse.send(text);
  await bob.converse.shows(alice.jid, text);
  expect(world.server.leaks(text).length).toBeGreaterThan(0);

  await bob.startOver();
  const mark = world.server.wire.mark();
  await bob.converse.openChat(alice.jid);
  const found = await bob.converse.shows(alice.jid, text);
  expect(found).toEqual({ text, direction: 'received' });
  const archived = world.server.leaks(text, mark);
  expect(archived.map(({ xml }) => xml.includes('urn:xmpp:mam:2'))).toContain(true);
});

it('notices a stream error in the log of the server', async () => {
  expect(world.server.streamErrors()).toEqual([]);
  const alice = world.person('alice');
  await alice.converse.page.evaluate(() => {
    document.dispatchEvent(
      new CustomEvent('test:send', { detail: '<a xmlns="urn:xmpp:sm:3" h="9999"/>' }),
    );
  });
  await world.server.wire.wait('the false count', ({ xml }) => xml.includes("h='9999'"));
  expect(world.server.streamErrors().length).toBeGreaterThan(0);
});
