// A bundle as its bytes stand on the wire, and as the core holds it.
import { concat } from '../../src/crypto/bytes';
import type { Bundle, OmemoVersion, PublishedBundle } from '../../src/omemo/types';
import type { WireBundle } from './side';

const TYPE = Uint8Array.of(5);

function plain(key: Uint8Array): Uint8Array {
  return key;
}

function typed(key: Uint8Array): Uint8Array {
  return concat(TYPE, key);
}

function untyped(key: Uint8Array): Uint8Array {
  if (key.length !== 33 || key[0] !== 5) throw new RangeError('key: want 05 and 32 bytes');
  return key.slice(1);
}

/** Legacy: every key is 05 and 32 bytes. `urn:xmpp:omemo:2`: 32 bytes, the identity key in Ed25519 form. */
export function toWire(version: OmemoVersion, bundle: Bundle): WireBundle {
  const { identityKey, identityKeyEd, signedPrekey, oneTimePrekeys } = bundle;
  const write = version === 'urn:xmpp:omemo:2' ? plain : typed;
  return {
    identityKey: write(identityKeyEd ?? identityKey),
    signedPrekey: {
      id: signedPrekey.id,
      key: write(signedPrekey.publicKey),
      signature: signedPrekey.signature,
    },
    prekeys: oneTimePrekeys.map(({ id, publicKey }) => ({ id, key: write(publicKey) })),
  };
}

export function fromWire(version: OmemoVersion, bundle: WireBundle): PublishedBundle {
  const isOmemo2 = version === 'urn:xmpp:omemo:2';
  const { identityKey, signedPrekey, prekeys } = bundle;
  const read = isOmemo2 ? plain : untyped;
  return {
    ...(isOmemo2 ? { identityKeyEd: identityKey } : { identityKey: untyped(identityKey) }),
    signedPrekey: {
      id: signedPrekey.id,
      publicKey: read(signedPrekey.key),
      signature: signedPrekey.signature,
    },
    oneTimePrekeys: prekeys.map(({ id, key }) => ({ id, publicKey: read(key) })),
  };
}
