// The scenarios a to f, once for every implementation that JavaScript can call. What is measured is the ratchet alone: no
// storage, no payload, no XML. The drivers in C and Python repeat these steps.

/** What stands in a `<key>`: 32 bytes, as legacy OMEMO has them. */
const KEY_MATERIAL = Uint8Array.from({ length: 32 }, (_, i) => i + 1);

const MESSAGES = 1000;
/** c with few sessions is over in microseconds: the median of several. */
const REPEATS = 20;

/** A device, and its sessions by the name of the other one. */
export interface Device<Bundle, Message> {
  bundle(): Promise<Bundle>;
  /** Checks the bundle, agrees on a session and encrypts the first key. */
  start(other: string, bundle: Bundle, keyMaterial: Uint8Array): Promise<Message>;
  encrypt(other: string, keyMaterial: Uint8Array): Promise<Message>;
  decrypt(other: string, message: Message): Promise<Uint8Array>;
  /** Gives `to` a session in the state of the one with `from`: fan-out to many needs no thousand key exchanges first. */
  copySession(from: string, to: string): Promise<void>;
}

export interface Implementation<Bundle, Message> {
  /** Identity, signed prekey and 100 one-time prekeys. */
  device(): Promise<Device<Bundle, Message>>;
  /** The bundle of another new device, with a single one-time prekey. */
  foreignBundle(): Promise<Bundle>;
}

/** Milliseconds by scenario; b and c carry the number of devices in their name. */
export type Times = Record<string, number>;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = NaN, high = NaN] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return (low + high) / 2;
}

function assertOpened(opened: Uint8Array | undefined): void {
  if (opened?.join() !== KEY_MATERIAL.join()) throw new Error('another key came out than went in');
}

/** a and b: what is made once per device. The caller's page or process is fresh: a and b1 run unoptimised code. */
async function making<B, M>(implementation: Implementation<B, M>, times: Times): Promise<void> {
  let device: Device<B, M> | undefined;
  times['a'] = await timed(async () => {
    device = await implementation.device();
  });
  const made = device;
  if (made === undefined) throw new Error('no device');
  for (const count of [1, 10, 100]) {
    const bundles: B[] = [];
    while (bundles.length < count) bundles.push(await implementation.foreignBundle());
    times[`b${count}`] = await timed(async () => {
      for (const [i, bundle] of bundles.entries()) {
        await made.start(`b${count}-${i}`, bundle, KEY_MATERIAL);
      }
    });
  }
}

/** Two devices with a session that both have written in. The first of them has the current sending chain. */
async function acquainted<B, M>(implementation: Implementation<B, M>) {
  const alice = await implementation.device();
  const bob = await implementation.device();
  const first = await alice.start('bob', await bob.bundle(), KEY_MATERIAL);
  assertOpened(await bob.decrypt('alice', first));
  assertOpened(await alice.decrypt('bob', await bob.encrypt('alice', KEY_MATERIAL)));
  assertOpened(await bob.decrypt('alice', await alice.encrypt('bob', KEY_MATERIAL)));
  return { alice, bob };
}

/** c: one key for many sessions. */
async function fanOut<B, M>(
  implementation: Implementation<B, M>,
  counts: readonly number[],
  times: Times,
): Promise<void> {
  const { alice } = await acquainted(implementation);
  for (const count of counts) {
    const names = Array.from({ length: count }, (_, i) => `c${count}-${i}`);
    for (const name of names) await alice.copySession('bob', name);
    const all: number[] = [];
    while (all.length < (count > 10 ? 1 : REPEATS)) {
      all.push(
        await timed(async () => {
          for (const name of names) await alice.encrypt(name, KEY_MATERIAL);
        }),
      );
    }
    times[`c${count}`] = median(all);
  }
}

/** d, e and f: a long conversation. */
async function talking<B, M>(implementation: Implementation<B, M>, times: Times): Promise<void> {
  const { alice, bob } = await acquainted(implementation);
  const sent: M[] = [];
  while (sent.length < MESSAGES) sent.push(await alice.encrypt('bob', KEY_MATERIAL));
  const opened: Uint8Array[] = [];
  times['d'] = await timed(async () => {
    for (const message of sent) opened.push(await bob.decrypt('alice', message));
  });
  opened.forEach(assertOpened);
  const sides = [
    { from: alice, to: bob, own: 'alice', other: 'bob' },
    { from: bob, to: alice, own: 'bob', other: 'alice' },
  ];
  let last: Uint8Array | undefined;
  times['e'] = await timed(async () => {
    for (let i = 0; i < MESSAGES / 2; i++) {
      for (const { from, to, own, other } of sides) {
        last = await to.decrypt(own, await from.encrypt(other, KEY_MATERIAL));
      }
    }
  });
  assertOpened(last);
  for (let i = 0; i < MESSAGES; i++) await alice.encrypt('bob', KEY_MATERIAL);
  const late = await alice.encrypt('bob', KEY_MATERIAL);
  times['f'] = await timed(async () => {
    last = await bob.decrypt('alice', late);
  });
  assertOpened(last);
}

/** All scenarios, in order; c with these numbers of sessions. */
export async function runScenarios<B, M>(
  implementation: Implementation<B, M>,
  counts: readonly number[] = [1, 10, 100, 1000],
): Promise<Times> {
  const times: Times = {};
  await making(implementation, times);
  await fanOut(implementation, counts, times);
  await talking(implementation, times);
  return times;
}
