import { connected, JULIET, LEGACY, LIST_NODE, ROMEO } from './pep-world';
import { describe, expect, it } from 'vitest';
import { VaultError, type VaultErrorCode } from '../../src/rpc/errors';
import { legacyCodec } from '../../src/session/codec/legacy';
import { Devices } from '../../src/session/devices';
import { parseFrame, serialise } from '../../src/xml/element';
import { bundle, ScriptedVault, type Answers } from './scripted-vault';

const STANZAS = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
const NODE = legacyCodec.bundleNode(5);
const ADDRESS = { jid: ROMEO, deviceId: 5, version: LEGACY } as const;
const ROMEOS = { jid: ROMEO, version: LEGACY } as const;
const OURS = { jid: JULIET, version: LEGACY } as const;
const BUNDLE = serialise(legacyCodec.writeBundle(bundle()));
const list = (...ids: number[]) =>
  `<list xmlns='${LEGACY}'>${ids.map((id) => `<device id='${id}'/>`).join('')}</list>`;

function setUp(answers: Answers = {}) {
  const { server, iqs } = connected();
  const vault = new ScriptedVault(answers);
  const own: (readonly number[])[] = [];
  const devices = new Devices(iqs, vault.client, JULIET, (_version, ids) => void own.push(ids));
  return { server, vault, own, devices };
}

const reject = (code: VaultErrorCode) => () => Promise.reject(new VaultError(code));

describe('a device list', () => {
  it('is fetched from its owner and handed to the vault as it was answered', async () => {
    const { server, vault, own, devices } = setUp();
    server.put(ROMEO, LIST_NODE, list(5, 6));
    await devices.fetchList(ROMEOS);
    expect(server.iqs.map((iq) => iq.getAttribute('to'))).toEqual([ROMEO]);
    expect(vault.asked('listSeen')).toEqual([
      { jid: JULIET, owner: ROMEO, version: LEGACY, list: { kind: 'present', value: [5, 6] } },
    ]);
    expect(own).toEqual([]);
  });

  it('of our own is asked for without address, and looked at for our device', async () => {
    const { server, vault, own, devices } = setUp();
    await devices.fetchList(OURS);
    expect(server.iqs[0]?.hasAttribute('to')).toBe(false);
    expect(vault.asked('listSeen')).toEqual([
      { jid: JULIET, owner: JULIET, version: LEGACY, list: { kind: 'absent' } },
    ]);
    server.put(JULIET, LIST_NODE, list(5));
    await devices.fetchList(OURS);
    await devices.seen(OURS, { kind: 'present', value: parseFrame("<x xmlns='urn:x'/>") });
    expect(own).toEqual([[5]]);
  });

  it.each([
    ['hidden', `<error type='auth'><forbidden ${STANZAS}/></error>`],
    ['absent', `<error type='cancel'><item-not-found ${STANZAS}/></error>`],
    ['failed', `<error type='wait'><resource-constraint ${STANZAS}/></error>`],
    [
      'failed', // there, but not a list
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items><item><x xmlns='urn:x'/></item></items></pubsub>`,
    ],
  ])('that is %s is told as that', async (kind, payload) => {
    const { server, vault, devices } = setUp();
    server.script = () => payload;
    await devices.fetchList(ROMEOS);
    expect(vault.asked('listSeen')).toEqual([
      { jid: JULIET, owner: ROMEO, version: LEGACY, list: { kind } },
    ]);
  });

  it('the vault does not take is told as failed, so that it is not fetched again at once', async () => {
    const { server, vault, devices } = setUp({
      listSeen: ({ list: seen }) =>
        seen.kind === 'present' ? Promise.reject(new VaultError('limit')) : null,
    });
    server.put(ROMEO, LIST_NODE, list(5));
    await devices.fetchList(ROMEOS);
    expect(vault.asked('listSeen')).toMatchObject([{}, { list: { kind: 'failed' } }]);
  });

  it.each<VaultErrorCode>(['storage', 'disconnected', 'not-granted'])(
    'that cannot be handed on fails whoever waits for it: %s',
    async (code) => {
      const { server, devices } = setUp({ listSeen: reject(code) });
      server.put(ROMEO, LIST_NODE, list(5));
      await expect(devices.fetchList(ROMEOS)).rejects.toMatchObject({ code });
    },
  );

  it('several messages wait for is fetched once, and anew afterwards, also after a failure', async () => {
    let failures = 1;
    const { server, devices } = setUp({
      listSeen: () => (failures-- > 0 ? Promise.reject(new VaultError('storage')) : null),
    });
    server.put(ROMEO, LIST_NODE, list(5));
    const both = await Promise.allSettled([devices.fetchList(ROMEOS), devices.fetchList(ROMEOS)]);
    expect([both.map(({ status }) => status), server.got.length]).toEqual([
      ['rejected', 'rejected'],
      1,
    ]);
    await devices.fetchList(ROMEOS);
    await devices.fetchList(ROMEOS);
    expect(server.got).toHaveLength(3);
  });
});

describe('a bundle', () => {
  it('is fetched from its owner and handed to the vault', async () => {
    const { server, vault, devices } = setUp();
    server.put(ROMEO, NODE, BUNDLE);
    await devices.fetchBundle(ADDRESS);
    expect(vault.asked('bundleSeen')).toEqual([
      {
        jid: JULIET,
        owner: ROMEO,
        deviceId: 5,
        version: LEGACY,
        bundle: { kind: 'present', value: bundle() },
      },
    ]);
  });

  it.each([`<bundle xmlns='${LEGACY}'/>`, "<x xmlns='urn:x'/>", list(1)])(
    'that is none is told as failed: %s',
    async (xml) => {
      const { server, vault, devices } = setUp();
      server.put(ROMEO, NODE, xml);
      await devices.fetchBundle(ADDRESS);
      expect(vault.asked('bundleSeen')).toMatchObject([{ bundle: { kind: 'failed' } }]);
    },
  );

  it.each<VaultErrorCode>(['bad-bundle', 'limit', 'bad-request'])(
    'the vault refuses leaves its device out and fails nobody: %s (Q-6)',
    async (code) => {
      const { server, devices } = setUp({ bundleSeen: reject(code) });
      server.put(ROMEO, NODE, BUNDLE);
      await expect(devices.fetchBundle(ADDRESS)).resolves.toBeUndefined();
    },
  );

  it.each<VaultErrorCode>(['storage', 'timeout'])(
    'that cannot be handed on fails whoever waits for it: %s',
    async (code) => {
      const { server, devices } = setUp({ bundleSeen: reject(code) });
      server.put(ROMEO, NODE, BUNDLE);
      await expect(devices.fetchBundle(ADDRESS)).rejects.toMatchObject({ code });
    },
  );

  it('of several devices is fetched once for each of them', async () => {
    const { server, devices } = setUp();
    const fetch = (deviceId: number) => devices.fetchBundle({ ...ADDRESS, deviceId });
    await Promise.all([fetch(5), fetch(6), fetch(5)]);
    expect(server.got).toHaveLength(2);
  });
});
