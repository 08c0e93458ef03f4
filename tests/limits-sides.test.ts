// Both sides of limits of data (M63), in numbers: what is just allowed, and what is one more. Others have theirs beside the rest of their
// module; those of what a page may ask are in rpc/guards.test.ts.
import './support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid, type FullJid } from '../src/jid';
import { legacy } from '../src/omemo/legacy';
import { omemo2 } from '../src/omemo/omemo2';
import type { OmemoProtocol } from '../src/omemo/protocol';
import { LEGACY } from '../src/rpc/versions';
import { keepAttributes, keepElement } from '../src/session/allow-list';
import { legacyCodec } from '../src/session/codec/legacy';
import { omemo2Codec } from '../src/session/codec/omemo2';
import { Observations, remember, type StreamMemory } from '../src/session/observe';
import { planOutbound } from '../src/session/outbound';
import { isTooLarge } from '../src/vault/size';
import { childrenOf, parseFrame, serialise } from '../src/xml/element';
import { codeOf } from './omemo/codes';
import { fixture } from './support/fixtures';

const CLIENT = 'jabber:client';
const OWN = jid('juliet@example.org');

function jid(text: string): BareJid {
  const bare = bareJid(text);
  if (bare === undefined) throw new TypeError(text);
  return bare;
}

/** A field nobody knows, of so many bytes altogether: tag 15, length in two bytes. */
function padding(length: number): Uint8Array {
  const inside = length - 3;
  return Uint8Array.of(0x7a, 0x80 | (inside & 0x7f), inside >> 7, ...new Uint8Array(inside));
}

/** An encoded message of exactly so many bytes. */
function messageOf(protocol: OmemoProtocol, length: number): Uint8Array {
  const header = { ratchetKey: new Uint8Array(32).fill(17), n: 5, previousChainLength: 1 };
  const encoded = protocol.encodeMessage(header, new Uint8Array(3));
  const mac = new Uint8Array(protocol.macLength);
  let pad = length - protocol.frameMessage(encoded, mac).length;
  const framed = () => protocol.frameMessage(Uint8Array.from([...encoded, ...padding(pad)]), mac);
  // The frame may need more for its own lengths as it grows.
  while (framed().length > length) pad -= 1;
  return framed();
}

describe.each([
  ['legacy', legacy],
  ['OMEMO 2', omemo2],
])('the key of a device in %s', (_name, protocol) => {
  it('is read up to 4096 bytes', async () => {
    const [longest, longer] = [messageOf(protocol, 4096), messageOf(protocol, 4097)];
    expect([longest.length, longer.length]).toEqual([4096, 4097]);
    expect(await codeOf(() => protocol.decodeMessage(longest))).toBe('ok');
    expect(await codeOf(() => protocol.decodeMessage(longer))).toBe('malformed');
  });
});

describe.each([
  ['legacy', legacyCodec, fixture('dino/bundle')],
  ['OMEMO 2', omemo2Codec, fixture('qxmpp/omemo2-bundle')],
])('a bundle in %s', (_name, codec, xml) => {
  const bundleOf = (length: number): Element => {
    const missing = length - serialise(parseFrame(xml)).length;
    return parseFrame(xml.replace('</prekeys>', `${' '.repeat(missing)}</prekeys>`));
  };

  it('is read up to 65,536 characters', () => {
    expect(codec.readBundle(bundleOf(65_536)).oneTimePrekeys.length).toBeGreaterThan(0);
    expect(() => codec.readBundle(bundleOf(65_537))).toThrow();
  });
});

