// Rules of the reference about other clients (client-quirks, Q-1 to Q-18) that are decided where elements are read and
// written. Stanzas stand as those clients send them.
import '../../support/dom';
import { describe, expect, it } from 'vitest';
import { protocolFor } from '../../../src/omemo/protocol';
import { codecFor, findEncrypted } from '../../../src/session/codec/codec';
import { childrenOf, parseFrame, serialise } from '../../../src/xml/element';
import { fixture } from '../../support/fixtures';
import { bytes } from '../../support/records';

const L = 'eu.siacs.conversations.axolotl';
const V2 = 'urn:xmpp:omemo:2';
const legacy = codecFor(L);
const omemo2 = codecFor(V2);

const encryptedIn = (name: string, version: string): Element => {
  const [encrypted] = childrenOf(parseFrame(fixture(name)), 'encrypted', version);
  if (encrypted === undefined) throw new Error(`${name}: nothing encrypted`);
  return encrypted;
};

describe('Q-1: a key exchange is known by its bytes, whatever the attribute says', () => {
  it.each([
    ['lurch/first-message', legacy, L, false, true],
    ['gajim/empty', legacy, L, true, true],
    ['movim/text', legacy, L, true, true],
    ['conversations/key-transport', legacy, L, false, false],
    ['qxmpp/repeat-without-kex', omemo2, V2, false, true],
    ['qxmpp/empty', omemo2, V2, false, false],
  ] as const)('%s', (name, codec, version, flag, isKeyExchange) => {
    const [key] = codec.readMessage(encryptedIn(name, version)).keys;
    expect(key?.isKeyExchange).toBe(flag);
    expect(key && protocolFor(version).isKeyExchange(key.bytes)).toBe(isKeyExchange);
  });
});

it.each([
  ['converse/bundle', legacy, [1, 2]],
  ['movim/bundle', legacy, [49]],
  ['converse/omemo2-bundle', omemo2, [1, 99]],
] as const)('Q-2: prekey 0 of %s is not there to be chosen', (name, codec, ids) => {
  const xml = fixture(name);
  expect(xml).toMatch(/ (preKeyId|id)=["']0["']/);
  const bundle = codec.readBundle(parseFrame(xml));
  expect(bundle.oneTimePrekeys.map(({ id }) => id)).toEqual(ids);
});

it('Q-3: an iv of 16 bytes is read as well as one of 12', () => {
  const lengthOf = (name: string) => legacy.readMessage(encryptedIn(name, L)).iv?.length;
  expect([lengthOf('movim/iv16'), lengthOf('movim/text')]).toEqual([16, 12]);
});

it('Q-10: a key transport is a message without payload, with an iv or without', () => {
  for (const name of [
    'conversations/key-transport',
    'gajim/empty',
    'python-omemo/empty-without-iv',
  ])
    expect(legacy.readMessage(encryptedIn(name, L)), name).not.toHaveProperty('payload');
  expect(omemo2.readMessage(encryptedIn('qxmpp/empty', V2))).not.toHaveProperty('payload');
});

it.each(['profanity/text', 'chatsecure/text', 'gajim/empty', 'conversations/key-transport'])(
  'Q-12: %s is found by its element, for it has no EME',
  (name) => {
    const stanza = parseFrame(fixture(name));
    expect(childrenOf(stanza, 'encryption')).toEqual([]);
    const found = findEncrypted(stanza);
    expect(found === 'several' || found.map(({ codec }) => codec.version)).toEqual([L]);
  },
);

describe('Q-17: Debian’s python-oldmemo can read', () => {
  const own = { senderDeviceId: 31415, iv: bytes(12), version: L } as const;
  const key = { deviceId: 7, bytes: bytes(40), isKeyExchange: false };

  it('an empty message, which has an iv, and a flag only where it is true', () => {
    const keys = [key, { ...key, deviceId: 8, isKeyExchange: true }];
    const [header, ...others] = childrenOf(legacy.writeMessage({ ...own, keys }));
    expect(others).toEqual([]);
    const children = header === undefined ? [] : childrenOf(header);
    expect(children.map(({ localName }) => localName)).toEqual(['key', 'key', 'iv']);
    expect(children.map((child) => child.getAttribute('prekey'))).toEqual([null, 'true', null]);
  });

  it('a list of ours, which is never empty and whose devices have nothing but an id', () => {
    for (const existing of [undefined, parseFrame(fixture('specification/empty-device-list'))]) {
      expect(serialise(legacy.writeDeviceList(existing, 5))).toBe(
        `<list xmlns="${L}"><device id="5"/></list>`,
      );
    }
  });

  it('a bundle of ours, with the children in the order of the specification', () => {
    const bundle = legacy.readBundle(parseFrame(fixture('psi/bundle')));
    const written = legacy.writeBundle(bundle);
    expect(childrenOf(written).map(({ localName }) => localName)).toEqual([
      'signedPreKeyPublic',
      'signedPreKeySignature',
      'identityKey',
      'prekeys',
    ]);
    expect(serialise(written)).not.toMatch(/>\s+</);
  });
});
