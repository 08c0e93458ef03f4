import '../support/dom';
import { describe, expect, it } from 'vitest';
import { VaultError, type VaultErrorCode } from '../../src/rpc/errors';
import { explainFailure } from '../../src/rpc/reasons';
import type { ContentApi, DecryptOutcome } from '../../src/rpc/vault-api';
import { receiveMessage } from '../../src/session/inbound-flow';
import type { InboundTools } from '../../src/session/inbound-open';
import { listEventIn } from '../../src/session/list-event';
import { Observations } from '../../src/session/observe';
import { childOf, childrenOf, parseFrame, textOf } from '../../src/xml/element';
import { jid } from '../vault/world';
import { ScriptedVault, type Answers } from './scripted-vault';

const L = 'eu.siacs.conversations.axolotl';
const OWN = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const TEXT: DecryptOutcome = {
  kind: 'text',
  text: 'hello',
  trust: 'trusted',
  chores: [{ kind: 'publish-bundle', version: L }],
};
const FAILED: DecryptOutcome = { kind: 'failed', code: 'bad-mac', chores: [] };

const PAYLOAD = '<payload>AAAA</payload>';
const encrypted = (payload: string, keys = "<key rid='7'>AAAA</key>") =>
  `<encrypted xmlns='${L}'><header sid='9'>${keys}<iv>AAAAAAAAAAAAAAAA</iv></header>${payload}</encrypted>`;
const message = (children: string, attributes = "from='romeo@example.net/x' type='chat' id='1'") =>
  `<message xmlns='jabber:client' ${attributes}>${children}</message>`;
const fails = (code: VaultErrorCode) => () => Promise.reject(new VaultError(code));

function setUp(answers: Answers = {}, more: Partial<InboundTools> = {}) {
  const vault = new ScriptedVault({ decrypt: () => TEXT, ...answers });
  const tools: InboundTools = {
    vault: vault.client,
    whyNoVault: 'account-pending',
    own: OWN,
    deviceId: 7,
    observations: new Observations(),
    ...more,
  };
  return { vault, tools, receive: (xml: string) => receiveMessage(tools, parseFrame(xml)) };
}

/** The body the page sees; undefined where there is none. */
function bodyOf(frame: string | undefined): string | undefined {
  if (frame === undefined) return undefined;
  const body = childOf(parseFrame(frame), 'body', 'jabber:client');
  return body && textOf(body);
}

describe('an encrypted message', () => {
  it('is handed to the vault with our keys only, and shown as what it said', async () => {
    const keys = "<key rid='6'>AAAA</key><key rid='7' prekey='true'>BBBB</key>";
    const { vault, receive } = setUp();
    const { frames, chores } = await receive(message(encrypted(PAYLOAD, keys)));
    expect(bodyOf(frames?.[0])).toBe('hello');
    expect(frames?.[0]).not.toContain('encrypted');
    expect(chores).toEqual(TEXT.chores);
    expect(vault.asked('decrypt')).toMatchObject([
      {
        jid: OWN,
        request: {
          peer: ROMEO,
          sender: ROMEO,
          senderDeviceId: 9,
          keys: [{ deviceId: 7, isKeyExchange: true }],
          isContact: false,
        },
      },
    ]);
  });

  it('tells whether its sender is in the roster', async () => {
    const { vault, tools, receive } = setUp();
    const roster = `<iq xmlns='jabber:client' type='result'><query xmlns='jabber:iq:roster'><item jid='${ROMEO}'/></query></iq>`;
    tools.observations.noteIncoming(parseFrame(roster), OWN);
    await receive(message(encrypted(PAYLOAD)));
    const arg = vault.asked('decrypt')[0] as ContentApi['decrypt']['arg'];
    expect(arg.request.isContact).toBe(true);
  });

  it.each([
    ['2026-01-05T10:00:00Z', Date.UTC(2026, 0, 5, 10)],
    ['1969-01-05T10:00:00Z', undefined],
    ['once', undefined],
  ])('tells when a server says it was sent: %s', async (stamp, at) => {
    const { vault, receive } = setUp();
    const delay = `<delay xmlns='urn:xmpp:delay' stamp='${stamp}'/>`;
    await receive(message(`${encrypted(PAYLOAD)}${delay}`));
    const arg = vault.asked('decrypt')[0] as ContentApi['decrypt']['arg'];
    expect(arg.request.at).toBe(at);
  });

  it('takes no more than a few of the keys under one id', async () => {
    const { vault, receive } = setUp();
    await receive(message(encrypted(PAYLOAD, "<key rid='7'>AAAA</key>".repeat(50))));
    const arg = vault.asked('decrypt')[0] as ContentApi['decrypt']['arg'];
    expect(arg.request.keys).toHaveLength(8);
  });

  it.each<[VaultErrorCode, Parameters<typeof explainFailure>[0]]>([
    ['storage', 'storage-failed'],
    ['timeout', 'vault-unavailable'],
    ['busy', 'vault-busy'],
    ['disconnected', 'vault-unavailable'],
    ['not-granted', 'account-pending'],
    ['bad-request', 'malformed'],
  ])('that the vault fails on with %s is explained: %s', async (code, reason) => {
    const { receive } = setUp({ decrypt: fails(code) });
    const { frames } = await receive(message(encrypted(PAYLOAD)));
    expect(bodyOf(frames?.[0])).toBe(explainFailure(reason));
  });

  it('that cannot be opened or read is explained', async () => {
    const { receive } = setUp({ decrypt: () => FAILED });
    const bad = `<encrypted xmlns='${L}'><header/></encrypted>`;
    const bodies = await Promise.all(
      [encrypted(PAYLOAD), bad, encrypted(PAYLOAD).repeat(2)].map(async (children) =>
        bodyOf((await receive(message(children))).frames?.[0]),
      ),
    );
    const malformed = explainFailure('malformed');
    expect(bodies).toEqual([explainFailure('bad-mac'), malformed, malformed]);
  });

  it.each(['account-pending', 'vault-unavailable'] as const)(
    'of an account without vault says why: %s',
    async (whyNoVault) => {
      const { receive } = setUp({}, { vault: undefined, whyNoVault });
      const { frames } = await receive(message(encrypted(PAYLOAD)));
      expect(bodyOf(frames?.[0])).toBe(explainFailure(whyNoVault));
    },
  );
});

