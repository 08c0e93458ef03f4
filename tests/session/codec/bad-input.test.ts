// Every element reader of both versions against every kind of bad element: each damage is applied to each element of real
// stanzas in turn, so that no reader is left out.
import '../../support/dom';
import { describe, expect, it } from 'vitest';
import { codecFor } from '../../../src/session/codec/codec';
import { readDeviceLabels } from '../../../src/session/codec/omemo2';
import { childrenOf, parseFrame, serialise } from '../../../src/xml/element';
import { fixture } from '../../support/fixtures';
import { expectMalformed } from '../../support/records';

const L = 'eu.siacs.conversations.axolotl';
const V2 = 'urn:xmpp:omemo:2';
const legacy = codecFor(L);
const omemo2 = codecFor(V2);

interface Reader {
  readonly name: string;
  /** The element, as a client writes it. */
  readonly xml: string;
  read(element: Element): unknown;
  /** Elements that must stand exactly once in their parent. */
  readonly single: readonly string[];
  /** Elements that may be missing, but not stand twice. */
  readonly atMostOne: readonly string[];
  /** Elements with base64, and how many bytes it must be; undefined: any number. */
  readonly base64: Readonly<Record<string, number | undefined>>;
  /** Attributes with an id, by element. */
  readonly ids: Readonly<Record<string, string>>;
  /** Ids of this reader end here. */
  readonly lastId: number;
}

const UINT32 = 2 ** 32 - 1;
const INT32 = 2 ** 31 - 1;

const encryptedIn = (name: string, version: string): string => {
  const [encrypted] = childrenOf(parseFrame(fixture(name)), 'encrypted', version);
  if (encrypted === undefined) throw new Error(`${name}: nothing encrypted`);
  return serialise(encrypted);
};

const READERS: readonly Reader[] = [
  {
    name: 'legacy message',
    xml: encryptedIn('monal/text', L),
    read: legacy.readMessage,
    single: ['header'],
    atMostOne: ['iv', 'payload'],
    base64: { key: undefined, iv: undefined, payload: undefined },
    ids: { header: 'sid', key: 'rid' },
    lastId: UINT32,
  },
  {
    name: 'OMEMO 2 message',
    xml: encryptedIn('qxmpp/text', V2),
    read: omemo2.readMessage,
    single: ['header'],
    atMostOne: ['payload'],
    base64: { key: undefined, payload: undefined },
    ids: { header: 'sid', key: 'rid' },
    lastId: INT32,
  },
  {
    name: 'legacy bundle',
    xml: fixture('dino/bundle'),
    read: legacy.readBundle,
    single: ['signedPreKeyPublic', 'signedPreKeySignature', 'identityKey', 'prekeys'],
    atMostOne: [],
    base64: {
      signedPreKeyPublic: 33,
      signedPreKeySignature: 64,
      identityKey: 33,
      preKeyPublic: 33,
    },
    ids: { signedPreKeyPublic: 'signedPreKeyId', preKeyPublic: 'preKeyId' },
    lastId: UINT32,
  },
  {
    name: 'OMEMO 2 bundle',
    xml: fixture('qxmpp/omemo2-bundle'),
    read: omemo2.readBundle,
    single: ['spk', 'spks', 'ik', 'prekeys'],
    atMostOne: [],
    base64: { spk: 32, spks: 64, ik: 32, pk: 32 },
    ids: { spk: 'id', pk: 'id' },
    lastId: UINT32,
  },
];

/** No ids in decimal, or beyond 32 bits. */
const NO_IDS = [
  ...['4294967296', '99999999999', '18446744073709551617', '-1', '+1', '1.0', '1e3', '0x1'],
  ...['', ' ', ' 1', '1 ', '١', 'one', '1,1', 'Infinity', 'NaN'],
];

/** Calls `change` with a fresh copy of the element for each element of that name in it; answers how many there were. */
function eachOf(
  xml: string,
  name: string,
  change: (found: Element, root: Element) => void,
): number {
  const count = [...parseFrame(xml).getElementsByTagName(name)].length;
  for (let at = 0; at < count; at++) {
    const root = parseFrame(xml);
    const found = root.getElementsByTagName(name)[at];
    if (found === undefined) throw new Error(`${name}: gone`);
    change(found, root);
  }
  return count;
}

const encode = (length: number, first: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, at) => (at === 0 ? first : at))).toString('base64');

