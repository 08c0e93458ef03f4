// A text that was being encrypted as the network broke, in a page that begins anew instead of resuming: it must not look sent.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { explainRefusal } from '../../src/rpc/reasons';
import { protect } from '../support/extension';
import { startWorld, type World } from '../support/people';
import { until } from '../support/wait';

let world: World;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'], resumes: false });
  await protect(world, world.person('alice'));
  await protect(world, world.person('bob'));
});
afterAll(() => world?.close());

it('shows as failed what never left when the connection broke, and sends it when it is written again', async () => {
  const alice = world.person('alice');
  const bob = world.person('bob');
  await alice.converse.openChat(bob.jid);
  await bob.converse.openChat(alice.jid);
  await alice.converse.send('before the cut');
  await bob.converse.shows(alice.jid, 'before the cut');

  const goOn = await alice.browser.haltWorker();
  try {
    await alice.converse.send('under way when cut');
    await alice.converse.shows(bob.jid, 'under way when cut');
    alice.proxy.cut();
    await alice.converse.disconnected();
  } finally {
    await goOn();
  }
  alice.proxy.mend();
  await alice.converse.connected();
  // In Firefox, Converse closes its chats when it logs in anew.
  await alice.converse.openChat(bob.jid);
  const sentence = explainRefusal('connection-lost');
  expect(await alice.converse.showsFailed(bob.jid, 'under way when cut', 60_000)).toContain(
    sentence,
  );
  const popup = await alice.popup();
  await until('the popup to say so', async () => (await popup.text()).includes(sentence));
  await popup.close();

  await alice.converse.page.bringToFront();
  await alice.converse.send('under way when cut');
  await bob.converse.shows(alice.jid, 'under way when cut');
  await until('the popup to have nothing to say', async () => {
    const view = await alice.popup();
    const text = await view.text();
    await view.close();
    return !text.includes(sentence);
  });
  const texts = (await bob.converse.messages(alice.jid)).map(({ text }) => text);
  expect(texts).toEqual(['before the cut', 'under way when cut']);
  for (const text of texts) expect(world.server.leaks(text)).toEqual([]);
  expect(world.server.streamErrors()).toEqual([]);
});
