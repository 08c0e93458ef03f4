// Streams that end over numbers: the next one of the site does without stream management, once and for all to see (I-36, I-123).
import { chat, makeWorld, quiet, ready, until, type Connection, type World } from './stream-world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { siteView } from '../../src/vault/views';
import { ORIGIN } from '../vault/world';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));
afterEach(() => vi.restoreAllMocks());

const SM = 'urn:xmpp:sm:3';
const ENABLE = `<enable xmlns='${SM}' resume='true'/>`;
const FEATURES = `<stream:features xmlns:stream='http://etherx.jabber.org/streams'><sm xmlns='${SM}'/><csi xmlns='urn:xmpp:csi:0'/></stream:features>`;
const streamError = (inner: string) =>
  `<stream:error xmlns:stream='http://etherx.jabber.org/streams'>${inner}</stream:error>`;
const WRONG = streamError(
  `<undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><handled-count-too-high xmlns='${SM}' h='9' send-count='1'/>`,
);
const CONFLICT = streamError(`<conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>`);

async function enabled(world: World): Promise<Connection> {
  const page = await ready(world);
  page.send(ENABLE);
  await until(() => page.seen.some((text) => text.includes('<enabled')), 'enabling');
  return page;
}

async function endWith(page: Connection, error: string): Promise<void> {
  page.push(error);
  await until(() => page.seen.includes(error), 'the error');
  await quiet();
  page.drop();
}

/** Is a new stream of the site offered stream management, and does it get it. */
async function isOffered(world: World): Promise<boolean> {
  const page = world.connect();
  page.push(FEATURES);
  await until(() => page.seen.length > 0, 'features');
  const isInFeatures = page.seen[0] === FEATURES;
  expect(page.seen[0]).toContain('urn:xmpp:csi:0');
  await page.bind();
  page.send(ENABLE);
  await until(() => page.seen.some((text) => /<(?:enabled|failed)/.test(text)), 'an answer');
  const isEnabled = page.seen.some((text) => text.includes('<enabled'));
  expect(isEnabled).toBe(isInFeatures);
  page.send(chat('after', 'still encrypted'));
  await until(() => world.server.messages.some((text) => text.includes('after')), 'sending');
  expect(world.server.messages.at(-1)).not.toContain('still encrypted');
  page.drop();
  return isEnabled;
}

const shown = async (world: World) =>
  (await siteView(world.juliet.context, ORIGIN, [])).withoutSmSince !== undefined;

describe('a site whose streams are counted', () => {
  it('is offered stream management, whatever else ends its streams', async () => {
    const world = await makeWorld();
    await endWith(await enabled(world), streamError(''));
    expect(await isOffered(world)).toBe(true);
    expect(await shown(world)).toBe(false);
  });

  it('does without after one wrong number, and the popup says so (I-36)', async () => {
    const world = await makeWorld();
    const page = await enabled(world);
    await endWith(page, WRONG);
    expect(await isOffered(world)).toBe(false);
    expect(await shown(world)).toBe(true);
    expect(world.vault.asked('smMiscounted')).toEqual([{ kind: 'count' }]);
  });

  it('does without when its page finds the server’s number wrong (I-36)', async () => {
    const world = await makeWorld();
    const page = await enabled(world);
    page.send(WRONG);
    await until(() => world.server.got.includes(WRONG), 'the error');
    page.drop();
    expect(await isOffered(world)).toBe(false);
  });

  it('does without after two conflicts, not after one (I-123)', async () => {
    const world = await makeWorld();
    await endWith(await enabled(world), CONFLICT);
    expect(await isOffered(world)).toBe(true);
    await endWith(await enabled(world), CONFLICT);
    expect(await isOffered(world)).toBe(false);
  });

  it('is not blamed for a stream that was not counted', async () => {
    const world = await makeWorld();
    await endWith(await ready(world), WRONG);
    expect(await isOffered(world)).toBe(true);
  });
});
