import { connected, JULIET, LEGACY, LIST_NODE } from './pep-world';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { VaultError } from '../../src/rpc/errors';
import { legacyCodec } from '../../src/session/codec/legacy';
import { Devices } from '../../src/session/devices';
import { publishBundle, publishKeys, type Publisher } from '../../src/session/publish';
import { serialise } from '../../src/xml/element';
import { bundle, ScriptedVault, type Answers } from './scripted-vault';
import { nodeIn, verbIn, type Make, type Server } from './server';

beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));

const MINE = 7;
const BUNDLE_NODE = legacyCodec.bundleNode(MINE);
const BUNDLE = serialise(legacyCodec.writeBundle(bundle()));
const STANZAS = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
const NOT_FOUND = `<error type='cancel'><item-not-found ${STANZAS}/></error>`;
const list = (devices: string) => `<list xmlns="${LEGACY}">${devices}</list>`;
const device = (...ids: number[]) => ids.map((id) => `<device id="${id}"/>`).join('');

function setUp({
  make = 'prosody',
  claimed = MINE,
  answers = {},
}: { make?: Make; claimed?: number; answers?: Answers } = {}) {
  const { server, iqs } = connected(make);
  const vault = new ScriptedVault({
    claimDeviceId: () => ({ deviceId: claimed }),
    ownBundle: () => ({ deviceId: claimed, bundle: bundle() }),
    ...answers,
  });
  const devices = new Devices(iqs, vault.client, JULIET, () => undefined);
  const publisher: Publisher = { iqs, vault: vault.client, devices, jid: JULIET };
  return { server, vault, publisher };
}

/** Nodes in the order they were published. */
function published(server: Server): string[] {
  return server.iqs.filter((iq) => verbIn(iq) === 'publish').map(nodeIn);
}

function listOn(server: Server): string | undefined {
  return server.node(JULIET, LIST_NODE)?.items.get('current');
}

/** Does something once, right before the server answers such a request. */
function once(server: Server, verb: string, node: string, act: () => void): void {
  let isDone = false;
  server.script = (iq) => {
    if (isDone || verbIn(iq) !== verb || nodeIn(iq) !== node) return undefined;
    isDone = true;
    act();
    return undefined;
  };
}

/** Another client writes the list after we did, before we look at it. */
function overwrite(server: Server, xml: string): void {
  server.script = (iq) => {
    const isReadBack = verbIn(iq) === 'items' && nodeIn(iq) === LIST_NODE;
    if (isReadBack && published(server).includes(LIST_NODE)) server.put(JULIET, LIST_NODE, xml);
    return undefined;
  };
}

describe.each<Make>(['prosody', 'ejabberd'])('keys of a new account at %s', (make) => {
  it('are published bundle first, open, and read back (I-54, I-56)', async () => {
    const { server, vault, publisher } = setUp({ make });
    expect(await publishKeys(publisher)).toBe(true);
    expect(published(server)).toEqual([BUNDLE_NODE, LIST_NODE]);
    expect(server.node(JULIET, BUNDLE_NODE)).toEqual({
      access: 'open',
      maxItems: '1',
      items: new Map([['current', BUNDLE]]),
    });
    expect(server.node(JULIET, LIST_NODE)?.access).toBe('open');
    expect(listOn(server)).toBe(list(device(MINE)));
    expect(vault.asked('claimDeviceId')).toEqual([{ jid: JULIET, listed: [] }]);
    expect(vault.asked('published')).toEqual([{ jid: JULIET, deviceId: MINE }]);
  });

  it('open nodes that were closed, also where nothing else is to be written', async () => {
    for (const stored of [BUNDLE, serialise(legacyCodec.writeBundle(bundle(8)))]) {
      const { server, publisher } = setUp({ make });
      server.put(JULIET, LIST_NODE, list(device(MINE)), 'presence');
      server.put(JULIET, BUNDLE_NODE, stored, 'presence');
      expect(await publishKeys(publisher)).toBe(true);
      const access = [LIST_NODE, BUNDLE_NODE].map((node) => server.node(JULIET, node)?.access);
      expect(access).toEqual(['open', 'open']);
    }
  });

  it('are open also where the server takes no options with a publication', async () => {
    const { server, publisher } = setUp({ make });
    server.script = (iq) =>
      serialise(iq).includes('publish-options')
        ? `<error type='cancel'><feature-not-implemented ${STANZAS}/></error>`
        : undefined;
    expect(await publishKeys(publisher)).toBe(true);
    const access = [LIST_NODE, BUNDLE_NODE].map((node) => server.node(JULIET, node)?.access);
    expect(access).toEqual(['open', 'open']);
  });
});

