// What each kind of event does to the two sides and to the post between them.
import type { Dice } from './dice';
import { anyDelivered, queueOf, takeAny, type Post } from './post';
import type { Kind } from './schedule';
import { NAMES, otherOf, type Message, type Name, type World } from './world';

/** Gaps around what python-omemo (1000) and libsignal (2000) skip at most. */
const STORMS: readonly number[] = [990, 1000, 1001, 1010, 1990, 2000, 2001, 2010];

export interface Events {
  readonly perform: Readonly<Record<Kind, () => Promise<void>>>;
  /** Gives a message, if there is one, to the side it is for. */
  deliver(message: Message | undefined): Promise<void>;
}

export function createEvents(world: World, post: Post, throws: Dice): Events {
  let speaker: Name = 'ours';

  const send = async (from: Name): Promise<void> => {
    const hasSession = world.models[from].sessions.length > 0;
    const message = hasSession ? await world.send(from) : await world.start(from, throws.pick);
    post.onTheWay[from].push(message);
  };
  const start = async (from: Name): Promise<void> => {
    post.onTheWay[from].push(await world.start(from, throws.pick));
  };
  const deliver = async (message: Message | undefined): Promise<void> => {
    if (message === undefined) return;
    post.delivered.push(message);
    await world.deliver(message);
  };
  const lose = async (from: Name, count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await send(from);
      post.onTheWay[from].pop();
    }
    await send(from);
  };
  const queue = () => queueOf(post, throws);
  const anyOf = (list: Message[]) => takeAny(list, throws);

  const perform: Events['perform'] = {
    send: async () => {
      if (throws.chance(0.3)) speaker = otherOf(speaker);
      await send(speaker);
    },
    deliver: () => deliver(queue().shift()),
    deliverAny: () => deliver(anyOf(queue())),
    delay: async () => {
      const message = anyOf(queue());
      if (message !== undefined) post.delayed.push(message);
    },
    deliverDelayed: () => deliver(anyOf(post.delayed)),
    drop: async () => {
      anyOf(queue());
    },
    duplicate: async () => {
      const message = anyDelivered(post, throws);
      if (message !== undefined) await world.deliver(message);
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
    start: () => start(throws.pick(NAMES)),
    startBoth: async () => {
      for (const name of NAMES) await start(name);
    },
    rotate: () => world.rotate(throws.pick(NAMES)),
    loseMany: () => lose(throws.pick(NAMES), 2 + throws.below(60)),
    storm: () => lose(throws.pick(NAMES), throws.pick(STORMS)),
  };
  return { perform, deliver };
}
