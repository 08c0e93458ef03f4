import '../../support/dom';
import { describe, expect, it } from 'vitest';
import { codecFor, findEncrypted, type ReceivedMessage } from '../../../src/session/codec/codec';
import type { WireMessage } from '../../../src/rpc/vault-api';
import { childrenOf, parseFrame, serialise } from '../../../src/xml/element';
import { fixture, fixturesOf, hex } from '../../support/fixtures';
import { bytes, expectMalformed, plainMessage } from '../../support/records';

const L = 'eu.siacs.conversations.axolotl';
const codec = codecFor(L);

const MESSAGE: WireMessage = {
  version: L,
  senderDeviceId: 31415,
  iv: bytes(12),
  keys: [
    { deviceId: 1, bytes: bytes(60), isKeyExchange: true },
    { deviceId: 4294967295, bytes: bytes(40, 9), isKeyExchange: false },
  ],
  payload: bytes(33, 4),
};

describe('legacy messages', () => {
  it.each(fixturesOf('message'))('reads $name', ({ xml, expected }) => {
    const found = findEncrypted(parseFrame(xml));
    const [first] = found;
    if (typeof first !== 'object') throw new Error('not found');
    const { source, kind, keptBeside, ...record } = expected;
    expect([source, kind, keptBeside].every((field) => field !== undefined)).toBe(true);
    expect(first.codec.version).toBe(L);
    expect(plainMessage(first.codec.readMessage(first.element))).toEqual(record);
  });

  it('writes keys, then the iv, then the payload, without white space', () => {
    expect(serialise(codec.writeMessage(MESSAGE))).toBe(
      `<encrypted xmlns="${L}"><header sid="31415">` +
        `<key prekey="true" rid="1">${btoa(String.fromCharCode(...bytes(60)))}</key>` +
        `<key rid="4294967295">${btoa(String.fromCharCode(...bytes(40, 9)))}</key>` +
        `<iv>AAECAwQFBgcICQoL</iv></header>` +
        `<payload>${btoa(String.fromCharCode(...bytes(33, 4)))}</payload></encrypted>`,
    );
  });

  it('reads back what it wrote, with and without payload', () => {
    const { version, payload, ...empty } = MESSAGE;
    const read = (message: WireMessage): ReceivedMessage =>
      codec.readMessage(parseFrame(serialise(codec.writeMessage(message))));
    expect(read(MESSAGE)).toEqual({ ...empty, payload });
    expect(read({ ...empty, version })).toEqual(empty);
  });

  const encrypted = (inside: string): Element =>
    parseFrame(`<encrypted xmlns='${L}'>${inside}</encrypted>`);

  it.each([
    ['no header', '<payload>AAAA</payload>'],
    ['two headers', "<header sid='1'/><header sid='2'/>"],
    ['no sid', '<header/>'],
    ['a sid over uint32', "<header sid='4294967296'/>"],
    ['a negative sid', "<header sid='-1'/>"],
    ['a key without rid', "<header sid='1'><key>AAAA</key></header>"],
    ['a rid that is no number', "<header sid='1'><key rid='0x1'>AAAA</key></header>"],
    ['a key that is no base64', "<header sid='1'><key rid='1'>A*</key></header>"],
    ['base64 of an impossible length', "<header sid='1'><key rid='1'>AAAAA</key></header>"],
    ['a payload without iv', "<header sid='1'/><payload>AAAA</payload>"],
    ['a payload with an empty iv', "<header sid='1'><iv/></header><payload>AAAA</payload>"],
    ['two payloads', "<header sid='1'><iv>AAAA</iv></header><payload/><payload/>"],
    ['two ivs', "<header sid='1'><iv>AAAA</iv><iv>AAAA</iv></header>"],
    ['3001 keys', `<header sid='1'>${"<key rid='1'>AAAA</key>".repeat(3001)}</header>`],
  ])('refuses %s', (_name, inside) => {
    expectMalformed(() => codec.readMessage(encrypted(inside)));
  });

  it('reads 3000 keys', () => {
    const header = `<header sid='1'>${"<key rid='1'>AAAA</key>".repeat(3000)}</header>`;
    expect(codec.readMessage(encrypted(header)).keys).toHaveLength(3000);
  });

  it('refuses a payload over 512 KiB', () => {
    const payload = 'A'.repeat(4 * Math.ceil((512 * 1024 + 1) / 3));
    expectMalformed(() =>
      codec.readMessage(
        encrypted(`<header sid='1'><iv>AAAA</iv></header><payload>${payload}</payload>`),
      ),
    );
  });
});

