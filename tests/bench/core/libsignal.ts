// libsignal-client 0.60.2, native code under Node: plain X3DH as in legacy OMEMO. Sessions and prekeys are kept serialised,
// as a store would.
import type { Device, Implementation } from './scenarios';

interface PublicKey {
  serialize(): Buffer;
}

interface PrivateKey {
  getPublicKey(): PublicKey;
  sign(message: Buffer): Buffer;
}

interface Rec {
  serialize(): Buffer;
}

interface Address {
  name(): string;
}

interface Encrypted extends Rec {
  type(): number;
}

interface Reader {
  deserialize(bytes: Buffer): Rec;
}

type Store = abstract new () => object;

/** What is used of the package. */
export interface LibsignalLibrary {
  readonly PrivateKey: { generate(): PrivateKey };
  readonly ProtocolAddress: { new: (name: string, deviceId: number) => Address };
  readonly PreKeyRecord: Reader & { new: (id: number, key: PublicKey, own: PrivateKey) => Rec };
  readonly SignedPreKeyRecord: Reader & {
    new: (id: number, time: number, key: PublicKey, own: PrivateKey, signature: Buffer) => Rec;
  };
  readonly PreKeyBundle: {
    new: (
      registrationId: number,
      deviceId: number,
      prekeyId: number,
      prekey: PublicKey,
      signedPrekeyId: number,
      signedPrekey: PublicKey,
      signature: Buffer,
      identityKey: PublicKey,
    ) => Bundle;
  };
  readonly SessionRecord: Reader;
  readonly SignalMessage: Reader;
  readonly PreKeySignalMessage: Reader;
  readonly SessionStore: Store;
  readonly IdentityKeyStore: Store;
  readonly PreKeyStore: Store;
  readonly SignedPreKeyStore: Store;
  readonly KyberPreKeyStore: Store;
  processPreKeyBundle(bundle: Bundle, to: Address, sessions: object, ids: object): Promise<void>;
  signalEncrypt(
    plain: Buffer,
    to: Address,
    sessions: object,
    identities: object,
  ): Promise<Encrypted>;
  signalDecrypt(message: Rec, from: Address, sessions: object, identities: object): Promise<Buffer>;
  signalDecryptPreKey(
    message: Rec,
    from: Address,
    sessions: object,
    identities: object,
    prekeys: object,
    signedPrekeys: object,
    kyberPrekeys: object,
  ): Promise<Buffer>;
}

interface Bundle {
  registrationId(): number;
}

interface Message {
  readonly isKeyExchange: boolean;
  readonly bytes: Buffer;
}

/** CiphertextMessageType.PreKey */
const KEY_EXCHANGE = 3;

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('no such record');
  return value;
}

/** The stores of one device, each over a map of serialised records. */
function storesOf(library: LibsignalLibrary, identity: PrivateKey) {
  const sessions = new Map<string, Buffer>();
  const prekeys = new Map<number, Buffer>();
  const signedPrekeys = new Map<number, Buffer>();
  const read = (reader: Reader, bytes: Buffer | undefined) => reader.deserialize(present(bytes));
  class Sessions extends library.SessionStore {
    async saveSession(address: Address, record: Rec) {
      sessions.set(address.name(), record.serialize());
    }
    async getSession(address: Address) {
      const bytes = sessions.get(address.name());
      return bytes === undefined ? null : library.SessionRecord.deserialize(bytes);
    }
  }
  class Identities extends library.IdentityKeyStore {
    async getIdentityKey() {
      return identity;
    }
    async getLocalRegistrationId() {
      return 1;
    }
    async saveIdentity() {
      return false;
    }
    async isTrustedIdentity() {
      return true;
    }
    async getIdentity() {
      return null;
    }
  }
  class Prekeys extends library.PreKeyStore {
    async savePreKey(id: number, record: Rec) {
      prekeys.set(id, record.serialize());
    }
    async getPreKey(id: number) {
      return read(library.PreKeyRecord, prekeys.get(id));
    }
    async removePreKey(id: number) {
      prekeys.delete(id);
    }
  }
  class SignedPrekeys extends library.SignedPreKeyStore {
    async saveSignedPreKey(id: number, record: Rec) {
      signedPrekeys.set(id, record.serialize());
    }
    async getSignedPreKey(id: number) {
      return read(library.SignedPreKeyRecord, signedPrekeys.get(id));
    }
  }
  /** No bundle here has such keys. */
  class KyberPrekeys extends library.KyberPreKeyStore {}
  return {
    records: sessions,
    sessions: new Sessions(),
    identities: new Identities(),
    prekeys: new Prekeys(),
    signedPrekeys: new SignedPrekeys(),
    kyberPrekeys: new KyberPrekeys(),
  };
}

