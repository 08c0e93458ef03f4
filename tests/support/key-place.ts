// Where a key of the Double Ratchet stands: no two messages may be encrypted with the one of one place.
import { toHex } from '../../src/crypto/bytes';
import { protocolFor } from '../../src/omemo/protocol';
import type { OmemoVersion } from '../../src/omemo/types';

/** Version, ratchet key and number in its chain. `bytes` are the content of a `<key>`. */
export function keyPlace(version: OmemoVersion, bytes: Uint8Array, isKeyExchange: boolean): string {
  const protocol = protocolFor(version);
  const inner = isKeyExchange ? protocol.decodeKeyExchange(bytes).message : bytes;
  const { ratchetKey, n } = protocol.decodeMessage(inner).header;
  return `${version} ${toHex(ratchetKey)} ${n}`;
}
