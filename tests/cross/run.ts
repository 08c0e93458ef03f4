// One run: events one after the other until all are done or a side and the model disagree. The same seed gives the same
// schedule; keys of a peer are its own and differ.
import { dice } from './dice';
import { createEvents } from './events';
import { hexOf } from './hex';
import { emptyPost, takeAny, undelivered } from './post';
import { kindAt } from './schedule';
import type { Clock, Side } from './side';
import { createWorld, Disagreement, NAMES, type Counts, type Name } from './world';

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
    /** Message and both states, as JSON. */
    readonly evidence: string;
  };
}

/** Three events a minute: an hour passes in 180, a used prekey of ours is gone long before its session is. */
const EVENT_MS = 20_000;

async function evidenceOf(
  sides: Readonly<Record<Name, Side>>,
  { message, about }: Disagreement,
): Promise<string> {
  const states = { ours: await sides.ours.save(), theirs: await sides.theirs.save() };
  const bytes = about && { key: hexOf(about.key.bytes), keyMaterial: hexOf(about.keyMaterial) };
  return JSON.stringify({ message, sent: about?.sent, from: about?.from, ...bytes, ...states });
}

/** Runs `total` events; ends early at the first disagreement. */
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
  const post = emptyPost();
  const { perform, deliver } = createEvents(world, post, throws);
  const kinds: Record<string, number> = {};

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
    const left = undelivered(post);
    while (left.length > 0) await deliver(takeAny(left, throws));
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