describe('the device list', () => {
  it('keeps the entries of others as they are, with all they carry (I-55)', async () => {
    const { server, vault, publisher } = setUp();
    const others =
      '<device id="5" label="ph&amp;one" labelsig="AA=="/><device id="6" x:y="z" xmlns:x="urn:x"/>' +
      '<device id="no number"/>';
    server.put(JULIET, LIST_NODE, list(others));
    expect(await publishKeys(publisher)).toBe(true);
    expect(listOn(server)).toBe(list(others + device(MINE)));
    expect(vault.asked('claimDeviceId')).toEqual([{ jid: JULIET, listed: [5, 6] }]);
    expect(vault.asked('listSeen')).toMatchObject([{ owner: JULIET, list: { value: [5, 6] } }]);
  });

  it('that another device changed meanwhile keeps that device too', async () => {
    const { server, publisher } = setUp();
    server.put(JULIET, LIST_NODE, list(device(5)));
    const joined = list(device(5, 6));
    once(server, 'publish', BUNDLE_NODE, () => server.put(JULIET, LIST_NODE, joined));
    expect(await publishKeys(publisher)).toBe(true);
    expect(listOn(server)).toBe(list(device(5, 6, MINE)));
  });

  it('that another device joined right after us has us: that is enough', async () => {
    const { server, vault, publisher } = setUp();
    const joined = list(device(MINE, 6));
    overwrite(server, joined);
    expect(await publishKeys(publisher)).toBe(true);
    expect(vault.asked('published')).toHaveLength(1);
    expect(listOn(server)).toBe(joined);
  });

  it('that another device wrote over without us is not stored', async () => {
    const { server, vault, publisher } = setUp();
    overwrite(server, list(device(6)));
    expect(await publishKeys(publisher)).toBe(false);
    expect(vault.asked('published')).toEqual([]);
  });

  it.each([
    ['hidden', `<error type='auth'><forbidden ${STANZAS}/></error>`],
    ['failed', `<error type='wait'><internal-server-error ${STANZAS}/></error>`],
  ])('that is %s is not overwritten: the others’ entries are not known', async (_kind, error) => {
    const { server, vault, publisher } = setUp();
    server.put(JULIET, LIST_NODE, list(device(5)));
    server.script = (iq) => (nodeIn(iq) === LIST_NODE ? error : undefined);
    expect(await publishKeys(publisher)).toBe(false);
    expect([published(server), vault.calls]).toEqual([[], []]);
  });

  it('that cannot be read any more when it is to be written is not overwritten either', async () => {
    const { server, publisher } = setUp();
    server.put(JULIET, LIST_NODE, list(device(5)));
    once(server, 'publish', BUNDLE_NODE, () => {
      server.script = (iq) =>
        nodeIn(iq) === LIST_NODE ? `<error type='wait'><conflict ${STANZAS}/></error>` : undefined;
    });
    expect(await publishKeys(publisher)).toBe(false);
    expect(published(server)).toEqual([BUNDLE_NODE]);
  });

  it.each(["<x xmlns='urn:x'/>", "<list xmlns='urn:xmpp:omemo:1'><device id='5'/></list>"])(
    'that is none is replaced: %s',
    async (xml) => {
      const { server, publisher } = setUp();
      server.put(JULIET, LIST_NODE, xml);
      expect(await publishKeys(publisher)).toBe(true);
      expect(listOn(server)).toBe(list(device(MINE)));
    },
  );
});

