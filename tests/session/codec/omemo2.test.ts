import '../../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../../src/jid';
import type { Omemo2Message } from '../../../src/rpc/vault-api';
import { codecFor, type ReceivedMessage } from '../../../src/session/codec/codec';
import { readDeviceLabels } from '../../../src/session/codec/omemo2';
import { childrenOf, parseFrame, serialise } from '../../../src/xml/element';
import { fixture, fixturesOf, hex } from '../../support/fixtures';
import { base64, bytes, expectMalformed } from '../../support/records';

const V2 = 'urn:xmpp:omemo:2';
const codec = codecFor(V2);

const jid = (text: string): BareJid => bareJid(text) ?? expect.fail('a JID');
const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.org');

const MESSAGE: Omemo2Message = {
  version: V2,
  senderDeviceId: 31415,
  keys: [
    { jid: JULIET, deviceId: 1, bytes: bytes(60), isKeyExchange: true },
    { jid: ROMEO, deviceId: 1, bytes: bytes(50), isKeyExchange: false },
    { jid: JULIET, deviceId: 2147483647, bytes: bytes(40, 9), isKeyExchange: false },
  ],
  payload: bytes(48, 4),
};

describe('messages', () => {
  it('Q-1, Q-4, Q-17: are written by owner, without white space and without a false flag', () => {
    expect(serialise(codec.writeMessage(MESSAGE))).toBe(
      `<encrypted xmlns="${V2}"><header sid="31415">` +
        `<keys jid="juliet@example.org"><key kex="true" rid="1">${base64(bytes(60))}</key>` +
        `<key rid="2147483647">${base64(bytes(40, 9))}</key></keys>` +
        `<keys jid="romeo@example.org"><key rid="1">${base64(bytes(50))}</key></keys></header>` +
        `<payload>${base64(bytes(48, 4))}</payload></encrypted>`,
    );
  });

  it('are read back as they were written, with and without payload', () => {
    const { version, payload, keys, ...rest } = MESSAGE;
    const [a, b, c] = keys;
    if (a === undefined || b === undefined || c === undefined) throw new TypeError('three keys');
    const read = (message: Omemo2Message): ReceivedMessage =>
      codec.readMessage(parseFrame(serialise(codec.writeMessage(message))));
    expect(read(MESSAGE)).toEqual({ ...rest, keys: [a, c, b], payload });
    expect(read({ version, keys, ...rest })).toEqual({ ...rest, keys: [a, c, b] });
  });

  const encrypted = (inside: string): Element =>
    parseFrame(`<encrypted xmlns='${V2}'>${inside}</encrypted>`);
  const withKeys = (keys: string): Element =>
    encrypted(`<header sid='1'><keys jid='a@b'>${keys}</keys></header>`);

  it('are read in any order, with white space and unknown children', () => {
    const message = encrypted(`
      <payload>
        AAAA
        BBBB
      </payload><x xmlns='urn:x'><header sid='9'/></x>
      <header sid='1'>
        <iv>AAAA</iv><keys jid='a@b'> <key rid='5' kex='1'> AA\nAA </key><x/> </keys>
      </header>`);
    expect(codec.readMessage(message)).toEqual({
      senderDeviceId: 1,
      keys: [{ jid: 'a@b', deviceId: 5, bytes: new Uint8Array(3), isKeyExchange: true }],
      payload: Uint8Array.of(0, 0, 0, 4, 16, 65),
    });
  });

  it.each([
    ["kex='true'", true],
    ["kex='1'", true],
    ["kex=' TRUE '", true],
    ["kex='false'", false],
    ["kex='0'", false],
    ["kex=''", false],
    ["prekey='true'", false],
    ['', false],
  ])('Q-1: read the flag %s as %s', (flag, isKeyExchange) => {
    const { keys } = codec.readMessage(withKeys(`<key rid='1' ${flag}>AAAA</key>`));
    expect(keys.map((key) => key.isKeyExchange)).toEqual([isKeyExchange]);
  });

  it('without payload or with an empty one are empty messages', () => {
    const read = (payload: string) => codec.readMessage(encrypted(`<header sid='1'/>${payload}`));
    expect(read('')).toEqual({ senderDeviceId: 1, keys: [] });
    expect(read('<payload> </payload>')).toEqual({ senderDeviceId: 1, keys: [] });
  });

  it('leave out keys of an address that is none', () => {
    const message = encrypted(
      "<header sid='1'><keys jid='@'><key rid='1'>AAAA</key></keys><keys jid='a@b'><key rid='2'>AAAA</key></keys></header>",
    );
    expect(codec.readMessage(message).keys.map(({ deviceId }) => deviceId)).toEqual([2]);
  });

  it.each([
    ['no header', '<payload>AAAA</payload>'],
    ['two headers', "<header sid='1'/><header sid='2'/>"],
    ['no sid', '<header/>'],
    ['a sid of 0', "<header sid='0'/>"],
    ['a sid over 2^31-1', "<header sid='2147483648'/>"],
    ['a sid over uint32', "<header sid='4294967296'/>"],
    ['a negative sid', "<header sid='-1'/>"],
    ['a sid with white space', "<header sid=' 1'/>"],
    ['keys without owner', "<header sid='1'><keys><key rid='1'>AAAA</key></keys></header>"],
    ['a key without rid', "<header sid='1'><keys jid='a@b'><key>AAAA</key></keys></header>"],
    ['a rid of 0', "<header sid='1'><keys jid='a@b'><key rid='0'>AAAA</key></keys></header>"],
    [
      'a rid over 2^31-1',
      "<header sid='1'><keys jid='a@b'><key rid='2147483648'>AAAA</key></keys></header>",
    ],
    [
      'a rid that is no number',
      "<header sid='1'><keys jid='a@b'><key rid='0x1'>AAAA</key></keys></header>",
    ],
    [
      'a key that is no base64',
      "<header sid='1'><keys jid='a@b'><key rid='1'>A*</key></keys></header>",
    ],
    [
      'base64 of an impossible length',
      "<header sid='1'><keys jid='a@b'><key rid='1'>AAAAA</key></keys></header>",
    ],
    ['a payload that is no base64', "<header sid='1'/><payload>A*</payload>"],
    ['two payloads', "<header sid='1'/><payload>AAAA</payload><payload>AAAA</payload>"],
    [
      '3001 keys of one owner',
      `<header sid='1'><keys jid='a@b'>${"<key rid='1'>AAAA</key>".repeat(3001)}</keys></header>`,
    ],
    [
      '3001 keys of many owners',
      `<header sid='1'>${"<keys jid='a@b'><key rid='1'>AAAA</key></keys>".repeat(3001)}</header>`,
    ],
    [
      '3001 keys of nobody',
      `<header sid='1'><keys jid='@'>${"<key rid='1'>AAAA</key>".repeat(3001)}</keys></header>`,
    ],
  ])('are refused with %s', (_name, inside) => {
    expectMalformed(() => codec.readMessage(encrypted(inside)));
  });

  it.each([`<encrypted xmlns='eu.siacs.conversations.axolotl'/>`, `<header xmlns='${V2}'/>`])(
    'are refused as another element: %s',
    (xml) => {
      expectMalformed(() => codec.readMessage(parseFrame(xml)));
    },
  );

  it('are read with 3000 keys', () => {
    const half = `<keys jid='a@b'>${"<key rid='1'>AAAA</key>".repeat(1500)}</keys>`;
    const message = encrypted(`<header sid='1'>${half}${half}</header>`);
    expect(codec.readMessage(message).keys).toHaveLength(3000);
  });

  it('are refused with a payload over 512 KiB, and read with one of 512 KiB', () => {
    const read = (length: number) =>
      codec.readMessage(
        encrypted(`<header sid='1'/><payload>${base64(new Uint8Array(length))}</payload>`),
      );
    expect(read(512 * 1024).payload).toHaveLength(512 * 1024);
    expectMalformed(() => read(512 * 1024 + 1));
  });
});

