// Devices that know each other, and a network between them that loses, doubles and reorders. It keeps the book of what was
// sent in clear, and checks after every step what must always hold.
import { isDeepStrictEqual } from 'node:util';
import { equalBytes } from '../../src/crypto/bytes';
import { MAX_ARCHIVED_SESSIONS, MAX_SPENT_PREKEYS, RATCHET_LIMITS } from '../../src/limits';
import { refillOneTimePrekeys, spendOneTimePrekey } from '../../src/omemo/prekeys';
import { protocolFor } from '../../src/omemo/protocol';
import type { Bundle, DeviceSessions, OmemoVersion } from '../../src/omemo/types';
import { codeOf } from './codes';
import {
  bundleOfDevice,
  createDevice,
  NO_SESSIONS,
  NOW,
  read,
  start,
  write,
  type Device,
} from './devices';

type Peer = { readonly device: Device; readonly sessions: Map<string, DeviceSessions> };

interface Message {
  readonly from: string;
  readonly to: string;
  readonly bytes: Uint8Array;
  readonly keyMaterial: Uint8Array;
  /** The session and the ratchet key it was sent with. */
  readonly session: string;
  readonly chain: string;
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

const made = new Map<string, Device>();

/** Devices are values: one that was made serves every network. */
async function deviceNamed(version: OmemoVersion, name: string): Promise<Device> {
  const key = `${version} ${name}`;
  const device = made.get(key) ?? (await createDevice(version, key));
  made.set(key, device);
  return device;
}

/** A network of fresh devices of one version. */
export async function createNetwork(version: OmemoVersion, names: readonly string[]) {
  const peers = new Map<string, Peer>(
    await Promise.all(
      names.map(async (name): Promise<[string, Peer]> => [
        name,
        { device: await deviceNamed(version, name), sessions: new Map() },
      ]),
    ),
  );
  /** Fetched once and old: three prekeys, which several devices use more than once. */
  const bundles = new Map<string, Bundle>(
    [...peers].map(([name, { device }]) => {
      const bundle = bundleOfDevice(device);
      return [name, { ...bundle, oneTimePrekeys: bundle.oneTimePrekeys.slice(0, 3) }];
    }),
  );
  const transit: Message[] = [];
  const delivered: Message[] = [];
  const usedKeys = new Set<string>();
  /** Chains in the order of their first message, and those of which the receiver has something; by session and sender. */
  const chains = new Map<string, string[]>();
  const opened = new Map<string, Set<string>>();
  let count = 0;

  function peerOf(name: string): Peer {
    const peer = peers.get(name);
    must(peer !== undefined, `no device ${name}`);
    return peer;
  }

  /** The device with the sessions it has with one other. */
  function facing(name: string, other: string): Device {
    const { device, sessions } = peerOf(name);
    return { ...device, sessions: sessions.get(other) ?? NO_SESSIONS };
  }

  function keep(name: string, other: string, { sessions, ...device }: Device): void {
    const peer = peerOf(name);
    peer.sessions.set(other, sessions);
    peers.set(name, { ...peer, device: { ...device, sessions: NO_SESSIONS } });
    check(name, sessions);
  }

  function check(name: string, { current, archived }: DeviceSessions): void {
    const { prekeys } = peerOf(name).device;
    must(archived.length <= MAX_ARCHIVED_SESSIONS, 'too many archived sessions');
    must((prekeys.spentPrekeys ?? []).length <= MAX_SPENT_PREKEYS, 'too many spent prekeys');
    must(prekeys.oneTimePrekeys.length === 100, 'the bundle is not full');
    for (const session of current === undefined ? archived : [current, ...archived]) {
      const { skippedMessageKeys: skipped } = session.ratchet;
      must(skipped.length <= RATCHET_LIMITS.perChain * RATCHET_LIMITS.chains, 'too many keys');
      const names = skipped.map((key) => `${hexOf(key.remoteRatchetKey)} ${key.n}`);
      must(new Set(names).size === names.length, 'a skipped key twice');
    }
  }

  /** Runs a step and makes sure that it left its input alone. */
  async function pure<T>(device: Device, step: () => T): Promise<Awaited<T>> {
    const { random: _source, ...state } = device;
    const before = structuredClone(state);
    try {
      return await step();
    } finally {
      must(isDeepStrictEqual(state, before), 'a step changed its input');
    }
  }

  async function send(from: string, to: string, isReset = false): Promise<void> {
    let device = facing(from, to);
    const bundle = bundles.get(to);
    must(bundle !== undefined, `no bundle of ${to}`);
    if (isReset || device.sessions.current === undefined) {
      const present = device;
      device = await pure(present, () => start(present, bundle));
    }
    const ready = device;
    const keyMaterial = new Uint8Array(48).fill(count & 0xff, 0, 1).fill(count >> 8, 1, 2);
    count += 1;
    const written = await pure(ready, () => write(ready, keyMaterial));
    keep(from, to, written.device);
    const protocol = protocolFor(version);
    const inner = written.isKeyExchange
      ? protocol.decodeKeyExchange(written.bytes).message
      : written.bytes;
    const { ratchetKey, n } = protocol.decodeMessage(inner).header;
    const chain = hexOf(ratchetKey);
    must(!usedKeys.has(`${chain} ${n}`), 'a message key was used twice');
    usedKeys.add(`${chain} ${n}`);
    const session = `${from} ${hexOf(written.device.sessions.current?.ephemeralKey ?? ratchetKey)}`;
    const known = chains.get(session) ?? [];
    if (!known.includes(chain)) chains.set(session, [...known, chain]);
    transit.push({ from, to, bytes: written.bytes, keyMaterial, session, chain });
  }

  /** Keys are kept of five chains with gaps: what is older may be lost. */
  function mayBeLost({ session, chain }: Message): boolean {
    const order = chains.get(session) ?? [];
    const newer = order.slice(order.indexOf(chain) + 1);
    const seen = opened.get(session) ?? new Set();
    return newer.filter((each) => seen.has(each)).length >= RATCHET_LIMITS.chains;
  }

  async function deliver(message: Message): Promise<void> {
    const device = facing(message.to, message.from);
    const code = await codeOf(() => pure(device, () => read(device, message.bytes)));
    if (code !== 'ok') {
      must(mayBeLost(message), `lost a message: ${code}`);
      return;
    }
    const got = await read(device, message.bytes);
    must(equalBytes(got.keyMaterial, message.keyMaterial), 'another text');
    const { publicKey } = peerOf(message.from).device.identity;
    must(equalBytes(got.remoteIdentityKey, publicKey), 'another identity');
    const { usedOneTimePrekeyId: used } = got;
    const { prekeys, random } = got.device;
    const spent = used === undefined ? prekeys : spendOneTimePrekey(prekeys, used, NOW);
    keep(message.to, message.from, {
      ...got.device,
      prekeys: await refillOneTimePrekeys(spent, random),
    });
    opened.set(message.session, (opened.get(message.session) ?? new Set()).add(message.chain));
    delivered.push(message);
  }

  return {
    send,

    /** Delivers the message at a place of the queue, or loses it. */
    async take(place: number, isLost: boolean): Promise<void> {
      const [message] = transit.splice(place % Math.max(transit.length, 1), 1);
      if (message !== undefined && !isLost) await deliver(message);
    },

    /** Delivers something a second time. */
    async repeat(place: number): Promise<void> {
      const message = delivered[place % Math.max(delivered.length, 1)];
      if (message === undefined) return;
      const device = facing(message.to, message.from);
      const code = await codeOf(() => pure(device, () => read(device, message.bytes)));
      must(code === 'duplicate' || code === 'bad-mac', `a repeated message is ${code}`);
    },

    /** The device comes back with what was stored. */
    restart(name: string): void {
      const { device, sessions } = peerOf(name);
      const { random, ...state } = device;
      peers.set(name, {
        device: { ...structuredClone(state), random },
        sessions: structuredClone(sessions),
      });
    },

    /** Everything under way arrives, newest first; then every two devices talk, and mean the same session. */
    async settle(): Promise<void> {
      for (let message = transit.pop(); message !== undefined; message = transit.pop()) {
        await deliver(message);
      }
      for (const [index, a] of names.entries()) {
        for (const b of names.slice(index + 1)) {
          for (const [from, to] of [
            [a, b],
            [b, a],
            [a, b],
          ] as const) {
            await send(from, to);
            for (let message = transit.pop(); message; message = transit.pop())
              await deliver(message);
          }
          const [one, other] = [facing(a, b).sessions.current, facing(b, a).sessions.current];
          must(one !== undefined && other !== undefined, 'no session');
          must(equalBytes(one.ephemeralKey, other.ephemeralKey), 'two sessions');
          must(one.pendingKeyExchange === undefined, 'unanswered');
          must(other.pendingKeyExchange === undefined, 'unanswered');
        }
      }
    },

    counts: () => ({ sent: count, delivered: delivered.length }),
  };
}