interface Keys {
  readonly identity: PrivateKey;
  readonly signedPrekey: PrivateKey;
  readonly signature: Buffer;
}

function newKeys({ PrivateKey }: LibsignalLibrary): Keys {
  const [identity, signedPrekey] = [PrivateKey.generate(), PrivateKey.generate()];
  const signature = identity.sign(signedPrekey.getPublicKey().serialize());
  return { identity, signedPrekey, signature };
}

function bundleOf(library: LibsignalLibrary, keys: Keys, prekey: PrivateKey): Bundle {
  const { identity, signedPrekey, signature } = keys;
  const publicKeys = [prekey, signedPrekey, identity].map((key) => key.getPublicKey());
  const [prekeyPublic, signedPublic, identityPublic] = publicKeys;
  return library.PreKeyBundle.new(
    1,
    1,
    1,
    present(prekeyPublic),
    1,
    present(signedPublic),
    signature,
    present(identityPublic),
  );
}

async function device(library: LibsignalLibrary): Promise<Device<Bundle, Message>> {
  const keys = newKeys(library);
  const { signedPrekey, signature } = keys;
  const stores = storesOf(library, keys.identity);
  const { sessions, identities } = stores;
  await stores.signedPrekeys.saveSignedPreKey(
    1,
    library.SignedPreKeyRecord.new(1, 0, signedPrekey.getPublicKey(), signedPrekey, signature),
  );
  const prekeys = Array.from({ length: 100 }, () => library.PrivateKey.generate());
  for (const [i, key] of prekeys.entries()) {
    const record = library.PreKeyRecord.new(i + 1, key.getPublicKey(), key);
    await stores.prekeys.savePreKey(i + 1, record);
  }
  const addressOf = (other: string) => library.ProtocolAddress.new(other, 1);
  const encrypt = async (other: string, keyMaterial: Uint8Array): Promise<Message> => {
    const plain = Buffer.from(keyMaterial);
    const sealed = await library.signalEncrypt(plain, addressOf(other), sessions, identities);
    return { isKeyExchange: sealed.type() === KEY_EXCHANGE, bytes: sealed.serialize() };
  };
  return {
    bundle: async () => bundleOf(library, keys, present(prekeys[0])),
    start: async (other, bundle, keyMaterial) => {
      await library.processPreKeyBundle(bundle, addressOf(other), sessions, identities);
      return encrypt(other, keyMaterial);
    },
    encrypt,
    decrypt: async (other, { isKeyExchange, bytes }) =>
      isKeyExchange
        ? library.signalDecryptPreKey(
            library.PreKeySignalMessage.deserialize(bytes),
            addressOf(other),
            sessions,
            identities,
            stores.prekeys,
            stores.signedPrekeys,
            stores.kyberPrekeys,
          )
        : library.signalDecrypt(
            library.SignalMessage.deserialize(bytes),
            addressOf(other),
            sessions,
            identities,
          ),
    copySession: async (from, to) => {
      stores.records.set(to, present(stores.records.get(from)));
    },
  };
}

export function libsignal(library: LibsignalLibrary): Implementation<Bundle, Message> {
  return {
    device: () => device(library),
    foreignBundle: async () => bundleOf(library, newKeys(library), library.PrivateKey.generate()),
  };
}