describe('bundles', () => {
  it.each(fixturesOf('omemo2-bundle'))('are read: $name', ({ xml, expected }) => {
    const bundle = codec.readBundle(parseFrame(xml));
    const { source, kind, ...record } = expected;
    expect([typeof source, kind]).toEqual(['string', 'omemo2-bundle']);
    expect({
      identityKeyEd: hex(bundle.identityKeyEd ?? new Uint8Array()),
      signedPrekey: {
        id: bundle.signedPrekey.id,
        publicKey: hex(bundle.signedPrekey.publicKey),
        signature: hex(bundle.signedPrekey.signature),
      },
      oneTimePrekeys: bundle.oneTimePrekeys.map(({ id, publicKey }) => ({
        id,
        publicKey: hex(publicKey),
      })),
    }).toEqual(record);
  });

  it('are written as python-twomemo writes them', () => {
    const theirs = parseFrame(fixture('python-omemo/omemo2-bundle'));
    expect(serialise(codec.writeBundle(codec.readBundle(theirs)))).toBe(serialise(theirs));
  });

  it('Q-2: have no prekey 0, and of two with one id the first', () => {
    const again = fixture('converse/omemo2-bundle').replace("id='99'", "id='1'");
    const [only, ...others] = codec.readBundle(parseFrame(again)).oneTimePrekeys;
    const [first] = codec.readBundle(parseFrame(fixture('converse/omemo2-bundle'))).oneTimePrekeys;
    expect([only, others]).toEqual([first, []]);
  });

  const good = fixture('qxmpp/omemo2-bundle');
  const pk = `<pk id='9'>${base64(bytes(32))}</pk>`;
  it.each([
    ['no identity key', good.replace(/<ik>.*<\/ik>/, '')],
    ['two identity keys', good.replace(/(<ik>.*<\/ik>)/, '$1$1')],
    ['no signed prekey', good.replace(/<spk .*<\/spk>/, '')],
    ['no signature', good.replace(/<spks>.*<\/spks>/, '')],
    ['no prekeys element', good.replace(/<prekeys>.*<\/prekeys>/, '')],
    ['an identity key of 29 bytes', good.replace(/<ik>.{4}/, '<ik>')],
    [
      'an identity key of 33 bytes',
      good.replace(/<ik>.*<\/ik>/, `<ik>${base64(bytes(33, 5))}</ik>`),
    ],
    ['a short signature', good.replace(/<spks>.{4}/, '<spks>')],
    ['a signed prekey without id', good.replace(/<spk id='2'>/, '<spk>')],
    ['a short prekey', good.replace(/<pk id='1'>.{4}/, "<pk id='1'>")],
    ['a prekey without id', good.replace(/<pk id='1'>/, '<pk>')],
    ['201 prekeys', good.replace('</prekeys>', `${pk.repeat(199)}</prekeys>`)],
    ['more than 64 KiB', good.replace('</prekeys>', `</prekeys>${' '.repeat(64 * 1024)}`)],
    ['another element', `<devices xmlns='${V2}'/>`],
    ['another namespace', good.replace(V2, 'urn:xmpp:omemo:1')],
  ])('are refused with %s', (_name, xml) => {
    expect(xml).not.toBe(good);
    expectMalformed(() => codec.readBundle(parseFrame(xml)));
  });

  it('are read with 200 prekeys', () => {
    const xml = good.replace('</prekeys>', `${pk.repeat(198)}</prekeys>`);
    expect(codec.readBundle(parseFrame(xml)).oneTimePrekeys).toHaveLength(3);
  });

  it('are not written with a key of the wrong length', () => {
    const bundle = codec.readBundle(parseFrame(good));
    expect(() => codec.writeBundle({ ...bundle, identityKeyEd: bytes(33) })).toThrow(
      'publicKey: want 32 bytes, got 33',
    );
  });

  it('Q-5: stand in one node, each in the item of its device', () => {
    expect(codec.bundleNode(7)).toBe('urn:xmpp:omemo:2:bundles');
    expect(codec.bundleItem(7)).toBe('7');
  });
});

