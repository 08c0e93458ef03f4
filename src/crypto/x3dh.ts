// X3DH (Signal, revision 1, §3.3 and §3.4), with the info string as parameter. No OMEMO words.
import { concat } from './bytes';
import { agree } from './engine';
import { hkdfSha256 } from './kdf';

interface Pair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

async function sharedSecret(
  agreements: readonly Promise<Uint8Array>[],
  info: string,
): Promise<Uint8Array> {
  const prefix = new Uint8Array(32).fill(0xff);
  return hkdfSha256(concat(prefix, ...(await Promise.all(agreements))), undefined, info, 32);
}

/**
 * Active side: 32 bytes of shared secret from the other side's bundle.
 * @throws KeyError for keys that are not canonical or of low order.
 */
export function agreeActively(input: {
  readonly info: string;
  readonly identity: Pair;
  readonly ephemeral: Pair;
  readonly remoteIdentityKey: Uint8Array;
  readonly remoteSignedPrekey: Uint8Array;
  readonly remoteOneTimePrekey: Uint8Array;
}): Promise<Uint8Array> {
  const { identity, ephemeral } = input;
  return sharedSecret(
    [
      agree(identity.privateKey, input.remoteSignedPrekey),
      agree(ephemeral.privateKey, input.remoteIdentityKey),
      agree(ephemeral.privateKey, input.remoteSignedPrekey),
      agree(ephemeral.privateKey, input.remoteOneTimePrekey),
    ],
    input.info,
  );
}

/**
 * Passive side: the same 32 bytes from our private keys and the received key exchange.
 * @throws KeyError for keys that are not canonical or of low order.
 */
export function agreePassively(input: {
  readonly info: string;
  readonly identity: Pair;
  readonly signedPrekey: Pair;
  readonly oneTimePrekey: Pair;
  readonly remoteIdentityKey: Uint8Array;
  readonly remoteEphemeralKey: Uint8Array;
}): Promise<Uint8Array> {
  const { identity, signedPrekey, oneTimePrekey } = input;
  return sharedSecret(
    [
      agree(signedPrekey.privateKey, input.remoteIdentityKey),
      agree(identity.privateKey, input.remoteEphemeralKey),
      agree(signedPrekey.privateKey, input.remoteEphemeralKey),
      agree(oneTimePrekey.privateKey, input.remoteEphemeralKey),
    ],
    input.info,
  );
}
