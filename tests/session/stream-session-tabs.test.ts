// Several streams at once: each has its own account's device (I-42), and streams of one account, in one tab or several, have one
// device and one ratchet between them (I-43).
import {
  chat,
  Connection,
  ENDPOINT,
  JULIET,
  makeWorld,
  publishOn,
  ROMEO,
  until,
  type World,
} from './stream-world';
import { describe, expect, it, vi } from 'vitest';
import { findEncrypted } from '../../src/session/codec/codec';
import { composeEmpty } from '../../src/session/outbound';
import { UnsentMessages } from '../../src/session/unsent';
import { changeSite } from '../../src/vault/sites';
import { childOf, parseFrame, serialise, textOf } from '../../src/xml/element';
import { NS } from '../../src/xml/ns';
import { accountOf, jid, meet, ORIGIN, send } from '../vault/world';
import { Server } from './server';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

const TYBALT = jid('tybalt@example.org');

/** A document of its own: another tab, or another frame. */
function open({ vault }: World, s: number, server: Server): Connection {
  return new Connection(s, server, vault.client, {
    memory: new Map(),
    unsent: new UnsentMessages(),
  });
}

function senderOf(frame: string | undefined): number | undefined {
  const found = findEncrypted(parseFrame(frame ?? ''));
  const [only] = found === 'several' ? [] : found;
  return only?.codec.readMessage(only.element).senderDeviceId;
}

async function write(page: Connection, server: Server, id: string): Promise<string | undefined> {
  page.send(chat(id, `text ${id}`));
  const isIt = (text: string) => text.includes(`"${id}"`);
  await until(() => server.messages.some(isIt), `sending ${id}`);
  return server.messages.find(isIt);
}

describe('two accounts in one page', () => {
  it('have devices of their own, whichever stream writes first (I-42)', async () => {
    const world = await makeWorld();
    await changeSite(world.juliet.context, ORIGIN, (site) => ({
      ...site,
      accounts: [...site.accounts, { jid: TYBALT, endpoint: ENDPOINT, decision: 'granted' }],
    }));
    const other = new Server(TYBALT);
    await publishOn(other, world.romeo);
    const pages = [open(world, 1, world.server), open(world, 2, other)] as const;
    await Promise.all(pages.map((page) => page.bind()));
    const frames = [
      await write(pages[1], other, 'a'),
      await write(pages[0], world.server, 'b'),
      await write(pages[1], other, 'c'),
    ];
    const idOf = async (owner: typeof JULIET) =>
      (await accountOf({ ...world.juliet, scope: { origin: ORIGIN, jid: owner } })).deviceId;
    const [juliet, tybalt] = [await idOf(JULIET), await idOf(TYBALT)];
    expect(juliet).not.toBe(tybalt);
    expect(frames.map(senderOf)).toEqual([tybalt, juliet, tybalt]);
  });
});

describe('two tabs of one account', () => {
  it('read the same message, each with its text, and write in one session (I-43)', async () => {
    const world = await makeWorld();
    const other = new Server(JULIET);
    await publishOn(other, world.romeo);
    const servers = [world.server, other] as const;
    const first = open(world, 1, world.server);
    const second = open(world, 2, other);
    for (const tab of [first, second]) await tab.bind();
    await until(() => world.state(1) === 'ready' && world.state(2) === 'ready', 'publishing');
    await world.read((await write(first, world.server, 'a')) ?? '');
    await meet(world.romeo, world.juliet);

    const stanza = parseFrame(
      composeEmpty(JULIET, 'in', await send(world.romeo, JULIET, 'to both')),
    );
    stanza.setAttribute('from', `${ROMEO}/x`);
    // At the same moment, as a carbon does.
    servers.forEach((server) => server.send(serialise(stanza)));
    for (const tab of [first, second]) {
      await until(() => tab.seen.some((text) => text.includes('"in"')), 'the message');
      const shown = parseFrame(tab.seen.find((text) => text.includes('"in"')) ?? '');
      const body = childOf(shown, 'body', NS.client);
      expect(body && textOf(body)).toBe('to both');
    }

    const both = [write(first, world.server, 'b'), write(second, other, 'c')];
    for (const [index, frame] of (await Promise.all(both)).entries()) {
      const text = `text ${['b', 'c'][index]}`;
      expect(await world.read(frame ?? '')).toMatchObject({ kind: 'text', text });
    }
  });
});
