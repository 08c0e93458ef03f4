// Two sides, their models and the messages between them. Every call on a side is checked against the model at once.
import { protocolFor } from '../../src/omemo/protocol';
import type { Refusal } from './chains';
import { hexOf } from './hex';
import { newModel, open, rotated, send, started, type Model, type Sent } from './model';
import type { Answer, Clock, Side, WireKey } from './side';

export type Name = 'ours' | 'theirs';

export const NAMES: readonly Name[] = ['ours', 'theirs'];

export function otherOf(name: Name): Name {
  return name === 'ours' ? 'theirs' : 'ours';
}

export interface Message {
  readonly from: Name;
  readonly sent: Sent;
  readonly key: WireKey;
  readonly keyMaterial: Uint8Array;
}

/** What a side did that the model says it must not. `by` is the side that did it. */
export class Disagreement extends Error {
  readonly by: Name;
  readonly about: Message | undefined;
  constructor(by: Name, what: string, message?: Message) {
    super(what);
    this.name = 'Disagreement';
    this.by = by;
    this.about = message;
  }
}

/** What happened to the messages one side sent. */
export interface Counts {
  sent: number;
  opened: number;
  /** Refused deliveries: of messages opened before by code, of damaged ones, and of lost ones by the limit. */
  readonly refused: Record<string, number>;
}

export interface World {
  readonly sides: Readonly<Record<Name, Side>>;
  readonly models: Record<Name, Model>;
  /** By the side that sent. */
  readonly counts: Readonly<Record<Name, Counts>>;
  send(from: Name): Promise<Message>;
  /** A new session and its first message, beside the sessions there are. */
  start(from: Name, choose: <T>(list: readonly T[]) => T): Promise<Message>;
  deliver(message: Message): Promise<void>;
  /** A changed copy, which nobody may open. */
  deliverDamaged(message: Message, bit: number): Promise<void>;
  rotate(name: Name): Promise<void>;
  restart(name: Name, inProcess: boolean): Promise<void>;
  compareSessions(name: Name): Promise<void>;
}

/** Key material of the version: payload key and tag. */
const MATERIAL_LENGTH = { 'eu.siacs.conversations.axolotl': 32, 'urn:xmpp:omemo:2': 48 } as const;

/** Notes which bytes stand for a symbol, and fails when either side of the pair has another partner. */
function pairing(what: string): (by: Name, symbol: string, bytes: Uint8Array) => void {
  const bytesOf = new Map<string, string>();
  const symbolOf = new Map<string, string>();
  return (by, symbol, bytes) => {
    const hex = hexOf(bytes);
    const isPair = (bytesOf.get(symbol) ?? hex) === hex && (symbolOf.get(hex) ?? symbol) === symbol;
    if (!isPair) throw new Disagreement(by, `${what} ${symbol} is not the one it was before`);
    bytesOf.set(symbol, hex);
    symbolOf.set(hex, symbol);
  };
}

