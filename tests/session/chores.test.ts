import { connected, JULIET, LEGACY, LIST_NODE, ROMEO } from './pep-world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VaultError } from '../../src/rpc/errors';
import { Chores } from '../../src/session/chores';
import { legacyCodec } from '../../src/session/codec/legacy';
import { Devices } from '../../src/session/devices';
import { childOf, childrenOf, parseFrame, serialise } from '../../src/xml/element';
import { bundle, ScriptedVault, type Answers } from './scripted-vault';
import { nodeIn, verbIn } from './server';

let warn: ReturnType<typeof vi.spyOn>;
beforeEach(() => {
  vi.useFakeTimers();
  warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const EMPTY = { kind: 'send-empty', jid: ROMEO, deviceId: 5, version: LEGACY } as const;
const RESET = { kind: 'reset-session', jid: ROMEO, deviceId: 5, version: LEGACY } as const;
const PUBLISH = { kind: 'publish-bundle', version: LEGACY } as const;
const REFRESH = { kind: 'refresh-list', jid: ROMEO, version: LEGACY } as const;

function setUp(answers: Answers = {}) {
  const { server, iqs } = connected();
  const vault = new ScriptedVault({
    ownBundle: () => ({ deviceId: 7, bundle: bundle() }),
    encryptEmpty: () => ({
      kind: 'encrypted',
      skipped: [],
      messages: [
        {
          version: LEGACY,
          senderDeviceId: 7,
          iv: new Uint8Array(12),
          keys: [{ deviceId: 5, bytes: new Uint8Array(40), isKeyExchange: false }],
        },
      ],
    }),
    ...answers,
  });
  const sent: { id: string; text: string }[] = [];
  const chores = new Chores(vault.client, iqs, (id, text) => void sent.push({ id, text }));
  const begin = () => chores.begin(JULIET, new Devices(iqs, vault.client, JULIET, () => undefined));
  return { server, vault, sent, chores, begin };
}

const now = () => vi.advanceTimersByTimeAsync(0);

describe('a chore', () => {
  it('answers a key exchange with an empty message for that device', async () => {
    const { sent, vault, chores, begin } = setUp();
    begin();
    chores.add([EMPTY]);
    await now();
    const [{ id = '', text = '' } = {}] = sent;
    const stanza = parseFrame(text);
    expect([stanza.getAttribute('to'), stanza.getAttribute('id')]).toEqual([ROMEO, id]);
    expect(childrenOf(stanza).map(({ localName }) => localName)).toEqual(['encrypted', 'store']);
    const element = childOf(stanza, 'encrypted', LEGACY);
    const keys = element === undefined ? [] : legacyCodec.readMessage(element).keys;
    expect(keys.map(({ deviceId }) => deviceId)).toEqual([5]);
    expect(vault.asked('encryptEmpty')).toEqual([
      { jid: JULIET, peer: ROMEO, deviceId: 5, version: LEGACY, requestId: id },
    ]);
  });

  it('begins a session anew from a bundle just fetched', async () => {
    const { server, sent, vault, chores, begin } = setUp();
    server.put(ROMEO, legacyCodec.bundleNode(5), serialise(legacyCodec.writeBundle(bundle())));
    begin();
    chores.add([RESET]);
    await now();
    expect(vault.calls.map(({ name }) => name)).toEqual(['bundleSeen', 'encryptEmpty']);
    expect(sent).toHaveLength(1);
  });

  it('sends nothing where the vault refuses', async () => {
    const refused = { kind: 'refused', code: 'bundles-unavailable' } as const;
    const { sent, chores, begin } = setUp({ encryptEmpty: () => refused });
    begin();
    chores.add([EMPTY]);
    await now();
    expect(sent).toEqual([]);
  });

  it('publishes once for a whole page of history', async () => {
    const { server, chores, begin } = setUp();
    const publications = () => server.iqs.filter((iq) => verbIn(iq) === 'publish').map(nodeIn);
    begin();
    for (let n = 0; n < 50; n++) {
      chores.add([PUBLISH]);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(server.got).toEqual([]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(publications()).toEqual([legacyCodec.bundleNode(7)]);
    chores.add([PUBLISH]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(publications()).toHaveLength(1);
  });

  it('looks at a list', async () => {
    const { server, vault, chores, begin } = setUp();
    server.put(ROMEO, LIST_NODE, `<list xmlns='${LEGACY}'><device id='5'/></list>`);
    begin();
    chores.add([REFRESH]);
    await now();
    expect(vault.asked('listSeen')).toMatchObject([{ owner: ROMEO, list: { value: [5] } }]);
  });

  it('that fails holds up no other and is heard of by a code', async () => {
    const storage = () => Promise.reject(new VaultError('storage'));
    const { sent, chores, begin } = setUp({ listSeen: storage, ownBundle: storage });
    begin();
    chores.add([REFRESH, PUBLISH, EMPTY]);
    await vi.advanceTimersByTimeAsync(2000);
    expect(sent).toHaveLength(1);
    const said = warn.mock.calls.flat().join('\n');
    expect(said).toContain('refresh-list');
    expect(said).toContain('publish-bundle');
    expect(said).not.toContain('@');
  });

  it('of an account that is not granted is not done', async () => {
    const { server, vault, sent, chores } = setUp();
    chores.add([REFRESH, PUBLISH, EMPTY, RESET]);
    await chores.addDue();
    await vi.advanceTimersByTimeAsync(5000);
    expect([server.got, vault.calls, sent]).toEqual([[], [], []]);
  });
});

describe('chores', () => {
  it('that are due are asked of the vault', async () => {
    const { sent, vault, chores, begin } = setUp({ chores: () => [EMPTY] });
    begin();
    await chores.addDue();
    await now();
    expect(vault.asked('chores')).toEqual([{ jid: JULIET }]);
    expect(sent).toHaveLength(1);
  });

  it('keep the bundle fresh in a page that stays open for days, until the stream ends', async () => {
    const { vault, chores, begin } = setUp();
    begin();
    begin();
    await vi.advanceTimersByTimeAsync(24 * 3600 * 1000 + 5000);
    expect(vault.asked('ownBundle')).toHaveLength(8);
    chores.add([PUBLISH]);
    chores.stop();
    await vi.advanceTimersByTimeAsync(24 * 3600 * 1000);
    expect(vault.asked('ownBundle')).toHaveLength(8);
    expect(vi.getTimerCount()).toBe(0);
  });
});