describe.each(READERS)('a $name', ({ xml, read, single, atMostOne, base64, ids, lastId }) => {
  const good = read(parseFrame(xml));

  it('is refused as another element, or in another namespace', () => {
    for (const root of [`<x xmlns='${L}'/>`, `<x xmlns='${V2}'/>`, '<encrypted/>', '<bundle/>'])
      expectMalformed(() => read(parseFrame(root)));
    expectMalformed(() => read(parseFrame(xml.replaceAll(/urn:xmpp:omemo:2|eu\.siacs/g, 'urn:x'))));
  });

  it('is refused without an element it needs', () => {
    for (const name of single) {
      const count = eachOf(xml, name, (found, root) => {
        found.parentNode?.removeChild(found);
        expectMalformed(() => read(root));
      });
      expect(count, name).toBe(1);
    }
  });

  it('is refused with an element twice that may stand once', () => {
    for (const name of [...single, ...atMostOne]) {
      const count = eachOf(xml, name, (found, root) => {
        found.parentNode?.insertBefore(found.cloneNode(true), found);
        expectMalformed(() => read(root));
      });
      expect(count, name).toBe(1);
    }
  });

  it('is read with elements and attributes nobody knows, and white space, everywhere', () => {
    const names = new Set([...parseFrame(xml).getElementsByTagName('*')].map((e) => e.localName));
    let places = 0;
    for (const name of names) {
      places += eachOf(xml, name, (found, root) => {
        const unknown = parseFrame(
          `<unknown xmlns='urn:x'><${name} id='1'>AAAA</${name}></unknown>`,
        );
        const { ownerDocument, parentNode } = found;
        for (const node of [
          ownerDocument.createTextNode('\n '),
          ownerDocument.importNode(unknown, true),
        ])
          parentNode?.insertBefore(node, found);
        found.setAttribute('unknown', 'yes');
        expect(read(root), name).toEqual(good);
      });
    }
    expect(places).toBeGreaterThan(4);
  });

  it('is refused with an id that is none or out of range', () => {
    for (const [name, attribute] of Object.entries(ids)) {
      for (const id of [...NO_IDS, String(lastId + 1)]) {
        const count = eachOf(xml, name, (found, root) => {
          found.setAttribute(attribute, id);
          expectMalformed(() => read(root));
        });
        expect(count, name).toBeGreaterThan(0);
      }
      eachOf(xml, name, (found, root) => {
        found.removeAttribute(attribute);
        expectMalformed(() => read(root));
      });
    }
  });

  it('is read with the last id there is', () => {
    for (const [name, attribute] of Object.entries(ids)) {
      eachOf(xml, name, (found, root) => {
        found.setAttribute(attribute, String(lastId));
        expect(() => read(root), name).not.toThrow();
      });
    }
  });

  it('is refused with base64 that is none, or cut', () => {
    for (const name of Object.keys(base64)) {
      const count = eachOf(xml, name, (found) => {
        const text = found.textContent?.replace(/\s/g, '') ?? '';
        const open = text.replace(/=+$/, '');
        const bad = [`${open}*`, `*${text}`, `=${text}`, `${text}====`, `é${text}`, `${open}-_`];
        // One character more than whole groups of four is no length base64 can have.
        bad.push(open.slice(0, open.length - (open.length % 4)) + 'A');
        for (const wrong of bad) {
          found.textContent = wrong;
          const root = parseFrame(serialise(rootOf(found)));
          expectMalformed(() => read(root));
        }
      });
      expect(count, name).toBeGreaterThan(0);
    }
  });

  it('is refused with keys and signatures of a wrong length', () => {
    for (const [name, length] of Object.entries(base64)) {
      if (length === undefined) continue;
      for (const wrong of [0, 1, 31, length - 1, length + 1, 2 * length]) {
        eachOf(xml, name, (found, root) => {
          found.textContent = encode(wrong, 5);
          expectMalformed(() => read(root));
        });
      }
      eachOf(xml, name, (found, root) => {
        found.textContent = encode(length, 5);
        expect(() => read(root), name).not.toThrow();
      });
    }
  });
});

function rootOf(element: Element): Element {
  const root = element.ownerDocument.documentElement;
  if (root === null) throw new Error('want a root');
  return root;
}

describe.each([
  { version: L, name: 'list', codec: legacy, lastId: UINT32 },
  { version: V2, name: 'devices', codec: omemo2, lastId: INT32 },
])('a device list of $version', ({ version, name, codec, lastId }) => {
  const listOf = (...ids: readonly string[]) =>
    parseFrame(
      `<${name} xmlns='${version}'>${ids.map((id) => `<device id='${id}'/>`).join('')}</${name}>`,
    );

  it('leaves out what is no id or out of range, and names nobody twice', () => {
    const ids = ['7', ...NO_IDS, String(lastId + 1), '7', String(lastId), '007'];
    expect(codec.readDeviceList(listOf(...ids))).toEqual([7, lastId]);
  });

  it('is read with thousands of devices: how many are too many the vault says', () => {
    const ids = Array.from({ length: 3000 }, (_, at) => String(at + 1));
    expect(codec.readDeviceList(listOf(...ids))).toHaveLength(3000);
  });

  it('is refused as another element', () => {
    const other = version === L ? V2 : L;
    for (const xml of [`<${name} xmlns='${other}'/>`, `<${name}/>`, `<x xmlns='${version}'/>`])
      expectMalformed(() => codec.readDeviceList(parseFrame(xml)));
  });
});

it('labels of a list with ids out of range belong to nobody', () => {
  const signature = encode(64, 1);
  const devices = [...NO_IDS, '0', String(INT32 + 1)].map(
    (id) => `<device id='${id}' label='x' labelsig='${signature}'/>`,
  );
  expect(
    readDeviceLabels(parseFrame(`<devices xmlns='${V2}'>${devices.join('')}</devices>`)),
  ).toEqual([]);
});
