// The bytes of OMEMO 2: written by hand here, or taken from the vectors; then bent in every way.
import { describe, expect, test } from 'vitest';
import { omemo2 } from '../../src/omemo/omemo2';
import { base64, conversationOf, hex, vectors } from '../vectors/vectors';
import { codeOf } from './codes';

const X = '11'.repeat(32);
const MAC = 'aa'.repeat(16);
const CIPHERTEXT = 'c0ffee';
const BODY = `080510011a20${X}2203${CIPHERTEXT}`;
const frame = (body: string, mac = MAC) => `0a${size(mac)}${mac}12${size(body)}${body}`;
const MESSAGE = frame(BODY);

const { parties } = conversationOf('v2-basic');
const SIGN_1 = conversationOf('v2-sign-bit').parties;
const ED = parties.alice.identity.ed25519Pub;
const ED_X = parties.alice.identity.curve25519Pub;
const KEY_EXCHANGE = `080710091a20${ED}2220${X}2a03abcdef`;

/** A length below 16384 as varint. */
function size(text: string): string {
  const length = text.length / 2;
  const bytes = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7];
  return Buffer.from(bytes).toString('hex');
}

const decode = (text: string) => omemo2.decodeMessage(hex(text));
const decodeKeyExchange = (text: string) => omemo2.decodeKeyExchange(hex(text));

describe('a message', () => {
  const header = { ratchetKey: hex(X), n: 5, previousChainLength: 1 };

  test('is written with every field, in order', () => {
    const encoded = omemo2.encodeMessage(header, hex(CIPHERTEXT));
    expect(encoded).toEqual(hex(BODY));
    expect(omemo2.frameMessage(encoded, hex(MAC))).toEqual(hex(MESSAGE));
    const zeros = { ratchetKey: hex(X), n: 0, previousChainLength: 0 };
    expect(omemo2.encodeMessage(zeros, new Uint8Array(0))).toEqual(hex(`080010001a20${X}2200`));
  });

  test('is read back; the MAC covers the inner message alone', () => {
    expect(decode(MESSAGE)).toEqual({
      header,
      ciphertext: hex(CIPHERTEXT),
      authenticated: hex(BODY),
      mac: hex(MAC),
    });
  });

  test('is read with fields in any order, unknown ones and repeated ones', () => {
    const other = `2203${CIPHERTEXT}0809 7a0100 10011a20${X}0805`.replaceAll(' ', '');
    const outer = `12${size(other)}${other}0a10${'bb'.repeat(16)}1d000000000a10${MAC}`;
    expect(decode(outer)).toEqual({
      header,
      ciphertext: hex(CIPHERTEXT),
      authenticated: hex(other),
      mac: hex(MAC),
    });
  });

  test.each([
    ['no mac', `12${size(BODY)}${BODY}`, 'malformed'],
    ['no message', `0a10${MAC}`, 'malformed'],
    ['a mac of 8 bytes', frame(BODY, 'aa'.repeat(8)), 'malformed'],
    ['a mac of 15 bytes', frame(BODY, 'aa'.repeat(15)), 'malformed'],
    ['a mac of 17 bytes', frame(BODY, 'aa'.repeat(17)), 'malformed'],
    ['an empty mac', frame(BODY, ''), 'malformed'],
    ['an empty message', frame(''), 'malformed'],
    ['no n', frame(`10011a20${X}2203${CIPHERTEXT}`), 'malformed'],
    ['no pn', frame(`08051a20${X}2203${CIPHERTEXT}`), 'malformed'],
    ['no ratchet key', frame(`080510012203${CIPHERTEXT}`), 'malformed'],
    ['no ciphertext', frame(`080510011a20${X}`), 'malformed'],
    ['a ratchet key of 31 bytes', frame(`080510011a1f${X.slice(2)}220101`), 'bad-key'],
    ['a ratchet key with 05', frame(`080510011a2105${X}220101`), 'bad-key'],
    ['n above 2^32 − 1', frame(`08808080801010011a20${X}220101`), 'malformed'],
    ['n of ten bytes', frame(`088580808080808080800010011a20${X}220101`), 'malformed'],
    ['n as bytes', frame(`0a010510011a20${X}220101`), 'malformed'],
    ['nothing', '', 'malformed'],
  ])('with %s is refused', async (_name, text, code) => {
    expect(await codeOf(() => decode(text))).toBe(code);
  });

  test('cut at any place, inside or outside, is refused', async () => {
    const whole = hex(MESSAGE);
    for (let length = 0; length < whole.length; length++) {
      expect(await codeOf(() => omemo2.decodeMessage(whole.subarray(0, length)))).toBe('malformed');
    }
    for (let length = 0; length < BODY.length; length += 2) {
      expect(await codeOf(() => decode(frame(BODY.slice(0, length))))).toBe('malformed');
    }
  });

  test('longer than 4096 bytes is refused', async () => {
    const padded = (count: number) => `${MESSAGE}${'7a0100'.repeat(count)}`;
    expect(await codeOf(() => decode(padded(1300)))).toBe('ok');
    expect(await codeOf(() => decode(padded(1366)))).toBe('malformed');
  });
});

