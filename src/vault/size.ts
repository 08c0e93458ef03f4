// How large a stanza will be, before any ratchet moves on for it (I-10).
import { MAX_STANZA_BYTES } from '../limits';
import { LEGACY, VERSIONS } from '../rpc/versions';
import type { OutgoingMessage } from './encrypt';
import type { Target } from './recipients';

/** Bytes of one `<key>` with key exchange and attributes, base64; measured 236 to 264 (I-10). */
const KEY_BYTES = 330;
/** What stands around keys and payload: addresses, ids, hints, EME, the fallback body. */
const REST_BYTES = 8 * 1024;

function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}

/** Would the message be too large for servers. */
export function isTooLarge(
  { text, envelope }: Pick<OutgoingMessage, 'text' | 'envelope'>,
  targets: readonly Pick<Target, 'version'>[],
): boolean {
  const parts = VERSIONS.filter((version) => targets.some((target) => target.version === version));
  const payloads = parts.map((version) => {
    const plaintext = version === LEGACY ? text : envelope;
    return base64Length(new TextEncoder().encode(plaintext).length);
  });
  const size = payloads.reduce((sum, length) => sum + length, targets.length * KEY_BYTES);
  return size + REST_BYTES > MAX_STANZA_BYTES;
}
