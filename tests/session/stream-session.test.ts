import {
  chat,
  fails,
  gate,
  hangs,
  makeWorld,
  quiet,
  ready,
  ROMEO,
  until,
  untilLate,
  type World,
} from './stream-world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { legacyCodec } from '../../src/session/codec/legacy';
import type { ContentApi } from '../../src/rpc/vault-api';
import { VERSIONS } from '../../src/rpc/versions';
import { withList } from '../../src/vault/devices';
import { changePeer } from '../vault/world';
import { nodeIn } from './server';

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

/** Nothing of the text was on the wire. */
function expectNoLeak({ server }: World, text = 'secret'): void {
  expect(server.got.join('\n')).not.toContain(text);
}

describe('a message of a ready stream', () => {
  it('reaches the contact encrypted', async () => {
    const world = await makeWorld();
    const page = await ready(world);
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length > 0, 'sending');
    expectNoLeak(world);
    expect(await world.read(world.server.messages[0] ?? '')).toMatchObject({ text: 'secret' });
    expect(page.errorFor('1')).toBeUndefined();
  });

  it('waits for the keys of the contact, and what the page sends after it waits too (I-4)', async () => {
    const world = await makeWorld();
    const page = await ready(world);
    const { server, romeo } = world;
    let answer = (): void => undefined;
    server.script = (iq) => {
      if (nodeIn(iq) !== legacyCodec.bundleNode(romeo.deviceId)) return undefined;
      answer = () => {
        server.script = () => undefined;
        server.receive(server.got.find((text) => text.includes(nodeIn(iq))) ?? '');
      };
      return 'silent';
    };
    page.send(chat('1', 'first'));
    page.send(chat('2', 'second'));
    page.send("<presence xmlns='jabber:client'/>");
    await quiet();
    expect([server.messages, server.got.some((text) => text.startsWith('<presence'))]).toEqual([
      [],
      false,
    ]);
    answer();
    await until(() => server.got.some((text) => text.startsWith('<presence')), 'presence');
    const texts = await Promise.all(server.messages.map((frame) => world.read(frame)));
    expect(texts).toMatchObject([{ text: 'first' }, { text: 'second' }]);
  });

  it('leaves in clear only where the user switched encryption off, byte for byte (I-3)', async () => {
    const world = await makeWorld();
    await changePeer(world.juliet, ROMEO, (peer) => ({ ...peer, encryption: 'off' }));
    const page = await ready(world);
    const plain = chat('1', 'hello').replace("id='1'", 'id = "1"');
    page.send(plain);
    page.send(chat('2', 'secret', 'mercutio@example.net'));
    await until(() => page.errorFor('2') !== undefined, 'a refusal');
    expect(world.server.messages).toEqual([plain]);
  });
});

describe('a message the vault cannot encrypt', () => {
  const ON_THE_WAY: readonly (keyof ContentApi)[] = [
    'attach',
    'ownBundle',
    'claimDeviceId',
    'listSeen',
    'bundleSeen',
    'prepare',
    'encrypt',
  ];
  const FAULTS = { fails: fails('storage'), 'is refused for a flood': fails('busy'), hangs };
  const cases = ON_THE_WAY.flatMap((name) =>
    Object.keys(FAULTS).map((fault) => [name, fault as keyof typeof FAULTS] as const),
  );

  it.each(cases)('does not leave where %s %s', async (name, fault) => {
    const world = await makeWorld();
    world.vault.faults.set(name, FAULTS[fault]);
    const page = world.connect();
    await page.bind();
    page.send(chat('1', 'secret'));
    await untilLate(() => page.errorFor('1') !== undefined || world.server.messages.length > 0);
    expectNoLeak(world);
    // Where the keys were published before, a failed look at our own does not matter.
    if (page.errorFor('1') === undefined) {
      expect(['ownBundle', 'claimDeviceId']).toContain(name);
      expect(await world.read(world.server.messages[0] ?? '')).toMatchObject({ text: 'secret' });
    }
  });

  it('holds also when the site is no longer protected while it waits', async () => {
    const world = await makeWorld();
    const page = await ready(world);
    const held = gate();
    world.vault.faults.set('encrypt', held.fault);
    page.send(chat('1', 'secret'));
    await until(() => world.vault.asked('encrypt').length > 0, 'encrypting');
    const { database } = world.juliet.context;
    const key = 'https://chat.example.org';
    const site = await database.get('sites', key);
    if (site === undefined) throw new Error('no site');
    await database.write([{ store: 'sites', key, value: { ...site, isProtected: false } }]);
    await page.session.wake();
    held.open();
    await until(() => page.errorFor('1') !== undefined, 'a refusal');
    page.send(chat('2', 'secret too'));
    await until(() => page.errorFor('2') !== undefined, 'a refusal');
    expectNoLeak(world);
    expect(world.server.got.filter((text) => text.startsWith('<close'))).toHaveLength(1);
  });

  it('does not hold up another stream of the page', async () => {
    const world = await makeWorld();
    const { server } = world;
    const first = await ready(world);
    const held = gate();
    world.vault.faults.set('encrypt', held.fault);
    first.send(chat('1', 'from the first'));
    await until(() => world.vault.asked('encrypt').length > 0, 'encrypting');
    world.vault.faults.clear();
    const toFirst = server.push;
    const second = await ready(world);
    second.send(chat('1', 'from the second'));
    await until(() => server.messages.length === 1, 'sending');
    expect(await world.read(server.messages[0] ?? '')).toMatchObject({ text: 'from the second' });
    server.push = toFirst;
    held.open();
    await until(() => server.messages.length === 2, 'sending');
    expect(await world.read(server.messages[1] ?? '')).toMatchObject({ text: 'from the first' });
    expectNoLeak(world, 'from the');
  });
});

