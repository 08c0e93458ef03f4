// Web clients as others made them, each on a protected site, against one real OMEMO client: python3-oldmemo with slixmpp. Beside
// it the same page chats unencrypted under a name the extension is not allowed on, for what its console says without us.
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXTENSION, startBrowser } from '../support/browser';
import type { TestBrowser } from '../support/chromium';
import { startProsody } from '../support/prosody';
import type { TestServer } from '../support/server';
import { encryptedMessages } from '../support/stanzas';
import { until } from '../support/wait';
import { countsOf, framesAtServer, framesOf, isBalanced } from '../support/web-clients/frames';
import { CLIENTS } from '../support/web-clients/kinds';
import {
  answer,
  exchange,
  shows,
  showsAll,
  startPlainPartner,
  write,
  type Chat,
  type Partner,
} from '../support/web-clients/partner';
import { PASSWORD, startClientWorld, type ClientWorld } from '../support/web-clients/visitor';
import { startPeer, type Peer } from './peer';

/** How long the network is away. */
const AWAY_MS = 10_000;
/** So often a text more is sent until the client asks what has arrived: some do so after every fifth stanza. */
const MORE_TEXTS = 6;

const nameOf = (what: string, kind: { name: string }) =>
  `${what}-${kind.name.toLowerCase().replace(/[^a-z]/g, '')}`;

let server: TestServer;
let browser: TestBrowser;
let romeo: Peer;
let paris: Partner & { stop(): Promise<void> };

beforeAll(async () => {
  server = await startProsody();
  const ours = CLIENTS.map((kind) => nameOf('alice', kind));
  const plain = CLIENTS.map((kind) => nameOf('plain', kind));
  for (const name of ['romeo', 'paris', ...ours, ...plain]) server.addAccount(name, PASSWORD);
  server.befriend('romeo', ...ours);
  server.befriend('paris', ...plain);
  browser = await startBrowser({ extension: EXTENSION, isGranted: true });
  romeo = await startPeer('bot', server, { name: 'romeo', password: PASSWORD });
  const jid = server.jid('paris');
  paris = await startPlainPartner({ port: server.ports.xmpp, jid, password: PASSWORD });
});
afterAll(async () => {
  await paris?.stop();
  await romeo?.stop();
  await browser?.close();
  await server?.stop();
});

describe.each(CLIENTS)('$name over $transport', (kind) => {
  let world: ClientWorld;
  let ours: Chat;
  let plain: Chat;
  let mark = 0;

  /** In both pages, one after the other: a person types in one window only. */
  const inBoth = async (act: (chat: Chat) => Promise<void>) => {
    for (const chat of [plain, ours]) {
      await chat.visitor.client.page.bringToFront();
      await act(chat);
    }
  };
  const atServer = () =>
    server.wire.records(mark).filter(({ jid }) => jid.startsWith(ours.visitor.jid));

  beforeAll(async () => {
    mark = server.wire.mark();
    world = await startClientWorld(kind, { server, browser });
    const open = async (what: string, partner: Partner, isProtected: boolean): Promise<Chat> => {
      const input = { name: nameOf(what, kind), contact: partner.jid, isProtected };
      return { visitor: await world.visit(input), partner, said: [] };
    };
    plain = await open('plain', paris, false);
    ours = await open('alice', romeo, true);
  });
  afterAll(async () => {
    await ours?.visitor.client.page.close();
    await plain?.visitor.client.page.close();
    await world?.stop();
  });

  it('chats both ways with a real OMEMO client', async () => {
    await inBoth(async (chat) => {
      for (const label of ['first', 'with 5 < 6 & "quotes"', 'Grüße, 日本語, 👩‍💻🦊'])
        await exchange(chat, label);
      await showsAll(chat);
    });
  });

  it('goes on after a reload', async () => {
    await inBoth(async (chat) => {
      const { client } = chat.visitor;
      await client.page.reload();
      await client.ready();
      await exchange(chat, 'after the reload');
      await showsAll(chat);
    });
  });

  it('goes on after ten seconds without network (I-28)', async () => {
    const chats = [plain, ours];
    if (kind.resumes) await inBoth((chat) => write(chat, 'under way when cut'));
    world.proxy.cut();
    // Over BOSH clients try again and again, and may not even say so.
    if (kind.transport === 'websocket')
      await Promise.all(chats.map(({ visitor }) => visitor.client.disconnected()));
    for (const chat of chats) await answer(chat, 'while the page was away');
    await pause(AWAY_MS);
    world.proxy.mend();
    await Promise.all(chats.map(({ visitor }) => visitor.client.ready()));
    await inBoth(async (chat) => {
      const { visitor, partner } = chat;
      await shows(chat, 'while the page was away');
      if (kind.resumes) await partner.receives(visitor.jid, 'under way when cut');
      await exchange(chat, 'after the cut');
      await showsAll(chat);
    });
    // Each text once and in order, and each encrypted.
    const wanted = ours.said.filter(({ direction }) => direction === 'sent');
    const got = romeo.messages.filter(({ sender }) => sender === ours.visitor.jid);
    expect(got.map(({ text }) => text)).toEqual(wanted.map(({ text }) => text));
    expect(got.filter(({ encrypted }) => !encrypted)).toEqual([]);
  });

  // strophe.js has no stream management, and nothing to count.
  if (kind.resumes)
    it('has the same counts on both sides of the extension (I-24, I-25)', async () => {
      const { client } = ours.visitor;
      const views = async () => ({
        page: countsOf(await framesOf(client.page)),
        server: countsOf(framesAtServer(atServer())),
      });
      const areEqual = async () => Object.values(await views()).every(isBalanced);
      const isSettled = () =>
        until('equal counts', areEqual, { timeoutMs: 2000 }).catch(() => false);
      for (let count = 1; !(await isSettled()) && count <= MORE_TEXTS; count += 1)
        await write(ours, `one more to count ${count}`);
      const { page, server: other } = await views();
      expect({ page, server: other }).toEqual({
        page: { ...page, acknowledged: page.sent, confirmed: page.received },
        server: { ...other, acknowledged: other.sent, confirmed: other.received },
      });
      expect(page.sent).toBeGreaterThan(3);
    });

  it('logs out, and nothing was seen that should not be', async () => {
    await inBoth(({ visitor }) => visitor.client.logOut());
    const isUsual = (line: string) =>
      plain.visitor.complaints.includes(line) || (kind.usual?.test(line) ?? false);
    expect(ours.visitor.complaints.filter((line) => !isUsual(line))).toEqual([]);
    expect(server.streamErrors()).toEqual([]);
    expect(romeo.failures).toEqual([]);
    const records = atServer();
    const leaks = ours.said.flatMap(({ text }) => server.leaks(text, mark));
    expect(leaks.filter(({ jid }) => jid.startsWith(ours.visitor.jid))).toEqual([]);
    // The texts can be seen where nobody encrypts.
    expect(leaks.length).toBeGreaterThan(0);
    expect(encryptedMessages(records).length).toBeGreaterThanOrEqual(ours.said.length);
    expect(new Set(records.map(({ via }) => via))).toEqual(new Set([kind.transport]));
  });
});