describe('legacy bundles', () => {
  it.each(fixturesOf('bundle'))('reads $name', ({ xml, expected }) => {
    const bundle = codec.readBundle(parseFrame(xml));
    expect({
      identityKey: hex(bundle.identityKey ?? new Uint8Array()),
      signedPrekey: {
        id: bundle.signedPrekey.id,
        publicKey: hex(bundle.signedPrekey.publicKey),
        signature: hex(bundle.signedPrekey.signature),
      },
      oneTimePrekeys: bundle.oneTimePrekeys.map(({ id, publicKey }) => ({
        id,
        publicKey: hex(publicKey),
      })),
    }).toEqual({
      identityKey: expected['identityKey'],
      signedPrekey: expected['signedPrekey'],
      oneTimePrekeys: expected['oneTimePrekeys'],
    });
  });

  it('writes the children in the order of the specification and reads them back', () => {
    const bundle = codec.readBundle(parseFrame(fixture('dino/bundle')));
    const written = parseFrame(serialise(codec.writeBundle(bundle)));
    expect(childrenOf(written).map((child) => child.localName)).toEqual([
      'signedPreKeyPublic',
      'signedPreKeySignature',
      'identityKey',
      'prekeys',
    ]);
    expect(codec.readBundle(written)).toEqual(bundle);
  });

  const good = fixture('conversations/bundle');
  const key33 = btoa(String.fromCharCode(5, ...bytes(32)));
  it.each([
    ['no identity key', good.replace(/<identityKey>.*<\/identityKey>/, '')],
    ['two identity keys', good.replace(/(<identityKey>.*<\/identityKey>)/, '$1$1')],
    ['no prekeys element', good.replace(/<prekeys>.*<\/prekeys>/, '')],
    ['an identity key of 32 bytes', good.replace(/<identityKey>.{4}/, '<identityKey>')],
    ['a key type other than 5', good.replace(/<identityKey>B/, '<identityKey>C')],
    ['a short signature', good.replace(/<signedPreKeySignature>.{4}/, '<signedPreKeySignature>')],
    ['a signed prekey without id', good.replace(/ signedPreKeyId='1'/, '')],
    ['a prekey without id', good.replace(/ preKeyId='1'/, '')],
    [
      '201 prekeys',
      good.replace(
        '</prekeys>',
        `${`<preKeyPublic preKeyId='9'>${key33}</preKeyPublic>`.repeat(198)}</prekeys>`,
      ),
    ],
    ['more than 64 KiB', good.replace('</prekeys>', `</prekeys>${' '.repeat(64 * 1024)}`)],
    ['another element', `<list xmlns='${L}'/>`],
  ])('refuses a bundle with %s', (_name, xml) => {
    expect(xml).not.toBe(good);
    expectMalformed(() => codec.readBundle(parseFrame(xml)));
  });

  it('refuses to write a key of the wrong length', () => {
    const bundle = codec.readBundle(parseFrame(good));
    expect(() => codec.writeBundle({ ...bundle, identityKey: bytes(33) })).toThrow(
      'publicKey: want 32 bytes, got 33',
    );
  });
});

describe('legacy device lists', () => {
  it.each(fixturesOf('list'))('reads $name', ({ xml, expected }) => {
    expect(codec.readDeviceList(parseFrame(xml))).toEqual(expected['deviceIds']);
  });

  it('adds our device and keeps the others as they are', () => {
    const existing = parseFrame(
      `<list xmlns='${L}' xmlns:p='urn:p'>\n <device id='1' label='x' p:y='z'/>\n <device id='5' label='old'/><device id='5'/></list>`,
    );
    const list = parseFrame(serialise(codec.writeDeviceList(existing, 5)));
    expect(codec.readDeviceList(list)).toEqual([1, 5]);
    const [other, own] = childrenOf(list);
    expect(other?.getAttribute('label')).toBe('x');
    expect(other?.getAttributeNS('urn:p', 'y')).toBe('z');
    expect(own?.getAttribute('label')).toBeNull();
    expect(Array.from(list.childNodes)).toHaveLength(2);
  });

  it('writes a first list', () => {
    expect(serialise(codec.writeDeviceList(undefined, 5))).toBe(
      `<list xmlns="${L}"><device id="5"/></list>`,
    );
  });

  it('refuses something that is no list', () => {
    expectMalformed(() => codec.readDeviceList(parseFrame('<list/>')));
    expectMalformed(() => codec.writeDeviceList(parseFrame('<devices/>'), 5));
  });

  it('names its nodes', () => {
    expect(codec.listNode).toBe('eu.siacs.conversations.axolotl.devicelist');
    expect(codec.bundleNode(7)).toBe('eu.siacs.conversations.axolotl.bundles:7');
    expect(codec.bundleItem(7)).toBeUndefined();
  });
});
