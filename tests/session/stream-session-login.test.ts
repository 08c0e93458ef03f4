import { chat, JULIET, makeWorld, quiet, until } from './stream-world';
import { describe, expect, it, vi } from 'vitest';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

const AUTHENTICATE = `<authenticate xmlns='urn:xmpp:sasl:2'/>`;

describe('a login with SASL2', () => {
  it('waits with requests of ours until a resource is bound', async () => {
    const world = await makeWorld();
    world.server.hasBind2 = false;
    const page = world.connect();
    page.send(AUTHENTICATE);
    await until(() => page.seen.length > 0, 'authentication');
    await quiet();
    expect(world.server.iqs).toEqual([]);
    await page.bind();
    await until(() => world.state() === 'ready', 'publishing');
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length > 0, 'sending');
    expect(await world.read(world.server.messages[0] ?? '')).toMatchObject({ text: 'secret' });
  });

  it('with Bind 2 begins at once, and its inline session can be resumed after a reload', async () => {
    const world = await makeWorld();
    const first = world.connect();
    first.send(AUTHENTICATE);
    await until(() => world.state() === 'ready', 'publishing');
    first.drop();
    const second = world.connect();
    const resume = `<resume xmlns='urn:xmpp:sm:3' previd='sm-1' h='0'/>`;
    second.send(`<authenticate xmlns='urn:xmpp:sasl:2'>${resume}</authenticate>`);
    await until(() => second.seen.some((text) => text.includes('<resumed')), 'resuming');
    await until(() => world.state() === 'ready', 'publishing');
    expect(world.server.complaints).toEqual([]);
  });

  it('that resumes goes on with the ids of before: late answers are not the page’s', async () => {
    const world = await makeWorld();
    const first = world.connect();
    world.server.script = (iq) => (iq.getAttribute('id') === 'bind' ? undefined : 'silent');
    first.send(AUTHENTICATE);
    await until(() => world.server.iqs.length > 0, 'a request of ours');
    const [asked] = world.server.iqs;
    await until(() => world.vault.asked('smSave').length > 1, 'counting');
    await quiet();
    first.drop();
    const second = world.connect();
    const resume = `<resume xmlns='urn:xmpp:sm:3' previd='sm-1' h='0'/>`;
    second.send(`<authenticate xmlns='urn:xmpp:sasl:2'>${resume}</authenticate>`);
    await until(() => second.seen.some((text) => text.includes('<resumed')), 'resuming');
    await quiet();
    const id = asked?.getAttribute('id');
    world.server.send(`<iq xmlns='jabber:client' type='result' id='${id}' from='${JULIET}'/>`);
    await quiet();
    expect(second.seen.join()).not.toContain(id);
  });
});
