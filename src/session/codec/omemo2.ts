// Elements of urn:xmpp:omemo:2 (XEP-0384 0.9.1; wire §2): keys stand by the bare JID of their owner, all bundles of an
// account in one node. Written without white space between elements; read in any order, with white space and unknown children.
import { bareJid } from '../../jid';
import type { DeviceLabel, Omemo2Key, Omemo2Message, PublishedBundle } from '../../rpc/vault-api';
import { build, elementOf } from '../../xml/build';
import { childrenOf, serialise, textOf } from '../../xml/element';
import { NS } from '../../xml/ns';
import { fromBase64, toBase64 } from './base64';
import type { Codec, ReceivedMessage } from './codec';
import { devicesIn, idOf, readList, writeList, type ListForm } from './device-list';
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
import { MAX_BUNDLE, MAX_KEYS, MAX_LABEL, MAX_PAYLOAD, MAX_PREKEYS } from '../../limits';

const VERSION = NS.omemo2;

/** XEP-0384 §5.1 (0.9.1): 1…2^31−1. */
function isDeviceId(id: number): boolean {
  return id >= 1 && id <= 0x7fff_ffff;
}

const LIST: ListForm = { name: 'devices', ns: VERSION, isId: isDeviceId };

function requireDeviceId(element: Element, attribute: string): number {
  const id = requireUint32(element, attribute);
  if (!isDeviceId(id)) throw malformed();
  return id;
}

/** `<keys jid><key rid [kex]>base64</key>…`; the bytes say what `kex` claims, so a wrong flag does no harm. */
function readKeys(owner: Element): Omemo2Key[] {
  const attribute = owner.getAttribute('jid');
  if (attribute === null) throw malformed();
  const jid = bareJid(attribute);
  // An address we cannot read is not ours; the message may still be for us.
  if (jid === undefined) return [];
  return childrenOf(owner, 'key', VERSION).map((element) => ({
    jid,
    deviceId: requireDeviceId(element, 'rid'),
    bytes: fromBase64(textOf(element)),
    isKeyExchange: isTrue(element, 'kex'),
  }));
}

/** `<encrypted><header sid><keys jid><key rid/>…</keys>…</header><payload/></encrypted>` */
function readMessage(encrypted: Element): ReceivedMessage {
  requireName(encrypted, 'encrypted', VERSION);
  const header = requireOne(encrypted, 'header', VERSION);
  const owners = childrenOf(header, 'keys', VERSION);
  const count = owners.reduce((sum, owner) => sum + childrenOf(owner, 'key', VERSION).length, 0);
  if (count > MAX_KEYS) throw malformed();
  const payloadElement = optionalOne(encrypted, 'payload', VERSION);
  const payload = payloadElement && fromBase64(textOf(payloadElement));
  if (payload !== undefined && payload.length > MAX_PAYLOAD) throw malformed();
  return {
    senderDeviceId: requireDeviceId(header, 'sid'),
    keys: owners.flatMap(readKeys),
    // CBC fills up to a block, so an empty element cannot be a ciphertext: it is an empty message.
    ...(payload !== undefined && payload.length > 0 && { payload }),
  };
}

function byOwner(keys: readonly Omemo2Key[]): Map<string, Omemo2Key[]> {
  const owners = new Map<string, Omemo2Key[]>();
  for (const key of keys) {
    const known = owners.get(key.jid);
    if (known === undefined) owners.set(key.jid, [key]);
    else known.push(key);
  }
  return owners;
}

function writeMessage(message: Omemo2Message): Element {
  const builder = build('encrypted', { xmlns: VERSION });
  builder.c('header', { sid: String(message.senderDeviceId) });
  for (const [jid, keys] of byOwner(message.keys)) {
    builder.c('keys', { jid });
    for (const key of keys) {
      // COMPAT(Debian 12 python-twomemo): any present value reads as true, so false is written as nothing.
      textChild(builder, 'key', toBase64(key.bytes), {
        rid: String(key.deviceId),
        ...(key.isKeyExchange && { kex: 'true' }),
      });
    }
    builder.up();
  }
  builder.up();
  if (message.payload !== undefined) textChild(builder, 'payload', toBase64(message.payload));
  return elementOf(builder);
}

function readPublicKey(element: Element): Uint8Array {
  return requireBytes(element, 32);
}

function writePublicKey(publicKey: Uint8Array | undefined): string {
  if (publicKey?.length !== 32) {
    throw new TypeError(`publicKey: want 32 bytes, got ${publicKey?.length ?? 'none'}`);
  }
  return toBase64(publicKey);
}

/** `<bundle><spk id/><spks/><ik/><prekeys><pk id/>…` */
function readBundle(element: Element): PublishedBundle {
  requireName(element, 'bundle', VERSION);
  if (serialise(element).length > MAX_BUNDLE) throw malformed();
  const signedPrekey = requireOne(element, 'spk', VERSION);
  const prekeys = childrenOf(requireOne(element, 'prekeys', VERSION), 'pk', VERSION);
  return {
    identityKeyEd: readPublicKey(requireOne(element, 'ik', VERSION)),
    signedPrekey: {
      // COMPAT(Converse 14): its signed prekey has id 0, outside the range of the specification.
      id: requireUint32(signedPrekey, 'id'),
      publicKey: readPublicKey(signedPrekey),
      signature: requireBytes(requireOne(element, 'spks', VERSION), 64),
    },
    oneTimePrekeys: readPrekeys(prekeys, 'id', readPublicKey, MAX_PREKEYS),
  };
}

function writeBundle(bundle: PublishedBundle): Element {
  const { id, publicKey, signature } = bundle.signedPrekey;
  const builder = build('bundle', { xmlns: VERSION });
  textChild(builder, 'spk', writePublicKey(publicKey), { id: String(id) });
  textChild(builder, 'spks', toBase64(signature));
  textChild(builder, 'ik', writePublicKey(bundle.identityKeyEd));
  builder.c('prekeys', {});
  for (const prekey of bundle.oneTimePrekeys) {
    textChild(builder, 'pk', writePublicKey(prekey.publicKey), { id: String(prekey.id) });
  }
  return elementOf(builder);
}

function labelOf(device: Element): DeviceLabel | undefined {
  const deviceId = idOf(device, LIST);
  const label = device.getAttribute('label') ?? '';
  const length = Array.from(label).length;
  if (deviceId === undefined || length === 0 || length > MAX_LABEL) return undefined;
  try {
    const signature = fromBase64(device.getAttribute('labelsig') ?? '');
    return signature.length === 64 ? { deviceId, label, signature } : undefined;
  } catch {
    return undefined; // a label without a signature is none; the device still counts
  }
}

/** Labels of a device list that may be shown once their signature is checked. @throws StanzaError `malformed`. */
export function readDeviceLabels(list: Element): DeviceLabel[] {
  return devicesIn(list, LIST)
    .map(labelOf)
    .filter((label) => label !== undefined);
}

export const omemo2Codec: Codec<Omemo2Message> = {
  version: VERSION,
  listNode: `${VERSION}:devices`,
  bundleNode: () => `${VERSION}:bundles`,
  bundleItem: (deviceId) => String(deviceId),
  readMessage,
  writeMessage,
  readBundle,
  writeBundle,
  readDeviceList: (element) => readList(element, LIST),
  readDeviceLabels,
  writeDeviceList: (existing, ownDeviceId) => writeList(existing, ownDeviceId, LIST),
};
