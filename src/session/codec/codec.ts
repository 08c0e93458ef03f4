// One interface for the element shapes of an OMEMO version, and the search for the `<encrypted>` we can read. The crypto
// of a version lives in the vault; here elements become plain records and back.
import type { ContentApi, WireKey, WireMessage } from '../../rpc/vault-api';
import { childrenOf } from '../../xml/element';
import { legacyCodec } from './legacy';

export type OmemoVersion = WireMessage['version'];
export type Bundle = ContentApi['ownBundle']['result']['bundle'];

/** An `<encrypted>` as read: every key of every device; `payload` is absent in an empty message. */
export interface ReceivedMessage {
  readonly senderDeviceId: number;
  readonly keys: readonly WireKey[];
  readonly iv?: Uint8Array;
  readonly payload?: Uint8Array;
}

/** Elements of one OMEMO version. Readers throw StanzaError `malformed`. */
export interface Codec {
  readonly version: OmemoVersion;
  /** PEP node of the device list. */
  readonly listNode: string;
  /** PEP node of the bundle of one device. */
  bundleNode(deviceId: number): string;
  readMessage(encrypted: Element): ReceivedMessage;
  writeMessage(message: WireMessage): Element;
  readBundle(element: Element): Bundle;
  writeBundle(bundle: Bundle): Element;
  /** Device ids in order, each once; entries that are no id are left out. */
  readDeviceList(element: Element): number[];
  /**
   * The list with our id in it.
   * @param existing the list on the server: its other entries are kept verbatim, with all attributes.
   */
  writeDeviceList(existing: Element | undefined, ownDeviceId: number): Element;
}

const CODECS: Readonly<Record<OmemoVersion, Codec>> = { [legacyCodec.version]: legacyCodec };

/** The codec of a version. */
export function codecFor(version: OmemoVersion): Codec {
  return CODECS[version];
}

/** The `<encrypted>` of a version we speak; two of the same namespace are not read at all. */
export function findEncrypted(
  message: Element,
): { readonly codec: Codec; readonly element: Element } | 'none' | 'several' {
  for (const codec of Object.values(CODECS)) {
    const found = childrenOf(message, 'encrypted', codec.version);
    const [element] = found;
    if (element !== undefined) return found.length > 1 ? 'several' : { codec, element };
  }
  return 'none';
}