describe('a message without payload', () => {
  it.each<[string, Answers]>([
    ['was empty', { decrypt: () => ({ kind: 'empty', chores: [] }) }],
    ['cannot be opened', { decrypt: () => FAILED }],
    ['fails for want of storage', { decrypt: fails('storage') }],
    ['is not answered in time', { decrypt: fails('timeout') }],
    ['comes after the extension is gone', { decrypt: fails('disconnected') }],
  ])('makes no bubble when it %s', async (_name, answers) => {
    const { receive } = setUp(answers);
    expect((await receive(message(encrypted('')))).frames).toEqual([]);
  });

  it('makes no bubble for an account without vault', async () => {
    const { receive } = setUp({}, { vault: undefined });
    expect((await receive(message(encrypted('')))).frames).toEqual([]);
  });
});

describe('a plain message', () => {
  const plain = (attributes?: string) => message('<body>hi</body>', attributes);

  it('of a chat in clear comes as it is', async () => {
    const { receive } = setUp({ plainSeen: () => ({ mark: false }) });
    expect((await receive(plain())).frames).toBeUndefined();
  });

  it.each<[string, Answers]>([
    ['is encrypted', { plainSeen: () => ({ mark: true }) }],
    // It is not encrypted: the remark is true in any chat.
    ['nobody can tell about', { plainSeen: fails('timeout') }],
  ])('of a chat that %s is marked', async (_name, answers) => {
    const { receive } = setUp(answers);
    expect(bodyOf((await receive(plain())).frames?.[0])).toBe('[not encrypted] hi');
  });

  it.each([
    ['', undefined],
    ["<delay xmlns='urn:xmpp:delay' stamp='2026-01-05T00:00:00Z'/>", Date.UTC(2026, 0, 5)],
  ])('is of the time that servers say, not of our clock (I-127): %s', async (delay, at) => {
    const { vault, receive } = setUp({ plainSeen: () => ({ mark: false }) });
    await receive(message(`<body>hi</body>${delay}`));
    expect(vault.asked('plainSeen')).toEqual([
      { jid: OWN, peer: ROMEO, ...(at !== undefined && { at }) },
    ]);
  });

  it('is not asked about where it shows no text', async () => {
    const { vault, receive } = setUp();
    const result = await receive(
      message("<composing xmlns='http://jabber.org/protocol/chatstates'/>"),
    );
    expect([result.frames, vault.calls]).toEqual([undefined, []]);
  });

  it.each(["type='groupchat' from='r@muc.example.org/n'", "type='headline' from='example.org'"])(
    'of another kind is not ours: %s',
    async (attributes) => {
      const { vault, receive } = setUp();
      const result = await receive(plain(attributes));
      expect([result.frames, vault.calls]).toEqual([undefined, []]);
    },
  );
});