describe('what stays beside a ciphertext', () => {
  const kept = (xml: string): { text: string; isWhole: boolean } => {
    const target = parseFrame(`<message xmlns='${CLIENT}'/>`);
    const rule = { attributes: ['id'], hasText: true } as const;
    const isWhole = keepElement(parseFrame(xml), target, rule);
    return { text: childrenOf(target)[0]?.textContent ?? '', isWhole };
  };

  it('has texts of up to 255 characters', () => {
    const [most, more] = ['x'.repeat(255), 'x'.repeat(256)];
    expect(kept(`<a xmlns='urn:a'>${most}</a>`)).toEqual({ text: most, isWhole: true });
    expect(kept(`<a xmlns='urn:a'>${more}</a>`)).toEqual({ text: '', isWhole: false });
  });

  it('has attributes of up to 3071 characters, the length of an address', () => {
    const wholeness = [3071, 3072].map((length) => {
      const source = parseFrame(`<message xmlns='${CLIENT}' id='${'x'.repeat(length)}'/>`);
      const target = parseFrame(`<message xmlns='${CLIENT}'/>`);
      return [keepAttributes(source, target), target.getAttribute('id')?.length];
    });
    expect(wholeness).toEqual([
      [true, 3071],
      [false, undefined],
    ]);
  });
});

describe('what leaves', () => {
  const planOf = (text: string) =>
    planOutbound(
      parseFrame(
        `<message xmlns='${CLIENT}' to='romeo@example.net' id='1'><body>${text}</body></message>`,
      ),
      () => 'new',
    );

  it('are texts of up to 131,072 bytes', () => {
    expect(planOf('x'.repeat(131_072)).kind).toBe('protect');
    expect(planOf('x'.repeat(131_073))).toMatchObject({ kind: 'refuse', code: 'too-large' });
    expect(planOf('ä'.repeat(65_536)).kind).toBe('protect');
  });

  it('are stanzas of up to 262,144 bytes, as the vault reckons before any ratchet moves on', () => {
    // Two devices of 330 bytes each, 8192 for the rest, and the text in base64: 4 bytes for each 3.
    const targets = [{ version: LEGACY }, { version: LEGACY }] as const;
    const most = ((262_144 - 8192 - 2 * 330) / 4) * 3;
    expect(Number.isInteger(most)).toBe(true);
    const of = (length: number) => ({ text: 'x'.repeat(length), envelope: '' });
    expect(isTooLarge(of(most), targets)).toBe(false);
    expect(isTooLarge(of(most + 1), targets)).toBe(true);
  });
});

describe('what is remembered of a stream', () => {
  it('are 10,000 contacts', () => {
    const seen = new Observations();
    const items = Array.from({ length: 10_001 }, (_, index) => `<item jid='c${index}@a.example'/>`);
    const query = `<query xmlns='jabber:iq:roster'>${items.join('')}</query>`;
    const iq = parseFrame(`<iq xmlns='${CLIENT}' type='result' id='r'>${query}</iq>`);
    seen.noteIncoming(iq, OWN);
    expect(seen.isContact(jid('c9999@a.example'))).toBe(true);
    expect(seen.isContact(jid('c10000@a.example'))).toBe(false);
  });

  it('are 500 open queries, the latest', () => {
    const seen = new Observations();
    const ask = (id: string) =>
      seen.noteOutgoing(
        parseFrame(
          `<iq xmlns='${CLIENT}' type='set' id='${id}'><query xmlns='urn:xmpp:mam:2' queryid='${id}'/></iq>`,
        ),
      );
    for (let index = 0; index < 500; index++) ask(`q${index}`);
    expect(seen.isOpenQuery('q0', null, OWN)).toBe(true);
    ask('q500');
    expect(['q0', 'q1', 'q500'].map((id) => seen.isOpenQuery(id, null, OWN))).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('are eight streams of a document, the latest', () => {
    const memory: StreamMemory = new Map();
    const add = (index: number) =>
      remember(memory, `juliet@example.org/${index}` as FullJid, new Observations());
    for (let index = 0; index < 8; index++) add(index);
    expect([...memory.keys()]).toHaveLength(8);
    add(8);
    expect([...memory.keys()].map((full) => full.at(-1)).join('')).toBe('12345678');
  });
});
