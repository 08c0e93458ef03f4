// A site that is let go leaves no device behind that contacts go on writing to (I-45).
import { JULIET, makeWorld, quiet, ready, until, type World } from './stream-world';
import { describe, expect, it, vi } from 'vitest';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import { codecFor } from '../../src/session/codec/codec';
import { changeSite } from '../../src/vault/sites';
import { childrenOf, parseFrame } from '../../src/xml/element';
import { ORIGIN } from '../vault/world';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

const LISTS = [codecFor(LEGACY).listNode, codecFor(OMEMO2).listNode] as const;

/** The user lets the site go, and its page is told. */
async function letGo(world: World, page: Awaited<ReturnType<typeof ready>>): Promise<void> {
  await changeSite(world.juliet.context, ORIGIN, (site) => ({ ...site, isProtected: false }));
  await page.session.wake();
  await until(() => page.injected.includes('end'), 'the end');
}

/** Names of our nodes on the server that hold anything. */
const nodesOf = ({ server }: World) =>
  [...server.nodes].flatMap(([name, { items }]) =>
    name.startsWith(JULIET) && items.size > 0 ? [name.slice(JULIET.length + 1)] : [],
  );

async function published(world: World) {
  const page = await ready(world);
  await until(() => nodesOf(world).length === 5, 'both versions and the count');
  await quiet();
  return page;
}

describe('a site that is let go', () => {
  it('leaves neither its device on the lists nor its bundles (I-45)', async () => {
    const world = await makeWorld();
    await letGo(world, await published(world));
    expect(nodesOf(world)).toEqual([]);
  });

  it('leaves the devices of others where they are', async () => {
    const world = await makeWorld();
    const page = await published(world);
    const other = [
      `<list xmlns='${LEGACY}'><device id='5'/>`,
      `<devices xmlns='${OMEMO2}'><device id='5' label='phone'/>`,
    ];
    const ours = `<device id='${world.juliet.deviceId}'/>`;
    const ends = [`${ours}</list>`, `${ours}</devices>`];
    LISTS.forEach((node, index) => world.server.put(JULIET, node, `${other[index]}${ends[index]}`));
    await letGo(world, page);
    expect(nodesOf(world).slice(0, 2).toSorted()).toEqual([...LISTS].toSorted());
    const left = LISTS.map((node) => [...(world.server.node(JULIET, node)?.items.values() ?? [])]);
    const ids = left.map(([xml = '']) =>
      childrenOf(parseFrame(xml)).map((device) => device.getAttribute('id')),
    );
    expect(ids).toEqual([['5'], ['5']]);
    expect(left.join()).toContain('phone');
  });

  it('touches no list it could not read', async () => {
    const world = await makeWorld();
    const page = await published(world);
    const before = nodesOf(world);
    world.server.script = (iq) =>
      iq.getAttribute('type') === 'get'
        ? "<error type='wait'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
        : undefined;
    await letGo(world, page);
    // The count of log-ins is this device's alone.
    const kept = before.filter((name) => !name.startsWith('urn:uuid:'));
    expect(nodesOf(world)).toEqual(kept);
  });

  it('does not wait for a server that does not answer', async () => {
    const world = await makeWorld();
    const page = await published(world);
    world.server.script = () => 'silent';
    await changeSite(world.juliet.context, ORIGIN, (site) => ({ ...site, isProtected: false }));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const woken = page.session.wake();
    const { length } = page.injected;
    await until(() => page.injected.length > length, 'asking');
    await vi.advanceTimersByTimeAsync(3000);
    await until(() => page.injected.includes('end'), 'the end');
    await woken;
    vi.useRealTimers();
    expect(world.server.got.at(-1)).toContain('<close');
  });
});