describe('a key exchange', () => {
  const rest = {
    oneTimePrekeyId: 7,
    signedPrekeyId: 9,
    ephemeralKey: hex(X),
    message: hex('abcdef'),
  };

  test('is written with every field, in order, our identity key with sign 0', () => {
    const own = { ...rest, identityKey: hex(ED_X) };
    expect(omemo2.encodeKeyExchange(own)).toEqual(hex(KEY_EXCHANGE));
    expect(omemo2.encodeKeyExchange(own, 4711)).toEqual(hex(KEY_EXCHANGE));
  });

  test('is read back with both forms of the identity key, of either sign', () => {
    for (const { identity } of [parties.alice, parties.bob, SIGN_1.alice, SIGN_1.bob]) {
      expect(decodeKeyExchange(KEY_EXCHANGE.replace(ED, identity.ed25519Pub))).toEqual({
        ...rest,
        identityKey: hex(identity.curve25519Pub),
        identityKeyEd: hex(identity.ed25519Pub),
      });
    }
  });

  test('without prekey id is read, for the answer that it is unknown', () => {
    const withoutId = decodeKeyExchange(KEY_EXCHANGE.slice(4));
    expect(withoutId.oneTimePrekeyId).toBeUndefined();
    expect(decodeKeyExchange(KEY_EXCHANGE.replace('0807', '0800')).oneTimePrekeyId).toBe(0);
  });

  test.each([
    ['no signed prekey id', KEY_EXCHANGE.replace('1009', ''), 'malformed'],
    ['no identity key', KEY_EXCHANGE.replace(`1a20${ED}`, ''), 'malformed'],
    ['no ephemeral key', KEY_EXCHANGE.replace(`2220${X}`, ''), 'malformed'],
    ['no message', KEY_EXCHANGE.replace('2a03abcdef', ''), 'malformed'],
    ['an identity key with 05', KEY_EXCHANGE.replace(`1a20${ED}`, `1a2105${ED}`), 'bad-key'],
    [
      'an identity key that is no point',
      KEY_EXCHANGE.replace(ED, `02${'00'.repeat(31)}`),
      'bad-key',
    ],
    ['a neutral identity key', KEY_EXCHANGE.replace(ED, `01${'00'.repeat(31)}`), 'bad-key'],
    ['an ephemeral key with 05', KEY_EXCHANGE.replace(`2220${X}`, `222105${X}`), 'bad-key'],
    [
      'an ephemeral key of 31 bytes',
      KEY_EXCHANGE.replace(`2220${X}`, `221f${X.slice(2)}`),
      'bad-key',
    ],
    ['a prekey id above 2^32 − 1', KEY_EXCHANGE.replace('0807', '088080808010'), 'malformed'],
    [
      'a prekey id of ten bytes',
      KEY_EXCHANGE.replace('0807', '0887808080808080808000'),
      'malformed',
    ],
  ])('with %s is refused', async (_name, text, code) => {
    expect(await codeOf(() => decodeKeyExchange(text))).toBe(code);
  });

  test('of the library, cut at any place, is refused', async () => {
    const [first] = conversationOf('v2-basic').steps;
    if (first?.op !== 'send') throw new Error('want a message');
    const whole = base64(first.key);
    expect(await codeOf(() => omemo2.decodeKeyExchange(whole))).toBe('ok');
    for (let length = 0; length < whole.length; length++) {
      expect(await codeOf(() => omemo2.decodeKeyExchange(whole.subarray(0, length)))).toBe(
        'malformed',
      );
    }
  });

  test('longer than 4096 bytes is refused', async () => {
    const padded = (count: number) => `${KEY_EXCHANGE}${'7a0100'.repeat(count)}`;
    expect(await codeOf(() => decodeKeyExchange(padded(1300)))).toBe('ok');
    expect(await codeOf(() => decodeKeyExchange(padded(1366)))).toBe('malformed');
  });
});

