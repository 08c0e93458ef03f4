import { chat, JULIET, makeWorld, quiet, until } from './stream-world';
import { describe, expect, it, vi } from 'vitest';
import { explainRefusal } from '../../src/rpc/reasons';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

const AUTHENTICATE = `<authenticate xmlns='urn:xmpp:sasl:2'/>`;

describe('a login with SASL2 (I-34, I-37)', () => {
  it('waits with requests of ours until a resource is bound (I-49)', async () => {
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

  it('that resumes goes on with the ids of before: late answers are not the page’s (I-47)', async () => {
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

const SASL = 'urn:ietf:params:xml:ns:xmpp-sasl';
const auth = (mechanism: string) => `<auth xmlns='${SASL}' mechanism='${mechanism}'>x</auth>`;

describe('an anonymous login', () => {
  it.each([
    ['SASL', auth('ANONYMOUS'), true],
    ['SASL2', `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='ANONYMOUS'/>`, false],
  ])('by %s publishes nothing, and its texts do not leave (I-41)', async (_name, login, binds) => {
    const world = await makeWorld();
    const page = world.connect();
    page.send(login);
    await until(() => world.state() === 'anonymous', 'noticing');
    if (binds) await page.bind();
    await quiet();
    page.send(chat('1', 'to a single person'));
    await until(() => page.errorFor('1') !== undefined, 'a refusal');
    expect(page.errorFor('1')).toContain(explainRefusal('anonymous'));
    await quiet();
    expect(world.vault.asked('attach')).toEqual([]);
    expect(world.server.iqs.filter((iq) => iq.getAttribute('id') !== 'bind')).toEqual([]);
    expect([...world.server.nodes.keys()].filter((name) => name.startsWith(JULIET))).toEqual([]);
  });

  it('that fails is followed by one with an account', async () => {
    const world = await makeWorld();
    const page = world.connect();
    page.send(auth('ANONYMOUS'));
    await until(() => world.state() === 'anonymous', 'noticing');
    page.push(`<failure xmlns='${SASL}'><not-authorized/></failure>`);
    page.send(auth('PLAIN'));
    await page.bind();
    await until(() => world.state() === 'ready', 'publishing');
  });
});

describe('a login with jabber:iq:auth (I-37)', () => {
  const legacy = (username: string, resource: string) =>
    `<iq xmlns='jabber:client' type='set' id='auth'><query xmlns='jabber:iq:auth'>` +
    `<username>${username}</username><password>x</password><resource>${resource}</resource></query></iq>`;
  const ROSTER = `<iq xmlns='jabber:client' type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>`;

  it('has the account that the server addresses', async () => {
    const world = await makeWorld();
    const page = world.connect();
    page.send(legacy('Juliet', 'Balcony'));
    await until(() => world.server.iqs.length > 0, 'the login');
    page.send(ROSTER);
    await until(() => world.state() === 'ready', 'publishing');
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length > 0, 'sending');
    expect(await world.read(world.server.messages[0] ?? '')).toMatchObject({ text: 'secret' });
  });

  it.each([
    ['another user', 'mercutio', 'Balcony', 'Balcony'],
    ['another resource', 'juliet', 'Balcony', 'balcony'],
  ])('has none that was only typed: %s (I-38)', async (_name, username, typed, addressed) => {
    const world = await makeWorld();
    const page = world.connect();
    page.send(legacy(username, typed));
    await until(() => world.server.iqs.length > 0, 'the login');
    page.push(
      `<iq xmlns='jabber:client' type='result' id='roster' to='${JULIET}/${addressed}'><query xmlns='jabber:iq:roster'/></iq>`,
    );
    await until(() => page.seen.some((text) => text.includes("'roster'")), 'the roster');
    await quiet();
    expect(world.vault.asked('attach')).toEqual([]);
  });
});
