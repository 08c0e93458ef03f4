// Streams that break and go on (XEP-0198): nothing is lost, nothing comes twice.
import { chat, fails, makeWorld, quiet, until, type World } from './stream-world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { legacyCodec } from '../../src/session/codec/legacy';
import { NS } from '../../src/xml/ns';
import { nodeIn } from './server';
import { SmPage } from './sm-page';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function begun(world: World): Promise<SmPage> {
  const page = new SmPage();
  await page.begin(world.connect());
  await until(() => world.state() === 'ready', 'publishing');
  return page;
}

async function resumed(world: World, page: SmPage): Promise<void> {
  await page.resume(world.connect());
  expect(page.isResumeRefused).toBe(false);
}

/** Everybody asks for the numbers; both sides must agree in the end. */
async function settled(world: World, page: SmPage): Promise<void> {
  await quiet();
  page.ask();
  world.server.push(`<r xmlns='${NS.sm}'/>`);
  await quiet();
  expect([...page.complaints, ...world.server.complaints]).toEqual([]);
  expect([page.unacked, world.server.unacked]).toEqual([[], []]);
}

/** Texts of the messages on the wire, as the contact reads them. */
async function delivered(world: World): Promise<unknown[]> {
  const outcomes = await Promise.all(world.server.messages.map((frame) => world.read(frame)));
  return outcomes.map((outcome) => (outcome.kind === 'text' ? outcome.text : outcome.kind));
}

describe('a stream that is resumed', () => {
  it('counts ours, refused and swallowed stanzas on the right side', async () => {
    const world = await makeWorld();
    const page = await begun(world);
    page.send(chat('1', 'one'));
    page.send(chat('2', 'to nobody', 'nobody@example.net'));
    page.send(chat('3', 'three'));
    world.server.send(chat('4', 'hello').replace('to=', "from='romeo@example.net' to="));
    await until(() => world.server.messages.length === 2, 'sending');
    await settled(world, page);
    page.connection.drop();
    await resumed(world, page);
    page.send(chat('5', 'five'));
    await until(() => world.server.messages.length === 3, 'sending');
    await settled(world, page);
    expect(await delivered(world)).toEqual(['one', 'three', 'five']);
    expect(page.received.filter((text) => text.includes('<error'))).toHaveLength(1);
    expect(page.received.filter((text) => text.includes('hello'))).toHaveLength(1);
  });

  it('sends again what was waiting for keys as the network broke', async () => {
    const world = await makeWorld();
    const page = await begun(world);
    const isOfRomeo = (iq: Element) => nodeIn(iq) === legacyCodec.bundleNode(world.romeo.deviceId);
    world.server.script = (iq) => (isOfRomeo(iq) ? 'silent' : undefined);
    page.send(chat('1', 'secret'));
    await until(() => world.server.iqs.some(isOfRomeo), 'fetching');
    page.connection.drop();
    await quiet();
    world.server.script = () => undefined;
    // Past the time in which a failed bundle is not asked for again.
    world.juliet.clock.now += 120_000;
    await resumed(world, page);
    await until(() => world.server.messages.length > 0, 'sending again');
    await settled(world, page);
    expect(await delivered(world)).toEqual(['secret']);
    expect(page.received.some((text) => text.includes('<error'))).toBe(false);
  });

  it('sends the same bytes again where the session itself is gone (I-31)', async () => {
    const world = await makeWorld();
    const page = await begun(world);
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length === 1, 'sending');
    page.connection.drop();
    await world.vault.client.request('smDrop', { id: 'sm-1' });
    await page.resume(world.connect());
    expect(page.isResumeRefused).toBe(true);
    await page.connection.bind();
    await page.enable();
    await until(() => world.server.messages.length === 2, 'sending again');
    const [first, second] = world.server.messages;
    expect(second).toBe(first);
    await settled(world, page);
  });

  it('is not resumed with numbers that could not be stored', async () => {
    const world = await makeWorld();
    const page = await begun(world);
    world.vault.faults.set('smSave', fails('storage'));
    page.send(chat('1', 'to nobody', 'nobody@example.net'));
    await until(() => page.connection.errorFor('1') !== undefined, 'a refusal');
    page.connection.drop();
    world.vault.faults.clear();
    await page.resume(world.connect());
    expect(page.isResumeRefused).toBe(true);
    expect(world.server.got.some((text) => text.startsWith('<resume'))).toBe(false);
  });

  it('hands on the history the page had asked for as the network broke', async () => {
    const world = await makeWorld();
    const page = await begun(world);
    const result = (id: string) =>
      `<message xmlns='jabber:client' to='juliet@example.org/r1'><result xmlns='urn:xmpp:mam:2' queryid='q' id='${id}'><forwarded xmlns='urn:xmpp:forward:0'>` +
      `<message xmlns='jabber:client' from='romeo@example.net/x' to='juliet@example.org' type='chat'><body>line ${id}</body></message></forwarded></result></message>`;
    page.send(
      `<iq xmlns='jabber:client' type='set' id='h'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>`,
    );
    await until(() => world.server.got.some((text) => text.includes('queryid')), 'asking');
    world.server.send(result('1'));
    await until(() => page.received.some((text) => text.includes('line 1')), 'receiving');
    page.connection.drop();
    world.server.send(result('2'));
    await resumed(world, page);
    await until(() => page.received.some((text) => text.includes('line 2')), 'receiving');
    await settled(world, page);

    // A new session of the same document has asked nothing.
    page.connection.drop();
    await page.begin(world.connect());
    world.server.send(result('3'));
    await quiet();
    expect(page.received.some((text) => text.includes('line 3'))).toBe(false);
  });

  it('does not take ours for the page’s after the page was busy for seconds', async () => {
    const world = await makeWorld();
    const page = await begun(world);
    await settled(world, page);
    world.server.script = () => 'silent';
    page.connection.setBusy(true);
    page.send(chat('1', 'secret'));
    await until(() => world.vault.asked('prepare').length > 0, 'preparing');
    await quiet();
    world.server.push(`<r xmlns='${NS.sm}'/>`);
    await quiet();
    await vi.advanceTimersByTimeAsync(3000);
    const before = world.server.handled;
    page.connection.setBusy(false);
    await until(() => world.server.handled > before, 'asking for the list');
    world.server.push(`<a xmlns='${NS.sm}' h='${world.server.handled}'/>`);
    await quiet();
    expect(page.complaints).toEqual([]);
    expect(page.unacked).toEqual([chat('1', 'secret')]);
  });
});
