import '../../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid } from '../../../src/jid';
import {
  chooseEncrypted,
  findEncrypted,
  type MessageForUs,
  type Recipient,
} from '../../../src/session/codec/codec';
import { parseFrame } from '../../../src/xml/element';
import { fixture, fixturesOf } from '../../support/fixtures';
import { expectMalformed, plainMessage } from '../../support/records';

const L = 'eu.siacs.conversations.axolotl';
const V2 = 'urn:xmpp:omemo:2';
const US: Recipient = {
  jid: bareJid('juliet@example.org') ?? expect.fail('a JID'),
  deviceId: 31415,
};

const versions = (children: string): readonly string[] | 'several' => {
  const found = findEncrypted(parseFrame(`<message xmlns='jabber:client'>${children}</message>`));
  return found === 'several' ? found : found.map(({ codec }) => codec.version);
};

function choose(xml: string, recipient: Recipient = US): MessageForUs {
  const found = findEncrypted(parseFrame(xml));
  if (found === 'several') throw new Error(found);
  return chooseEncrypted(found, recipient);
}

const legacy = (inside: string): string => `<encrypted xmlns='${L}'>${inside}</encrypted>`;
const omemo2 = (inside: string): string => `<encrypted xmlns='${V2}'>${inside}</encrypted>`;
const legacyTo = (rid: number): string =>
  legacy(`<header sid='1'><key rid='${rid}'>AAAA</key><iv>AAAA</iv></header>`);
const omemo2To = (jid: string, rid: number): string =>
  omemo2(`<header sid='1'><keys jid='${jid}'><key rid='${rid}'>AAAA</key></keys></header>`);
const stanza = (...encrypted: string[]): string =>
  `<message xmlns='jabber:client'>${encrypted.join('')}</message>`;

describe('the ciphertexts of a stanza', () => {
  it.each([
    ['<body>x</body>'],
    ['<encrypted/>'],
    ["<encrypted xmlns='urn:xmpp:omemo:1'/>"],
    [`<x xmlns='urn:x'><encrypted xmlns='${L}'/></x>`],
    [`<encryption xmlns='urn:xmpp:eme:0' namespace='${L}'/>`],
  ])('are none in %s', (children) => {
    expect(versions(children)).toEqual([]);
  });

  it('Q-12: are found without EME', () => {
    expect(versions(legacy(''))).toEqual([L]);
    expect(versions(omemo2(''))).toEqual([V2]);
  });

  it('Q-13: are one of each version, legacy first in whatever order they stand', () => {
    expect(versions(legacy('') + omemo2(''))).toEqual([L, V2]);
    expect(versions(omemo2('') + legacy(''))).toEqual([L, V2]);
  });

  it.each([
    [legacy('') + legacy('')],
    [omemo2('') + omemo2('')],
    [legacy('') + omemo2('') + omemo2('')],
    [omemo2('') + legacy('') + legacy('')],
  ])('Q-13: are unreadable where two are of one namespace: %s', (children) => {
    expect(versions(children)).toBe('several');
  });
});

describe('of two versions the one is read', () => {
  const readVersion = (...encrypted: string[]): string =>
    choose(stanza(...encrypted)).codec.version;

  it('Q-18: that is legacy, where both have a key for us', () => {
    expect(readVersion(omemo2To(US.jid, 31415), legacyTo(31415))).toBe(L);
  });

  it('that has a key for us', () => {
    expect(readVersion(legacyTo(7), omemo2To(US.jid, 31415))).toBe(V2);
    expect(readVersion(legacyTo(31415), omemo2To(US.jid, 7))).toBe(L);
  });

  it('that is legacy, where neither has one', () => {
    expect(readVersion(legacyTo(7), omemo2To('romeo@example.org', 31415))).toBe(L);
  });

  it('that is well-formed', () => {
    expect(readVersion(legacy(''), omemo2To(US.jid, 31415))).toBe(V2);
    expect(readVersion(legacyTo(31415), omemo2(''))).toBe(L);
    expectMalformed(() => readVersion(legacy(''), omemo2('')));
    expectMalformed(() => readVersion());
  });

  it('without keys, before our device is known', () => {
    const chosen = choose(stanza(legacyTo(31415)), { jid: US.jid, deviceId: undefined });
    expect([chosen.codec.version, chosen.keys]).toEqual([L, []]);
  });
});

describe('keys are ours', () => {
  it('by the device id alone in legacy, all of them', () => {
    const { keys } = choose(fixture('profanity/same-rid-twice'));
    expect(keys.map(({ deviceId, jid }) => [deviceId, jid])).toEqual([
      [31415, undefined],
      [31415, undefined],
    ]);
  });

  it('by owner and device id in the newer version', () => {
    const both = `<keys jid='JULIET@example.org/x'><key rid='31415'>AAAA</key><key rid='1'>BBBB</key></keys>`;
    const other = `<keys jid='romeo@example.org'><key rid='31415'>CCCC</key></keys>`;
    const again = `<keys jid='juliet@example.org'><key rid='31415'>DDDD</key></keys>`;
    const { keys, message } = choose(
      stanza(omemo2(`<header sid='1'>${both}${other}${again}</header>`)),
    );
    expect(message.keys).toHaveLength(4);
    expect(keys.map((key) => [...key.bytes])).toEqual([
      [0, 0, 0],
      [12, 48, 195],
    ]);
  });
});

describe('messages of real clients in the newer version', () => {
  it.each(fixturesOf('omemo2-message'))('are read for our device: $name', ({ xml, expected }) => {
    const { codec, message, keys } = choose(xml);
    const { source, kind, keptBeside, ...record } = expected;
    expect([source, kind, keptBeside].every((field) => field !== undefined)).toBe(true);
    expect(codec.version).toBe(V2);
    expect(plainMessage(message)).toEqual(record);
    const ours = message.keys.filter(
      (key) => key.jid === 'juliet@example.org' && key.deviceId === 31415,
    );
    expect(keys).toEqual(ours);
  });

  it('Q-1: hold a key exchange by their bytes, also where the flag is missing', () => {
    const { keys } = choose(fixture('qxmpp/repeat-without-kex'));
    expect(keys.map((key) => [key.bytes[0], key.isKeyExchange])).toEqual([[0x08, false]]);
  });

  it('Q-13: of Converse 14 in both versions address us in one of them', () => {
    expect(choose(fixture('converse/omemo2-for-us')).codec.version).toBe(V2);
    expect(choose(fixture('converse/both-versions')).codec.version).toBe(L);
  });

  it('of slixmpp-omemo come as two stanzas, of which one may have nothing for us', () => {
    expect(choose(fixture('slixmpp/legacy-part')).keys).toHaveLength(1);
    expect(choose(fixture('slixmpp/omemo2-part')).keys).toHaveLength(0);
  });
});
