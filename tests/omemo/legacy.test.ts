// The bytes of legacy OMEMO: written by hand here, or taken from the vectors; then bent in every way.
import { describe, expect, test } from 'vitest';
import { legacy } from '../../src/omemo/legacy';
import { base64, conversationOf, hex, vectors } from '../vectors/vectors';
import { codeOf } from './codes';

const KEY = '05' + '11'.repeat(32);
const X = hex('11'.repeat(32));
const CIPHERTEXT = 'c0ffee';
const MAC = 'aa'.repeat(8);
const BODY = `0a21${KEY}1005180122 03${CIPHERTEXT}`.replace(' ', '');
const MESSAGE = `33${BODY}${MAC}`;
const KEY_EXCHANGE = `330807 1221${KEY} 1a21${KEY} 2203abcdef 3009`.replaceAll(' ', '');

const decode = (text: string) => legacy.decodeMessage(hex(text));
const decodeKeyExchange = (text: string) => legacy.decodeKeyExchange(hex(text));

describe('a ratchet message', () => {
  const header = { ratchetKey: X, n: 5, previousChainLength: 1 };

  test('is written with every field, in order', () => {
    const encoded = legacy.encodeMessage(header, hex(CIPHERTEXT));
    expect(encoded).toEqual(hex(`33${BODY}`));
    expect(legacy.frameMessage(encoded, hex(MAC))).toEqual(hex(MESSAGE));
    const zeros = { ratchetKey: X, n: 0, previousChainLength: 0 };
    expect(legacy.encodeMessage(zeros, new Uint8Array(0))).toEqual(hex(`330a21${KEY}100018002200`));
  });

  test('is read back; the MAC covers all before it, with the version byte', () => {
    expect(decode(MESSAGE)).toEqual({
      header,
      ciphertext: hex(CIPHERTEXT),
      authenticated: hex(`33${BODY}`),
      mac: hex(MAC),
    });
    expect(legacy.isKeyExchange(hex(MESSAGE))).toBe(false);
  });

  test('is read with fields in any order, unknown ones, repeated ones, and without pn', () => {
    const other = `2203${CIPHERTEXT}1009 7a0100 18010a21${KEY}1005`.replaceAll(' ', '');
    expect(decode(`33${other}${MAC}`).header).toEqual(header);
    expect(decode(`33${other}${MAC}`).authenticated).toEqual(hex(`33${other}`));
    const withoutPn = decode(`330a21${KEY}10052203${CIPHERTEXT}${MAC}`);
    expect(withoutPn.header.previousChainLength).toBe(0);
  });

  test.each(['33', '34', '3f'])('takes version byte %s', async (version) => {
    expect(await codeOf(() => decode(`${version}${BODY}${MAC}`))).toBe('ok');
  });

  test.each(['23', '43', '32', '30', '00', 'ff'])('refuses version byte %s', async (version) => {
    expect(await codeOf(() => decode(`${version}${BODY}${MAC}`))).toBe('malformed');
    expect(await codeOf(() => decodeKeyExchange(`${version}${KEY_EXCHANGE.slice(2)}`))).toBe(
      'malformed',
    );
  });

  test.each([
    ['no ratchet key', `33100518012203${CIPHERTEXT}${MAC}`, 'malformed'],
    ['no n', `330a21${KEY}18012203${CIPHERTEXT}${MAC}`, 'malformed'],
    ['no ciphertext', `330a21${KEY}10051801${MAC}`, 'malformed'],
    ['a ratchet key of 32 bytes', `330a20${'11'.repeat(32)}10051801220101${MAC}`, 'bad-key'],
    ['a ratchet key of 34 bytes', `330a22${KEY}0010051801220101${MAC}`, 'bad-key'],
    ['a ratchet key of another type', `330a2106${'11'.repeat(32)}10051801220101${MAC}`, 'bad-key'],
    ['a number above 2^32 − 1', `330a21${KEY}1080808080101801220101${MAC}`, 'malformed'],
    ['nothing but a version', '33', 'malformed'],
    ['nothing but a MAC', `33${MAC}`, 'malformed'],
    ['nothing', '', 'malformed'],
  ])('with %s is refused', async (_name, text, code) => {
    expect(await codeOf(() => decode(text))).toBe(code);
  });

  test('cut at any place is refused', async () => {
    const whole = hex(MESSAGE);
    for (let length = 0; length < whole.length; length++) {
      expect(await codeOf(() => legacy.decodeMessage(whole.subarray(0, length)))).toBe('malformed');
    }
  });

  test('longer than 4096 bytes is refused', async () => {
    const long = `330a21${KEY}1005180122f01e${'00'.repeat(3952)}`;
    const pad = (count: number) => `${long}${'7a0100'.repeat(count)}${MAC}`;
    expect(await codeOf(() => decode(pad(1)))).toBe('ok');
    expect(await codeOf(() => decode(pad(60)))).toBe('malformed');
  });
});

