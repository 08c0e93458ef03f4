// Elements of legacy OMEMO, eu.siacs.conversations.axolotl (XEP-0384 0.3.0; wire §2). Written in the order and without the
// white space the strictest readers need; read in any order, with white space and unknown children.
import type { PublishedBundle, WireKey, WireMessage } from '../../rpc/vault-api';
import { build, elementOf } from '../../xml/build';
import { childrenOf, serialise, textOf } from '../../xml/element';
import { NS } from '../../xml/ns';
import { fromBase64, toBase64 } from './base64';
import type { Codec, ReceivedMessage } from './codec';
import { readList, writeList, type ListForm } from './device-list';
import {
  isTrue,
  malformed,
  optionalOne,
  readPrekeys,
  requireBytes,
  requireName,
  requireOne,
  requireUint32,
  textChild,
} from './elements';
import { MAX_BUNDLE, MAX_KEYS, MAX_PAYLOAD, MAX_PREKEYS } from '../../limits';

const VERSION = NS.legacy;

/** First byte of a Curve25519 key on the legacy wire. */
const KEY_TYPE = 0x05;

/** Ids of other clients may be any uint32. */
const LIST: ListForm = { name: 'list', ns: VERSION, isId: () => true };

/** `<key rid [prekey]>base64</key>`; the bytes say what `prekey` claims, so a wrong flag does no harm. */
function readKey(element: Element): WireKey {
  return {
    deviceId: requireUint32(element, 'rid'),
    bytes: fromBase64(textOf(element)),
    isKeyExchange: isTrue(element, 'prekey'),
  };
}

/** `<encrypted><header sid><key rid/>…<iv/></header><payload/></encrypted>` */
function readMessage(encrypted: Element): ReceivedMessage {
  requireName(encrypted, 'encrypted', VERSION);
  const header = requireOne(encrypted, 'header', VERSION);
  const keyElements = childrenOf(header, 'key', VERSION);
  if (keyElements.length > MAX_KEYS) throw malformed();
  const ivElement = optionalOne(header, 'iv', VERSION);
  const payloadElement = optionalOne(encrypted, 'payload', VERSION);
  const iv = ivElement && fromBase64(textOf(ivElement));
  const payload = payloadElement && fromBase64(textOf(payloadElement));
  if (payload !== undefined && (iv === undefined || iv.length === 0)) throw malformed();
  if (payload !== undefined && payload.length > MAX_PAYLOAD) throw malformed();
  return {
    senderDeviceId: requireUint32(header, 'sid'),
    keys: keyElements.map(readKey),
    ...(iv !== undefined && { iv }),
    ...(payload !== undefined && { payload }),
  };
}

function writeMessage(message: WireMessage): Element {
  const builder = build('encrypted', { xmlns: VERSION });
  builder.c('header', { sid: String(message.senderDeviceId) });
  for (const key of message.keys) {
    // COMPAT(Debian 12 python-oldmemo, Movim): any present value reads as true, so false is written as nothing.
    textChild(builder, 'key', toBase64(key.bytes), {
      rid: String(key.deviceId),
      ...(key.isKeyExchange && { prekey: 'true' }),
    });
  }
  // COMPAT(lurch 0.7): reads keys only as adjacent siblings, so the iv comes after all of them.
  textChild(builder, 'iv', toBase64(message.iv));
  builder.up();
  if (message.payload !== undefined) textChild(builder, 'payload', toBase64(message.payload));
  return elementOf(builder);
}

/** 33 bytes with the key type on the wire, 32 bytes inside. */
function readPublicKey(element: Element): Uint8Array {
  const bytes = requireBytes(element, 33);
  if (bytes[0] !== KEY_TYPE) throw malformed();
  return bytes.slice(1);
}

function writePublicKey(publicKey: Uint8Array | undefined): string {
  if (publicKey?.length !== 32) {
    throw new TypeError(`publicKey: want 32 bytes, got ${publicKey?.length ?? 'none'}`);
  }
  const bytes = new Uint8Array(33);
  bytes[0] = KEY_TYPE;
  bytes.set(publicKey, 1);
  return toBase64(bytes);
}

/** `<bundle><signedPreKeyPublic signedPreKeyId/><signedPreKeySignature/><identityKey/><prekeys><preKeyPublic preKeyId/>…` */
function readBundle(element: Element): PublishedBundle {
  requireName(element, 'bundle', VERSION);
  if (serialise(element).length > MAX_BUNDLE) throw malformed();
  const signedPrekey = requireOne(element, 'signedPreKeyPublic', VERSION);
  const prekeys = childrenOf(requireOne(element, 'prekeys', VERSION), 'preKeyPublic', VERSION);
  return {
    identityKey: readPublicKey(requireOne(element, 'identityKey', VERSION)),
    signedPrekey: {
      id: requireUint32(signedPrekey, 'signedPreKeyId'),
      publicKey: readPublicKey(signedPrekey),
      signature: requireBytes(requireOne(element, 'signedPreKeySignature', VERSION), 64),
    },
    oneTimePrekeys: readPrekeys(prekeys, 'preKeyId', readPublicKey, MAX_PREKEYS),
  };
}

// COMPAT(Debian 12 python-oldmemo): the children must stand in the order of the XEP.
function writeBundle(bundle: PublishedBundle): Element {
  const { id, publicKey, signature } = bundle.signedPrekey;
  const builder = build('bundle', { xmlns: VERSION });
  textChild(builder, 'signedPreKeyPublic', writePublicKey(publicKey), {
    signedPreKeyId: String(id),
  });
  textChild(builder, 'signedPreKeySignature', toBase64(signature));
  textChild(builder, 'identityKey', writePublicKey(bundle.identityKey));
  builder.c('prekeys', {});
  for (const prekey of bundle.oneTimePrekeys) {
    textChild(builder, 'preKeyPublic', writePublicKey(prekey.publicKey), {
      preKeyId: String(prekey.id),
    });
  }
  return elementOf(builder);
}

export const legacyCodec: Codec<WireMessage> = {
  version: VERSION,
  listNode: `${VERSION}.devicelist`,
  bundleNode: (deviceId) => `${VERSION}.bundles:${deviceId}`,
  bundleItem: () => undefined,
  readMessage,
  writeMessage,
  readBundle,
  writeBundle,
  readDeviceList: (element) => readList(element, LIST),
  // The legacy form has none; other clients ignore or refuse lists that have.
  readDeviceLabels: () => [],
  writeDeviceList: (existing, ownDeviceId) => writeList(existing, ownDeviceId, LIST),
};