describe('content tells a key exchange from a message', () => {
  test('in every vector', () => {
    let told = 0;
    for (const { namespace, steps } of vectors.conversations) {
      if (namespace !== omemo2.version) continue;
      for (const step of steps) {
        if (step.op !== 'send') continue;
        expect(omemo2.isKeyExchange(base64(step.key))).toBe(step.kex);
        told += 1;
      }
    }
    expect(told).toBeGreaterThan(30);
  });

  test('also where the first field is another one', () => {
    const reversed = `12${size(BODY)}${BODY}0a10${MAC}`;
    expect(omemo2.isKeyExchange(hex(reversed))).toBe(false);
    for (const first of ['08', '10', '1a', '22', '2a']) {
      expect(omemo2.isKeyExchange(hex(first))).toBe(true);
    }
    expect(omemo2.isKeyExchange(new Uint8Array(0))).toBe(false);
  });
});

describe('identity keys', () => {
  test('stand in the associated data as exchanged, the initiator first, in both directions', () => {
    let compared = 0;
    for (const { namespace, steps, parties: both } of vectors.conversations) {
      const [first] = steps;
      if (namespace !== omemo2.version || first?.op !== 'send') continue;
      if (first.newSession?.x3dh === undefined || both.alice.identity.ed25519Sign === 1) continue;
      const session = {
        remoteIdentityKey: hex(both.bob.identity.curve25519Pub),
        remoteIdentityKeyEd: hex(both.bob.identity.ed25519Pub),
        isInitiator: true,
      };
      compared += 1;
      const own = hex(both.alice.identity.curve25519Pub);
      for (const direction of ['sending', 'receiving'] as const) {
        expect(omemo2.associatedData(session, own, direction)).toEqual(
          hex(first.newSession.x3dh.ad),
        );
      }
    }
    expect(compared).toBeGreaterThan(5);
  });

  test('of a session without the Ed25519 form are the mistake of the caller', () => {
    const session = { remoteIdentityKey: hex(X), isInitiator: false };
    expect(() => omemo2.associatedData(session, hex(ED_X), 'sending')).toThrow(TypeError);
  });

  const rest = {
    signedPrekey: { id: 1, publicKey: hex(X), signature: hex(X) },
    oneTimePrekeys: [],
  };

  test.each([parties.alice, parties.bob, SIGN_1.alice, SIGN_1.bob])(
    'of a bundle get their X form: $identity.ed25519Pub',
    ({ identity }) => {
      const both = {
        identityKey: hex(identity.curve25519Pub),
        identityKeyEd: hex(identity.ed25519Pub),
      };
      const { identityKeyEd } = both;
      expect(omemo2.readIdentity({ ...rest, identityKeyEd })).toEqual(both);
      expect(omemo2.readIdentity({ ...rest, ...both })).toEqual(both);
    },
  );

  test('of a bundle are refused without Ed25519 form, and where the forms differ', async () => {
    expect(await codeOf(() => omemo2.readIdentity(rest))).toBe('malformed');
    const onlyX = { ...rest, identityKey: hex(ED_X) };
    expect(await codeOf(() => omemo2.readIdentity(onlyX))).toBe('malformed');
    const differing = { ...rest, identityKey: hex(X), identityKeyEd: hex(ED) };
    expect(await codeOf(() => omemo2.readIdentity(differing))).toBe('bad-key');
  });

  test('sign the prekey alone, as plain Ed25519, under either sign', async () => {
    const signs = new Set<number>();
    for (const { namespace, parties: both } of vectors.conversations) {
      for (const { identity, signedPreKey } of Object.values(both)) {
        const keys = {
          identityKey: hex(identity.curve25519Pub),
          identityKeyEd: hex(identity.ed25519Pub),
        };
        const signature = hex(signedPreKey.signatureOnWire);
        const isOmemo2 = namespace === omemo2.version;
        expect(await omemo2.isSignedBy(keys, hex(signedPreKey.pub), signature)).toBe(isOmemo2);
        if (!isOmemo2) continue;
        signs.add(identity.ed25519Sign);
        const other = Uint8Array.from(keys.identityKeyEd);
        other[31] = (other[31] ?? 0) ^ 0x80;
        const flipped = { ...keys, identityKeyEd: other };
        expect(await omemo2.isSignedBy(flipped, hex(signedPreKey.pub), signature)).toBe(false);
      }
    }
    expect(signs).toEqual(new Set([0, 1]));
  });
});
