// Which kind of event comes next: seeded, so that the same seed gives the same schedule.
import type { Dice } from './dice';

export type Kind =
  | 'deliver'
  | 'deliverAny'
  | 'delay'
  | 'deliverDelayed'
  | 'drop'
  | 'duplicate'
  | 'damage'
  | 'restart'
  | 'start'
  | 'startBoth'
  | 'rotate'
  | 'loseMany'
  | 'send'
  | 'storm';

/** In thousandths; what is left over is a message sent. */
const WEIGHTS: readonly (readonly [Kind, number])[] = [
  ['deliver', 380],
  ['deliverAny', 60],
  ['delay', 40],
  ['deliverDelayed', 35],
  ['drop', 30],
  ['duplicate', 50],
  ['damage', 20],
  ['restart', 20],
  ['start', 8],
  ['startBoth', 3],
  ['rotate', 3],
  ['loseMany', 6],
];

const STORM_EVERY = 2500;

/** The kind of event number `at`, from 0. */
export function kindAt(at: number, throws: Dice): Kind {
  // Not the first events: there must be something to lose.
  if (at % STORM_EVERY === STORM_EVERY - 1) return 'storm';
  let left = throws.below(1000);
  for (const [kind, weight] of WEIGHTS) {
    if (left < weight) return kind;
    left -= weight;
  }
  return 'send';
}