describe('a key exchange', () => {
  const keyExchange = {
    oneTimePrekeyId: 7,
    signedPrekeyId: 9,
    ephemeralKey: X,
    identityKey: X,
    message: hex('abcdef'),
  };

  test('is written with every field, in order', () => {
    expect(legacy.encodeKeyExchange(keyExchange)).toEqual(hex(KEY_EXCHANGE));
    const withRegistration = KEY_EXCHANGE.replace('3009', '28ffffffff073009');
    expect(legacy.encodeKeyExchange(keyExchange, 2 ** 31 - 1)).toEqual(hex(withRegistration));
  });

  test('is read back, with or without registration id', () => {
    expect(decodeKeyExchange(KEY_EXCHANGE)).toEqual(keyExchange);
    expect(decodeKeyExchange(KEY_EXCHANGE.replace('3009', '28053009'))).toEqual(keyExchange);
    expect(legacy.isKeyExchange(hex(KEY_EXCHANGE))).toBe(true);
  });

  test('is told by content: also without prekey id', () => {
    const withoutId = KEY_EXCHANGE.replace('330807', '33');
    expect(legacy.isKeyExchange(hex(withoutId))).toBe(true);
    expect(decodeKeyExchange(withoutId)).toEqual({
      signedPrekeyId: 9,
      ephemeralKey: X,
      identityKey: X,
      message: hex('abcdef'),
    });
    expect(decodeKeyExchange(KEY_EXCHANGE.replace('0807', '0800')).oneTimePrekeyId).toBe(0);
  });

  test.each([
    ['no ephemeral key', `3308071a21${KEY}2203abcdef3009`, 'malformed'],
    ['no identity key', `3308071221${KEY}2203abcdef3009`, 'malformed'],
    ['no message', `3308071221${KEY}1a21${KEY}3009`, 'malformed'],
    ['no signed prekey id', `3308071221${KEY}1a21${KEY}2203abcdef`, 'malformed'],
    [
      'an ephemeral key without 05',
      KEY_EXCHANGE.replace(`1221${KEY}`, `1220${KEY.slice(2)}`),
      'bad-key',
    ],
    [
      'an identity key without 05',
      KEY_EXCHANGE.replace(`1a21${KEY}`, `1a20${KEY.slice(2)}`),
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

  test('of a genuine client, cut at any place, is refused', async () => {
    for (const id of ['legacy-basic', 'legacy-registration-id']) {
      const [first] = conversationOf(id).steps;
      if (first?.op !== 'send') throw new Error('want a message');
      const whole = base64(first.key);
      expect(await codeOf(() => legacy.decodeKeyExchange(whole))).toBe('ok');
      for (let length = 0; length < whole.length; length++) {
        const cut = () => legacy.decodeKeyExchange(whole.subarray(0, length));
        expect(await codeOf(cut)).toBe('malformed');
      }
    }
  });
});

test('content tells key exchanges from messages in every vector', () => {
  let told = 0;
  for (const { namespace, steps } of vectors.conversations) {
    if (namespace !== legacy.version) continue;
    for (const step of steps) {
      if (step.op !== 'send') continue;
      expect(legacy.isKeyExchange(base64(step.key))).toBe(step.kex);
      told += 1;
    }
  }
  expect(told).toBeGreaterThan(30);
});

describe('identity keys', () => {
  const session = { remoteIdentityKey: hex('22'.repeat(32)), isInitiator: true };

  test('stand in the associated data with 05, the sender first', () => {
    const [own, remote] = [`05${'11'.repeat(32)}`, `05${'22'.repeat(32)}`];
    expect(legacy.associatedData(session, X, 'sending')).toEqual(hex(own + remote));
    expect(legacy.associatedData(session, X, 'receiving')).toEqual(hex(remote + own));
  });

  test('of a bundle must be there and canonical', async () => {
    const rest = { signedPrekey: { id: 1, publicKey: X, signature: X }, oneTimePrekeys: [] };
    expect(legacy.readIdentity({ ...rest, identityKey: X })).toEqual({ identityKey: X });
    expect(await codeOf(() => legacy.readIdentity(rest))).toBe('malformed');
    const wrong = [new Uint8Array(31), new Uint8Array(33), new Uint8Array(32).fill(0xff)];
    for (const identityKey of wrong) {
      expect(await codeOf(() => legacy.readIdentity({ ...rest, identityKey }))).toBe('bad-key');
    }
  });

  test('sign 05 and the prekey, with the sign of the key in the last bit', async () => {
    const signs = new Set<number>();
    for (const { namespace, parties } of vectors.conversations) {
      for (const { identity, signedPreKey } of Object.values(parties)) {
        const keys = { identityKey: hex(identity.curve25519Pub) };
        const signature = hex(signedPreKey.signatureOnWire);
        const isLegacy = namespace === legacy.version;
        expect(await legacy.isSignedBy(keys, hex(signedPreKey.pub), signature)).toBe(isLegacy);
        if (!isLegacy) continue;
        signs.add((signature[63] ?? 0) >> 7);
        signature[63] = (signature[63] ?? 0) ^ 0x80;
        expect(await legacy.isSignedBy(keys, hex(signedPreKey.pub), signature)).toBe(false);
      }
    }
    expect(signs).toEqual(new Set([0, 1]));
  });
});
