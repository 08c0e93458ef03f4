// Juliet and Romeo, who know each other's devices in some versions and have not written yet.
import type { OmemoVersion } from '../../src/omemo/types';
import { encryptText, jid, meetIn, person, type Person } from './world';

/** Who writes first. */
export const JULIET = jid('juliet@example.org');

/** Who answers. */
export const ROMEO = jid('romeo@example.net');

let requests = 0;

/** Writes a text, each time as a new request. */
export const write = (from: Person, text: string, to = ROMEO, requestId = `v ${++requests}`) =>
  encryptText(from.context, from.scope, to, requestId, text);

/** Two vaults, each with the other's lists and bundles of the versions. */
export async function couple(...versions: readonly OmemoVersion[]) {
  const [juliet, romeo] = [await person(JULIET), await person(ROMEO)];
  for (const version of versions) {
    await meetIn(version, juliet, romeo);
    await meetIn(version, romeo, juliet);
  }
  return { juliet, romeo };
}