describe('device lists', () => {
  it.each(fixturesOf('omemo2-list'))('are read: $name', ({ xml, expected }) => {
    const list = parseFrame(xml);
    expect(codec.readDeviceList(list)).toEqual(expected['deviceIds']);
    const labels = readDeviceLabels(list).map(({ signature, ...label }) => ({
      ...label,
      signature: hex(signature),
    }));
    expect(labels).toEqual(expected['labels']);
  });

  it('leave out what is no id of a device', () => {
    const ids = ["id='1'", "id='1'", "id='0'", "id='2147483647'", "id='2147483648'", "id='-1'"];
    const devices = [...ids, "id='x'", ''].map((attribute) => `<device ${attribute}/>`);
    const foreign = "<device xmlns='urn:x' id='5'/>";
    const list = parseFrame(`<devices xmlns='${V2}'>${devices.join('')}${foreign}</devices>`);
    expect(codec.readDeviceList(list)).toEqual([1, 2147483647]);
  });

  it('Q-17: get our device without a label, and keep the others as they are', () => {
    const existing = parseFrame(
      `<devices xmlns='${V2}' xmlns:p='urn:p'>\n <device id='1' label='x' labelsig='AAAA' p:y='z'/>\n <device id='x'/><device id='5' label='old' labelsig='AAAA'/><device id='5'/></devices>`,
    );
    const list = parseFrame(serialise(codec.writeDeviceList(existing, 5)));
    expect(Array.from(list.childNodes)).toHaveLength(3);
    const [first, second, own] = childrenOf(list);
    expect([first?.getAttribute('label'), first?.getAttribute('labelsig')]).toEqual(['x', 'AAAA']);
    expect(first?.getAttributeNS('urn:p', 'y')).toBe('z');
    expect(second?.getAttribute('id')).toBe('x');
    expect(Array.from(own?.attributes ?? [], ({ value }) => value)).toContain('5');
    expect(own?.hasAttribute('label')).toBe(false);
  });

  it('are written first with our device alone', () => {
    expect(serialise(codec.writeDeviceList(undefined, 5))).toBe(
      `<devices xmlns="${V2}"><device id="5"/></devices>`,
    );
  });

  it('are refused as another element', () => {
    expectMalformed(() => codec.readDeviceList(parseFrame('<devices/>')));
    expectMalformed(() => codec.writeDeviceList(parseFrame(`<list xmlns='${V2}'/>`), 5));
    expectMalformed(() => readDeviceLabels(parseFrame('<devices/>')));
  });

  it('stand in their node', () => {
    expect(codec.listNode).toBe('urn:xmpp:omemo:2:devices');
  });

  const signature = base64(bytes(64));
  const labelled = (attributes: string) =>
    readDeviceLabels(parseFrame(`<devices xmlns='${V2}'><device ${attributes}/></devices>`));

  it('have labels of up to 53 code points', () => {
    const longest = '😀'.repeat(53);
    expect(labelled(`id='1' label='${longest}' labelsig='${signature}'`)).toEqual([
      { deviceId: 1, label: longest, signature: bytes(64) },
    ]);
  });

  it.each([
    ['54 code points', `id='1' label='${'a'.repeat(54)}' labelsig='${signature}'`],
    ['no signature', "id='1' label='a'"],
    ['a signature that is no base64', "id='1' label='a' labelsig='*'"],
    ['a short signature', `id='1' label='a' labelsig='${base64(bytes(63))}'`],
    ['no text', `id='1' label='' labelsig='${signature}'`],
    ['no device', `id='0' label='a' labelsig='${signature}'`],
  ])('ignore a label with %s', (_name, attributes) => {
    expect(labelled(attributes)).toEqual([]);
  });
});
