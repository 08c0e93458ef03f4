// One interface for the element shapes of both OMEMO versions, and the choice among the `<encrypted>` of a stanza. The
// crypto of a version lives in the vault; here elements become plain records and back.
import type { BareJid } from '../../jid';
import type {
  DeviceLabel,
  EncryptedMessage,
  OmemoVersion,
  PublishedBundle,
  WireKey,
} from '../../rpc/vault-api';
import { childrenOf } from '../../xml/element';
import { StanzaError } from '../errors';
import { legacyCodec } from './legacy';
import { omemo2Codec } from './omemo2';

/** An `<encrypted>` as read: every key of every device; `payload` is absent in an empty message. */
export interface ReceivedMessage {
  readonly senderDeviceId: number;
  readonly keys: readonly WireKey[];
  readonly iv?: Uint8Array;
  readonly payload?: Uint8Array;
}

/** Elements of one OMEMO version. Readers throw StanzaError `malformed`. */
export interface Codec<M = EncryptedMessage> {
  readonly version: OmemoVersion;
  /** PEP node of the device list. */
  readonly listNode: string;
  /** PEP node of the bundle of one device. */
  bundleNode(deviceId: number): string;
  /** Item of that node with the bundle; undefined: the only one, under whatever id. */
  bundleItem(deviceId: number): string | undefined;
  readMessage(encrypted: Element): ReceivedMessage;
  writeMessage(message: M): Element;
  readBundle(element: Element): PublishedBundle;
  /** @param bundle with the identity key in the form of this version. */
  writeBundle(bundle: PublishedBundle): Element;
  /** Device ids in order, each once; entries that are no id are left out. */
  readDeviceList(element: Element): number[];
  /** Labels of devices that carry a signature; whether it holds the vault says. */
  readDeviceLabels(element: Element): DeviceLabel[];
  /**
   * The list with our id in it.
   * @param existing the list on the server: its other entries are kept verbatim, with all attributes.
   */
  writeDeviceList(existing: Element | undefined, ownDeviceId: number): Element;
}

// In order of preference: a V2 bundle does not promise that its owner can read V2 payloads, so where a sender
// wrote to us in both versions, legacy is the tried one.
const CODECS = {
  'eu.siacs.conversations.axolotl': legacyCodec,
  'urn:xmpp:omemo:2': omemo2Codec,
} as const satisfies Readonly<Record<OmemoVersion, unknown>>;

/** The codec of a version. */
export function codecFor<V extends OmemoVersion>(version: V): (typeof CODECS)[V] {
  return CODECS[version];
}

/** The `<encrypted>` of a message. */
export function writeEncrypted(message: EncryptedMessage): Element {
  return message.version === 'urn:xmpp:omemo:2'
    ? omemo2Codec.writeMessage(message)
    : legacyCodec.writeMessage(message);
}

/** One `<encrypted>` with the codec that reads it. */
export interface FoundEncrypted {
  readonly codec: Codec;
  readonly element: Element;
}

/**
 * Every `<encrypted>` of a version we speak, legacy first; empty in a plain message. Two versions in one stanza are legal,
 * two elements of the same namespace make all of it unreadable.
 */
export function findEncrypted(message: Element): readonly FoundEncrypted[] | 'several' {
  const found: FoundEncrypted[] = [];
  for (const codec of Object.values(CODECS)) {
    const [element, second] = childrenOf(message, 'encrypted', codec.version);
    if (second !== undefined) return 'several';
    if (element !== undefined) found.push({ codec, element });
  }
  return found;
}

/** A device to read for; `deviceId` is absent while the account is not decided. */
export interface Recipient {
  readonly jid: BareJid;
  readonly deviceId: number | undefined;
}

/** What was read of a stanza, and the keys in it that are for us. */
export interface MessageForUs {
  readonly codec: Codec;
  readonly message: ReceivedMessage;
  readonly keys: readonly WireKey[];
}

function isFor(key: WireKey, { jid, deviceId }: Recipient): boolean {
  return key.deviceId === deviceId && (key.jid === undefined || key.jid === jid);
}

function readFor({ codec, element }: FoundEncrypted, recipient: Recipient): MessageForUs[] {
  try {
    const message = codec.readMessage(element);
    return [{ codec, message, keys: message.keys.filter((key) => isFor(key, recipient)) }];
  } catch (error) {
    if (error instanceof StanzaError) return []; // the other version may be well-formed
    throw error;
  }
}

/**
 * The version to read: the first that has a key for us, because senders address each device in one version only (a device
 * on both lists gets legacy from most and V2 from Converse 14); else the first that can be read at all.
 * @throws StanzaError `malformed` if none can be read.
 */
export function chooseEncrypted(
  found: readonly FoundEncrypted[],
  recipient: Recipient,
): MessageForUs {
  const read = found.flatMap((each) => readFor(each, recipient));
  const chosen = read.find(({ keys }) => keys.length > 0) ?? read[0];
  if (chosen === undefined) throw new StanzaError('malformed');
  return chosen;
}
