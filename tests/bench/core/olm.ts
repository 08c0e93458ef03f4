// olm, Matrix's ratchet in WASM: three agreements instead of four, no signature in its sessions' start, sessions live in its
// memory. The sender's half of a DH step is done by its next encryption.
import type { Device, Implementation } from './scenarios';

interface Account {
  create(): void;
  identity_keys(): string;
  one_time_keys(): string;
  generate_one_time_keys(count: number): void;
  mark_keys_as_published(): void;
  sign(message: string): string;
}

interface Message {
  readonly type: 0 | 1;
  readonly body: string;
}

interface Session {
  create_outbound(account: Account, identityKey: string, oneTimeKey: string): void;
  create_inbound(account: Account, body: string): void;
  encrypt(plaintext: string): Message;
  decrypt(type: number, body: string): string;
  pickle(key: string): string;
  unpickle(key: string, pickle: string): void;
}

export interface OlmLibrary {
  init(options: { locateFile(): string }): Promise<void>;
  readonly Account: new () => Account;
  readonly Session: new () => Session;
  readonly Utility: new () => {
    ed25519_verify(key: string, message: string, signature: string): void;
  };
}

interface Bundle {
  readonly identityKey: string;
  readonly signingKey: string;
  readonly oneTimeKey: string;
  readonly signature: string;
}

function textOf(value: unknown, ...names: readonly string[]): string {
  let at = value;
  for (const name of names) at = Object(at)[name];
  if (typeof at !== 'string') throw new TypeError(`${names.join('.')}: want a string`);
  return at;
}

function newAccount(library: OlmLibrary, keys: number): { account: Account; bundle: Bundle } {
  const account = new library.Account();
  account.create();
  account.generate_one_time_keys(keys);
  const identity: unknown = JSON.parse(account.identity_keys());
  const oneTime: object = JSON.parse(account.one_time_keys()).curve25519;
  const oneTimeKey = String(Object.values(oneTime)[0]);
  account.mark_keys_as_published();
  const bundle = {
    identityKey: textOf(identity, 'curve25519'),
    signingKey: textOf(identity, 'ed25519'),
    oneTimeKey,
    signature: account.sign(oneTimeKey),
  };
  return { account, bundle };
}

/** olm takes text; one character per byte. */
function asText(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function asBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

async function device(library: OlmLibrary): Promise<Device<Bundle, Message>> {
  const { account, bundle } = newAccount(library, 100);
  const utility = new library.Utility();
  const sessions = new Map<string, Session>();
  const sessionWith = (other: string): Session => {
    const session = sessions.get(other);
    if (session === undefined) throw new Error('no session');
    return session;
  };
  return {
    bundle: async () => bundle,
    start: async (other, { identityKey, signingKey, oneTimeKey, signature }, keyMaterial) => {
      utility.ed25519_verify(signingKey, oneTimeKey, signature);
      const session = new library.Session();
      session.create_outbound(account, identityKey, oneTimeKey);
      sessions.set(other, session);
      return session.encrypt(asText(keyMaterial));
    },
    encrypt: async (other, keyMaterial) => sessionWith(other).encrypt(asText(keyMaterial)),
    decrypt: async (other, { type, body }) => {
      if (!sessions.has(other)) {
        const session = new library.Session();
        session.create_inbound(account, body);
        sessions.set(other, session);
      }
      return asBytes(sessionWith(other).decrypt(type, body));
    },
    copySession: async (from, to) => {
      const session = new library.Session();
      session.unpickle('', sessionWith(from).pickle(''));
      sessions.set(to, session);
    },
  };
}

export async function olm(
  library: OlmLibrary,
  wasm: string,
): Promise<Implementation<Bundle, Message>> {
  await library.init({ locateFile: () => wasm });
  return {
    device: () => device(library),
    foreignBundle: async () => newAccount(library, 1).bundle,
  };
}