export async function createWorld(
  sides: Readonly<Record<Name, Side>>,
  bytes: (length: number) => Uint8Array,
  clock: Clock,
): Promise<World> {
  const protocol = protocolFor(sides.ours.version);
  const modelOf = async (name: Name) =>
    newModel(sides[name].facts, (await sides[name].bundle()).signedPrekey.id);
  const models = { ours: await modelOf('ours'), theirs: await modelOf('theirs') };
  const count = (): Counts => ({ sent: 0, opened: 0, refused: {} });
  const counts = { ours: count(), theirs: count() };
  const ephemeralKeys = new Map<number, string>();
  const noteEphemeral = pairing('ephemeral key of session');
  const noteRatchet = pairing('ratchet key');
  const isOpened = new Set<Message>();
  const keysUsed = new Set<string>();

  /** The header a side wrote is the one the model expects, and its message key was never used before. */
  const checkHeader = (from: Name, sent: Sent, key: WireKey) => {
    if (key.isKeyExchange !== (sent.keyExchange !== undefined)) {
      throw new Disagreement(from, `key exchange: ${key.isKeyExchange}, want the other`);
    }
    const exchange = key.isKeyExchange ? protocol.decodeKeyExchange(key.bytes) : undefined;
    const { header } = protocol.decodeMessage(exchange?.message ?? key.bytes);
    if (exchange !== undefined) {
      noteEphemeral(from, String(sent.session), exchange.ephemeralKey);
      ephemeralKeys.set(sent.session, hexOf(exchange.ephemeralKey));
      const wanted = [sent.keyExchange?.prekeyId, sent.keyExchange?.signedPrekeyId].join();
      const got = [exchange.oneTimePrekeyId, exchange.signedPrekeyId].join();
      if (got !== wanted) throw new Disagreement(from, `prekey ids ${got}, want ${wanted}`);
    }
    noteRatchet(from, `${from}/${sent.session}/${sent.ratchet}`, header.ratchetKey);
    if (header.n !== sent.n || header.previousChainLength !== sent.pn) {
      const got = `n=${header.n} pn=${header.previousChainLength}`;
      throw new Disagreement(from, `header ${got}, want n=${sent.n} pn=${sent.pn}`);
    }
    const messageKey = `${hexOf(header.ratchetKey)}/${header.n}`;
    if (keysUsed.has(messageKey)) throw new Disagreement(from, `message key used twice`);
    keysUsed.add(messageKey);
  };

  const note = (from: Name, keyMaterial: Uint8Array, key: WireKey): Message => {
    const { model, sent } = send(models[from]);
    checkHeader(from, sent, key);
    models[from] = model;
    counts[from].sent += 1;
    return { from, sent, key, keyMaterial };
  };

  const checkOpened = (to: Name, message: Message, answer: Answer) => {
    if (answer.kind !== 'opened') {
      throw new Disagreement(to, `refused with ${answer.code}, want it opened`, message);
    }
    if (hexOf(answer.keyMaterial) !== hexOf(message.keyMaterial)) {
      throw new Disagreement(to, 'opened to other key material', message);
    }
    if (isOpened.has(message)) throw new Disagreement(to, 'opened twice', message);
    isOpened.add(message);
  };

  /** A refusal leaves the stored state as it was; ours says why in the model's own words, a peer at least `duplicate`. */
  const checkRefused = async (to: Name, message: Message, { code, limit }: Refusal) => {
    const before = await sides[to].save();
    const answer = await sides[to].decrypt(message.key);
    if (answer.kind === 'opened') throw new Disagreement(to, `opened, want ${code}`, message);
    const isDuplicate = answer.code === 'duplicate';
    const isWanted = to === 'ours' ? answer.code === code : isDuplicate === (code === 'duplicate');
    if (!isWanted) throw new Disagreement(to, `refused with ${answer.code}, want ${code}`, message);
    if ((await sides[to].save()) !== before) {
      throw new Disagreement(to, `state changed by a refused message (${code})`, message);
    }
    const { refused } = counts[message.from];
    const kind = isOpened.has(message) ? `again: ${code}` : `lost: ${limit}`;
    refused[kind] = (refused[kind] ?? 0) + 1;
  };

  return {
    sides,
    models,
    counts,

    send: async (from) => {
      const keyMaterial = bytes(MATERIAL_LENGTH[sides[from].version]);
      return note(from, keyMaterial, await sides[from].encrypt(keyMaterial));
    },

    start: async (from, choose) => {
      const bundle = await sides[otherOf(from)].bundle();
      const prekey = choose(bundle.prekeys);
      const keyMaterial = bytes(MATERIAL_LENGTH[sides[from].version]);
      const key = await sides[from].start({ ...bundle, prekeys: [prekey] }, keyMaterial);
      const id = 1 + Math.max(0, ...ephemeralKeys.keys());
      const keyExchange = { prekeyId: prekey.id, signedPrekeyId: bundle.signedPrekey.id };
      models[from] = started(models[from], id, keyExchange);
      return note(from, keyMaterial, key);
    },

    deliver: async (message) => {
      const to = otherOf(message.from);
      const wanted = open(models[to], message.sent, clock.ms);
      if (wanted.kind === 'refused') return await checkRefused(to, message, wanted);
      checkOpened(to, message, await sides[to].decrypt(message.key));
      models[to] = wanted.model;
      counts[message.from].opened += 1;
    },

    deliverDamaged: async (message, bit) => {
      const to = otherOf(message.from);
      const bytes = Uint8Array.from(message.key.bytes);
      const at = bit % (bytes.length * 8);
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
      const before = await sides[to].save();
      const damaged = { ...message, key: { ...message.key, bytes } };
      const answer = await sides[to].decrypt(damaged.key);
      if (answer.kind === 'opened')
        throw new Disagreement(to, `opened with bit ${at} flipped`, message);
      if ((await sides[to].save()) !== before) {
        throw new Disagreement(to, `state changed by a damaged message (bit ${at})`, message);
      }
      const { refused } = counts[message.from];
      refused['damaged'] = (refused['damaged'] ?? 0) + 1;
    },

    rotate: async (name) => {
      await sides[name].rotate();
      models[name] = rotated(models[name], (await sides[name].bundle()).signedPrekey.id);
    },

    restart: async (name, inProcess) => {
      const before = await sides[name].save();
      await sides[name].restart(inProcess);
      if ((await sides[name].save()) !== before) {
        throw new Disagreement(name, 'another state after the restart');
      }
    },

    compareSessions: async (name) => {
      const wanted = models[name].sessions.map(({ id }) => ephemeralKeys.get(id)).join();
      const got = (await sides[name].sessions()).join();
      if (got !== wanted) throw new Disagreement(name, 'other sessions stored than expected');
    },
  };
}