describe('a message of ours that bounced', () => {
  const bounced = message(
    `${encrypted(PAYLOAD)}<body>fallback</body><error type='cancel'/>`,
    "from='romeo@example.net' type='error' id='1'",
  );

  it('brings back what the page wrote, from the archive of our own', async () => {
    const { vault, receive } = setUp();
    const { frames, chores } = await receive(bounced);
    expect(bodyOf(frames?.[0])).toBe('hello');
    expect(frames?.[0]).toContain('<error');
    expect(chores).toEqual([]);
    expect(vault.asked('decrypt')).toMatchObject([{ request: { sender: OWN, peer: ROMEO } }]);
  });

  it.each<[string, Answers]>([
    ['is not known', { decrypt: () => FAILED }],
    ['cannot be looked up', { decrypt: fails('timeout') }],
  ])('brings no text where that %s', async (_name, answers) => {
    const { receive } = setUp(answers);
    const { frames } = await receive(bounced);
    expect(bodyOf(frames?.[0])).toBeUndefined();
    expect(childrenOf(parseFrame(frames?.[0] ?? '')).map(({ localName }) => localName)).toEqual([
      'error',
    ]);
  });

  it('in clear comes as it is', async () => {
    const { vault, receive } = setUp();
    const xml = message("<body>x</body><error type='cancel'/>", "from='a@b' type='error'");
    expect([(await receive(xml)).frames, vault.calls]).toEqual([undefined, []]);
  });
});

describe('a wrapper', () => {
  const carbon = (from: string) =>
    `<message xmlns='jabber:client' from='${from}'><received xmlns='urn:xmpp:carbons:2'>` +
    `<forwarded xmlns='urn:xmpp:forward:0'>${message(encrypted(PAYLOAD))}</forwarded></received></message>`;

  it('of our own account is opened', async () => {
    const { vault, receive } = setUp();
    const { frames } = await receive(carbon(OWN));
    expect(frames?.[0]).toContain('hello');
    expect(vault.asked('decrypt')).toHaveLength(1);
  });

  it.each([ROMEO, `${OWN}/phone`, 'example.org'])(
    'of someone else is neither opened nor handed on (I-58): %s',
    async (from) => {
      const { vault, receive } = setUp();
      expect([(await receive(carbon(from))).frames, vault.calls]).toEqual([[], []]);
    },
  );
});

describe('an event of a device list (I-53)', () => {
  const LIST = `<list xmlns='${L}'><device id='1'/></list>`;
  const event = (items: string, attributes = `from='${ROMEO}' type='headline'`) =>
    parseFrame(
      `<message xmlns='jabber:client' ${attributes}><event xmlns='http://jabber.org/protocol/pubsub#event'>${items}</event></message>`,
    );
  const listed = (items: string, node = `${L}.devicelist`) =>
    `<items node='${node}'>${items}</items>`;
  const read = (stanza: Element) => listEventIn(stanza, OWN);

  it.each([
    [`from='${ROMEO}' type='headline'`, ROMEO],
    [`from='${ROMEO}'`, ROMEO],
    ["type='headline'", OWN],
    ["from='room@muc.example.org/nick' type='headline'", 'room@muc.example.org/nick'],
  ])('is read with the address it came from: %s', (attributes, from) => {
    const found = read(event(listed(`<item id='current'>${LIST}</item>`), attributes));
    expect(found).toMatchObject({ from, payload: { localName: 'list' } });
  });

  it('is that of the last item; a retraction brings none', () => {
    const items = `<item><x xmlns='urn:x'/></item><item>${LIST}</item>`;
    expect(read(event(listed(items)))?.payload?.localName).toBe('list');
    expect(read(event(listed("<retract id='current'/>")))).toEqual({
      from: ROMEO,
      version: L,
      payload: undefined,
    });
  });

  it.each(['delete', 'purge'])('brings none either where its node is gone: <%s/>', (name) => {
    // Only we have asked for it, so the page does not get it.
    expect(read(event(`<${name} node='${L}.devicelist'/>`))).toEqual({
      from: ROMEO,
      version: L,
      payload: undefined,
    });
  });

  it.each([
    ['a chat message', event(listed(''), `from='${ROMEO}' type='chat'`)],
    ['an error', event(listed(''), `from='${ROMEO}' type='error'`)],
    ['another node', event(listed('', 'urn:xmpp:avatar:metadata'))],
    ['a deletion of another node', event(`<delete node='urn:xmpp:avatar:metadata'/>`)],
    ['an IQ', parseFrame("<iq xmlns='jabber:client' type='result'/>")],
    // I-53: what is forwarded was written by whoever forwards it.
    [
      'something forwarded',
      parseFrame(
        `<message xmlns='jabber:client' from='${ROMEO}'><forwarded xmlns='urn:xmpp:forward:0'><message><event xmlns='http://jabber.org/protocol/pubsub#event'>${listed(LIST)}</event></message></forwarded></message>`,
      ),
    ],
  ])('is not %s', (_name, stanza) => {
    expect(read(stanza)).toBeUndefined();
  });
});
