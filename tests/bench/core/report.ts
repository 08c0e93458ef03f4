// Tables of a run: medians with spread, and ratios taken round by round, because the machine's speed changes between rounds.
import { median, type Times } from './scenarios';

/** The times of one implementation, a round each. */
export type Rounds = readonly Times[];

const SCENARIOS = ['a', 'b1', 'b10', 'b100', 'c1', 'c10', 'c100', 'c1000', 'd', 'e', 'f'];

function short(value: number): string {
  if (value === 0) return '0';
  return value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 10 ? 3 : 2);
}

function spread(values: readonly number[]): string {
  const wanted = [median(values), Math.min(...values), Math.max(...values)].map(short);
  return `${wanted[0]} (${wanted[1]}–${wanted[2]})`;
}

function numbersOf(rounds: Rounds, scenario: string): number[] {
  return rounds.flatMap((times) => times[scenario] ?? []);
}

/** Ours divided by theirs in each round both were run in. */
export function ratios(ours: Rounds, theirs: Rounds, scenario: string): number[] {
  return ours.flatMap((times, round) => {
    const [a, b] = [times[scenario], theirs[round]?.[scenario]];
    return a === undefined || b === undefined ? [] : [a / b];
  });
}

function table(
  title: string,
  rows: readonly (readonly [string, (scenario: string) => number[]])[],
) {
  const cells = [
    [title, ...SCENARIOS],
    ...rows.map(([name, values]) => [
      name,
      ...SCENARIOS.map((scenario) => {
        const found = values(scenario);
        return found.length === 0 ? '' : spread(found);
      }),
    ]),
  ];
  const widths = cells[0]?.map((_, column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of cells)
    console.log(row.map((cell, column) => cell.padEnd(widths?.[column] ?? 0)).join('  '));
  console.log('');
}

/** Prints milliseconds, and for each of ours its ratios to everyone else. */
export function print(all: ReadonlyMap<string, Rounds>, ours: readonly string[]): void {
  table(
    'ms: median (least–most)',
    [...all].map(([name, rounds]) => [name, (scenario) => numbersOf(rounds, scenario)]),
  );
  for (const name of ours) {
    const rounds = all.get(name) ?? [];
    const others = [...all].filter(([other]) => !ours.includes(other));
    table(
      `${name} / peer`,
      others.map(([other, theirs]) => [other, (scenario) => ratios(rounds, theirs, scenario)]),
    );
  }
}