describe('requests of ours', () => {
  it('are eight on the way at most, and what the server sends does not wait behind them (I-11)', async () => {
    const world = await makeWorld();
    const page = await ready(world);
    const others = Array.from({ length: 24 }, (_, index) => index + 100);
    world.server.script = () => 'silent';
    const before = world.server.iqs.length;
    // Bundles of two dozen devices are to be fetched for one message.
    await changePeer(world.juliet, ROMEO, (record) =>
      VERSIONS.reduce(
        (peer, version) =>
          withList(peer, version, { kind: 'present', value: others }, world.juliet.context.now()),
        record,
      ),
    );
    page.send(chat('1', 'secret'));
    await until(() => world.server.iqs.length === before + 8, 'requests');
    page.push("<iq xmlns='jabber:client' type='get' id='ping'><ping xmlns='urn:xmpp:ping'/></iq>");
    await until(() => page.seen.at(-1)?.includes('ping') === true, 'a ping');
    await quiet();
    expect(world.server.iqs).toHaveLength(before + 8);
  });
});

describe('a message of an account', () => {
  it('that is not known yet is refused', async () => {
    const world = await makeWorld();
    const page = world.connect();
    page.send(chat('1', 'secret'));
    await until(() => page.errorFor('1') !== undefined, 'a refusal');
    expect(page.errorFor('1')).toContain('not known yet');
    expectNoLeak(world);
  });

  it('that waits for the user is refused, and sent once the user has granted it', async () => {
    const world = await makeWorld({ decision: 'pending' });
    const page = world.connect();
    await page.bind();
    page.send(chat('1', 'secret'));
    await until(() => page.errorFor('1') !== undefined, 'a refusal');
    expect(page.errorFor('1')).toContain('waits for your confirmation');
    expect(world.state()).toBe('pending');
    await world.decide('granted');
    await page.session.wake();
    await until(() => world.state() === 'ready', 'publishing');
    page.send(chat('1', 'secret'));
    await until(() => world.server.messages.length > 0, 'sending');
    expectNoLeak(world);
  });

  it('that is being looked up waits for the answer', async () => {
    const world = await makeWorld();
    const held = gate();
    world.vault.faults.set('attach', held.fault);
    const page = world.connect();
    await page.bind();
    page.send(chat('1', 'secret'));
    await quiet();
    expect([world.server.messages, page.errorFor('1')]).toEqual([[], undefined]);
    held.open();
    await until(() => world.server.messages.length > 0, 'sending');
    expectNoLeak(world);
  });

  it('that the user left unprotected leaves as it is, also what nobody can read', async () => {
    const world = await makeWorld({ decision: 'ignored' });
    const page = world.connect();
    await page.bind();
    await until(() => world.state() === 'ignored', 'attaching');
    const frames = [chat('1', 'hello'), "<message to='a@b'><body>&nbsp;</body></message>"];
    frames.forEach((frame) => page.send(frame));
    await until(() => world.server.got.length === 3, 'sending');
    expect(world.server.got.slice(1)).toEqual(frames);
  });
});