describe('our bundle', () => {
  it('that stands there already is left alone, however the server writes it', async () => {
    const { server, publisher } = setUp();
    server.put(JULIET, LIST_NODE, list(device(5, MINE)));
    const inside = BUNDLE.replace(/^<bundle[^>]*>|<\/bundle>$/g, '');
    const prefixed = inside.replace(/<(\/?)(?=\w)/g, '<$1o:').replace(/></g, '>\n<');
    server.put(JULIET, BUNDLE_NODE, `<o:bundle xmlns:o='${LEGACY}'>${prefixed}</o:bundle>`);
    expect(await publishKeys(publisher)).toBe(true);
    expect(published(server)).toEqual([]);
  });

  it.each([
    ['lacks a prekey', BUNDLE.replace(/<preKeyPublic preKeyId="2">[^<]*<\/preKeyPublic>/, '')],
    ['has another key', serialise(legacyCodec.writeBundle(bundle(8)))],
    ['cannot be read', `<bundle xmlns='${LEGACY}'/>`],
  ])('that %s is written again', async (_name, stored) => {
    const { server, publisher } = setUp();
    server.put(JULIET, LIST_NODE, list(device(MINE)));
    server.put(JULIET, BUNDLE_NODE, stored);
    expect(stored).not.toBe(BUNDLE);
    expect(await publishKeys(publisher)).toBe(true);
    expect(server.node(JULIET, BUNDLE_NODE)?.items.get('current')).toBe(BUNDLE);
    expect(published(server)).toEqual([BUNDLE_NODE]);
  });

  it('that the server did not keep is not announced on the list', async () => {
    const { server, vault, publisher } = setUp();
    server.script = (iq) =>
      verbIn(iq) === 'publish' ? "<pubsub xmlns='http://jabber.org/protocol/pubsub'/>" : undefined;
    expect(await publishKeys(publisher)).toBe(false);
    expect(published(server)).toEqual([BUNDLE_NODE]);
    expect(vault.asked('published')).toEqual([]);
  });

  it('that a server did not keep is complained of, unless the stream ended meanwhile', async () => {
    const complaints = vi.spyOn(console, 'warn').mockClear();
    const refuse = setUp();
    refuse.server.script = (iq) => (verbIn(iq) === 'publish' ? NOT_FOUND : undefined);
    expect(await publishKeys(refuse.publisher)).toBe(false);
    expect(complaints.mock.calls).toEqual([['omnemo publish not-stored']]);
    complaints.mockClear();
    const leave = setUp();
    once(leave.server, 'publish', BUNDLE_NODE, () => leave.publisher.iqs.close());
    expect(await publishKeys(leave.publisher)).toBe(false);
    expect(published(leave.server)).toEqual([BUNDLE_NODE]);
    expect(complaints.mock.calls).toEqual([]);
  });

  it('is looked at twice: a server may lag behind its own answer', async () => {
    const { server, publisher } = setUp();
    let looks = 0;
    server.script = (iq) => {
      if (verbIn(iq) !== 'items' || nodeIn(iq) !== BUNDLE_NODE) return undefined;
      return ++looks === 2 ? NOT_FOUND : undefined;
    };
    expect(await publishBundle(publisher, LEGACY)).toBe(MINE);
    expect(looks).toBe(3);
  });

  it('stands under the id that was claimed', async () => {
    const { server, vault, publisher } = setUp({ claimed: 8 });
    server.put(JULIET, LIST_NODE, list(device(MINE)));
    expect(await publishKeys(publisher)).toBe(true);
    expect(published(server)).toEqual([legacyCodec.bundleNode(8), LIST_NODE]);
    expect(listOn(server)).toBe(list(device(MINE, 8)));
    expect(vault.asked('published')).toEqual([{ jid: JULIET, deviceId: 8 }]);
  });
});

describe('a vault that fails while keys are published', () => {
  it.each(['claimDeviceId', 'ownBundle', 'published'] as const)(
    'is heard of, and nothing is announced before: %s',
    async (name) => {
      const answers = { [name]: () => Promise.reject(new VaultError('storage')) };
      const { server, publisher } = setUp({ answers });
      await expect(publishKeys(publisher)).rejects.toMatchObject({ code: 'storage' });
      expect(published(server)).toEqual(name === 'published' ? [BUNDLE_NODE, LIST_NODE] : []);
    },
  );
});
