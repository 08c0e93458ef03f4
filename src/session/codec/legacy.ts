// Elements of legacy OMEMO, eu.siacs.conversations.axolotl (XEP-0384 0.3.0; wire §2). Written in the order and without the
// white space the strictest readers need; read in any order, with white space and unknown children.
import type { WireKey, WireMessage } from '../../rpc/vault-api';
import { build, elementOf, type Builder } from '../../xml/build';
import { append, childOf, childrenOf, serialise, textOf } from '../../xml/element';
import { NS } from '../../xml/ns';
import { StanzaError } from '../errors';
import { fromBase64, toBase64 } from './base64';
import type { Bundle, Codec, ReceivedMessage } from './codec';

const VERSION = NS.legacy;

/** M63. */
const MAX_KEYS = 3000;
/** M63: bytes of a payload. */
const MAX_PAYLOAD = 512 * 1024;
/** M63: characters of a bundle. */
const MAX_BUNDLE = 64 * 1024;
/** M63. */
const MAX_PREKEYS = 200;
const MAX_UINT32 = 0xffff_ffff;
/** First byte of a Curve25519 key on the legacy wire. */
const KEY_TYPE = 0x05;

function malformed(): StanzaError {
  return new StanzaError('malformed');
}

function uint32(text: string | null): number | undefined {
  if (text === null || !/^[0-9]{1,10}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= MAX_UINT32 ? value : undefined;
}

function requireUint32(element: Element, attribute: string): number {
  const value = uint32(element.getAttribute(attribute));
  if (value === undefined) throw malformed();
  return value;
}

function requireOne(parent: Element, name: string): Element {
  const element = optionalOne(parent, name);
  if (element === undefined) throw malformed();
  return element;
}

function optionalOne(parent: Element, name: string): Element | undefined {
  const found = childrenOf(parent, name, VERSION);
  if (found.length > 1) throw malformed();
  return found[0];
}

function requireName(element: Element, name: string): void {
  if (element.localName !== name || element.namespaceURI !== VERSION) throw malformed();
}

/** `<key rid [prekey]>base64</key>`; the bytes say what `prekey` claims, so a wrong flag does no harm. */
function readKey(element: Element): WireKey {
  const flag = element.getAttribute('prekey')?.trim().toLowerCase();
  return {
    deviceId: requireUint32(element, 'rid'),
    bytes: fromBase64(textOf(element)),
    isKeyExchange: flag === 'true' || flag === '1',
  };
}

/** `<encrypted><header sid><key rid/>…<iv/></header><payload/></encrypted>` */
function readMessage(encrypted: Element): ReceivedMessage {
  requireName(encrypted, 'encrypted');
  const header = requireOne(encrypted, 'header');
  const keyElements = childrenOf(header, 'key', VERSION);
  if (keyElements.length > MAX_KEYS) throw malformed();
  const ivElement = optionalOne(header, 'iv');
  const payloadElement = optionalOne(encrypted, 'payload');
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

function textChild(
  builder: Builder,
  name: string,
  text: string,
  attributes: Record<string, string> = {},
): void {
  builder.c(name, attributes).t(text).up();
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
  const bytes = fromBase64(textOf(element));
  if (bytes.length !== 33 || bytes[0] !== KEY_TYPE) throw malformed();
  return bytes.slice(1);
}

function writePublicKey(publicKey: Uint8Array): string {
  if (publicKey.length !== 32) {
    throw new TypeError(`publicKey: want 32 bytes, got ${publicKey.length}`);
  }
  const bytes = new Uint8Array(33);
  bytes[0] = KEY_TYPE;
  bytes.set(publicKey, 1);
  return toBase64(bytes);
}

function readOneTimePrekeys(bundle: Element): Bundle['oneTimePrekeys'] {
  const elements = childrenOf(requireOne(bundle, 'prekeys'), 'preKeyPublic', VERSION);
  if (elements.length > MAX_PREKEYS) throw malformed();
  const byId = new Map<number, Uint8Array>();
  for (const element of elements) {
    const id = requireUint32(element, 'preKeyId');
    const publicKey = readPublicKey(element);
    // libomemo.js takes id 0 for "no prekey" and derives another secret.
    if (id !== 0 && !byId.has(id)) byId.set(id, publicKey);
  }
  return Array.from(byId, ([id, publicKey]) => ({ id, publicKey }));
}

/** `<bundle><signedPreKeyPublic signedPreKeyId/><signedPreKeySignature/><identityKey/><prekeys><preKeyPublic preKeyId/>…` */
function readBundle(element: Element): Bundle {
  requireName(element, 'bundle');
  if (serialise(element).length > MAX_BUNDLE) throw malformed();
  const signedPrekey = requireOne(element, 'signedPreKeyPublic');
  const signature = fromBase64(textOf(requireOne(element, 'signedPreKeySignature')));
  if (signature.length !== 64) throw malformed();
  return {
    identityKey: readPublicKey(requireOne(element, 'identityKey')),
    signedPrekey: {
      id: requireUint32(signedPrekey, 'signedPreKeyId'),
      publicKey: readPublicKey(signedPrekey),
      signature,
    },
    oneTimePrekeys: readOneTimePrekeys(element),
  };
}

// COMPAT(Debian 12 python-oldmemo): the children must stand in the order of the XEP.
function writeBundle(bundle: Bundle): Element {
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

/** `<list><device id/>…</list>` */
function readDeviceList(element: Element): number[] {
  requireName(element, 'list');
  const ids = childrenOf(element, 'device', VERSION).map((device) =>
    uint32(device.getAttribute('id')),
  );
  return [...new Set(ids.filter((id) => id !== undefined))];
}

function writeDeviceList(existing: Element | undefined, ownDeviceId: number): Element {
  if (existing !== undefined) requireName(existing, 'list');
  const list = elementOf(build('list', { xmlns: VERSION }));
  const others = existing === undefined ? [] : childrenOf(existing, 'device', VERSION);
  for (const device of others) {
    if (uint32(device.getAttribute('id')) !== ownDeviceId) append(list, device);
  }
  append(
    list,
    requireDevice(
      elementOf(build('list', { xmlns: VERSION }).c('device', { id: String(ownDeviceId) })),
    ),
  );
  return list;
}

function requireDevice(list: Element): Element {
  const device = childOf(list, 'device', VERSION);
  if (device === undefined) throw new TypeError('list: want a device');
  return device;
}

export const legacyCodec: Codec = {
  version: VERSION,
  listNode: `${VERSION}.devicelist`,
  bundleNode: (deviceId) => `${VERSION}.bundles:${deviceId}`,
  readMessage,
  writeMessage,
  readBundle,
  writeBundle,
  readDeviceList,
  writeDeviceList,
};
