// The events of a run: seeded, so that the same seed gives the same schedule. Keys of a peer are its own and differ.
import { dice, type Dice } from './dice';
import { hexOf } from './hex';
import type { Clock, Side } from './side';
import {
  createWorld,
  Disagreement,
  NAMES,
  otherOf,
  type Counts,
  type Message,
  type Name,
} from './world';

export interface Report {
  readonly seed: number;
  /** Events done; all unless a disagreement ended the run. */
  readonly events: number;
  /** How often each kind of event came. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<Name, Counts>>;
  readonly ms: number;
  readonly disagreement?: {
    readonly text: string;
    /** Message and both states, as JSON. */ readonly evidence: string;
  };
}

/** In thousandths; what is left over is a message sent. */
const WEIGHTS = {
  deliver: 380,
  deliverAny: 60,
  delay: 40,
  deliverDelayed: 35,
  drop: 30,
  duplicate: 50,
  damage: 20,
  restart: 20,
  start: 8,
  startBoth: 3,
  rotate: 3,
  loseMany: 6,
} as const;

type Kind = keyof typeof WEIGHTS | 'send' | 'storm';

/** Gaps around what python-omemo (1000) and libsignal (2000) skip at most. */
const STORMS = [990, 1000, 1001, 1010, 1990, 2000, 2001, 2010] as const;
const STORM_EVERY = 2500;
/** Three events a minute: an hour passes in 180, a used prekey of ours is gone long before its session is. */
const EVENT_MS = 20_000;
/** How far back most duplicates go. */
const RECENT = 30;

function kindAt(at: number, throws: Dice): Kind {
  // Not the first events: there must be something to lose.
  if (at % STORM_EVERY === STORM_EVERY - 1) return 'storm';
  let left = throws.below(1000);
  for (const [kind, weight] of entries(WEIGHTS)) {
    if (left < weight) return kind;
    left -= weight;
  }
  return 'send';
}

function entries<K extends string, V>(record: Readonly<Record<K, V>>): readonly [K, V][] {
  return Object.entries(record) as [K, V][];
}

/** The queues of one run. */
interface Post {
  /** On the way, oldest first, by the side that sent. */
  readonly onTheWay: Record<Name, Message[]>;
  /** Held back, from any time of the run. */
  readonly delayed: Message[];
  readonly delivered: Message[];
}

function takeAt(list: Message[], index: number): Message | undefined {
  return list.splice(index, 1)[0];
}

async function evidenceOf(
  sides: Readonly<Record<Name, Side>>,
  { message, about }: Disagreement,
): Promise<string> {
  const states = { ours: await sides.ours.save(), theirs: await sides.theirs.save() };
  const bytes = about && { key: hexOf(about.key.bytes), keyMaterial: hexOf(about.keyMaterial) };
  return JSON.stringify({ message, sent: about?.sent, from: about?.from, ...bytes, ...states });
}

/** Runs `total` events; ends early at the first disagreement. `bytes` is the source of all key material. */
export async function run(
  sides: Readonly<Record<Name, Side>>,
  clock: Clock,
  total: number,
  seed: number,
): Promise<Report> {
  const throws = dice(seed);
  const begun = performance.now();
  const materials = dice(seed ^ 0x5eed);
  const world = await createWorld(sides, (length) => materials.bytes(length), clock);
  const post: Post = { onTheWay: { ours: [], theirs: [] }, delayed: [], delivered: [] };
  const kinds: Record<string, number> = {};
  let speaker: Name = 'ours';

  const send = async (from: Name): Promise<Message> => {
    const hasSession = world.models[from].sessions.length > 0;
    const message = hasSession ? await world.send(from) : await world.start(from, throws.pick);
    post.onTheWay[from].push(message);
    return message;
  };
  const start = async (from: Name) => {
    post.onTheWay[from].push(await world.start(from, throws.pick));
  };
  const deliver = async (message: Message | undefined) => {
    if (message === undefined) return;
    post.delivered.push(message);
    await world.deliver(message);
  };
  /** The side with the longer queue is read from more often, so that neither grows without end. */
  const queue = (): Message[] => {
    const { ours, theirs } = post.onTheWay;
    return throws.below(ours.length + theirs.length) < ours.length ? ours : theirs;
  };
  const anyOf = (list: Message[]) => takeAt(list, throws.below(list.length));
  const lose = async (from: Name, count: number) => {
    for (let i = 0; i < count; i++) {
      await send(from);
      post.onTheWay[from].pop();
    }
    await send(from);
  };

  const perform: Readonly<Record<Kind, () => Promise<void>>> = {
    send: async () => {
      if (throws.chance(0.3)) speaker = otherOf(speaker);
      await send(speaker);
    },
    deliver: async () => deliver(queue().shift()),
    deliverAny: async () => deliver(anyOf(queue())),
    delay: async () => {
      const message = anyOf(queue());
      if (message !== undefined) post.delayed.push(message);
    },
    deliverDelayed: async () => deliver(anyOf(post.delayed)),
    drop: async () => void anyOf(queue()),
    duplicate: async () => {
      const { delivered } = post;
      if (delivered.length === 0) return;
      const from = throws.chance(0.8) ? Math.max(0, delivered.length - RECENT) : 0;
      await world.deliver(throws.pick(delivered.slice(from)));
    },
    damage: async () => {
      // The ids and the identity key of a key exchange are not authenticated: a changed one can be as good.
      const plain = queue().filter(({ key }) => !key.isKeyExchange);
      if (plain.length > 0) await world.deliverDamaged(throws.pick(plain), throws.below(2 ** 20));
    },
    restart: async () => {
      const name = throws.pick(NAMES);
      await world.restart(name, throws.chance(0.95));
      await world.compareSessions(name);
    },
    start: async () => start(throws.pick(NAMES)),
    startBoth: async () => {
      for (const name of NAMES) await start(name);
    },
    rotate: async () => world.rotate(throws.pick(NAMES)),
    loseMany: async () => lose(throws.pick(NAMES), 2 + throws.below(60)),
    storm: async () => lose(throws.pick(NAMES), throws.pick(STORMS)),
  };

  const report = (events: number): Report => ({
    seed,
    events,
    kinds,
    counts: world.counts,
    ms: performance.now() - begun,
  });

  let at = 0;
  try {
    for (; at < total; at++) {
      clock.ms += EVENT_MS;
      const kind = kindAt(at, throws);
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      await perform[kind]();
    }
    // What is still on the way arrives in the end, in any order.
    const left = [...post.onTheWay.ours, ...post.onTheWay.theirs, ...post.delayed];
    while (left.length > 0) await deliver(anyOf(left));
    for (const name of NAMES) await world.compareSessions(name);
  } catch (error) {
    if (!(error instanceof Disagreement)) {
      throw new Error(`seed ${seed}, event ${at}: a side broke`, { cause: error });
    }
    const text = `seed ${seed}, event ${at}: ${sides[error.by].name} ${error.message}`;
    return { ...report(at), disagreement: { text, evidence: await evidenceOf(sides, error) } };
  }
  return report(at);
}
