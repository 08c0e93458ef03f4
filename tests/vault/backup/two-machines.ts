// A vault with a past that is backed up, and another browser it is restored in.
import { fingerprint } from '../../../src/omemo/identity';
import type { RestoreReview } from '../../../src/rpc/backup-api';
import type { Trust } from '../../../src/rpc/vault-api';
import { backupHandlers, type BackupHandlers } from '../../../src/vault/backup/handlers';
import { createDatabase } from '../../../src/vault/db';
import { popupHandlers } from '../../../src/vault/popup-handlers';
import { createPresence } from '../../../src/vault/presence';
import { changeSite, withDecision, withSeenAccount } from '../../../src/vault/sites';
import {
  accountOf,
  contextOver,
  freshName,
  jid,
  meet,
  ORIGIN,
  person,
  receive,
  send,
  textOf,
  type Clock,
  type Person,
} from '../world';

export const JULIET = jid('juliet@example.org');
export const ROMEO = jid('romeo@example.net');
export const NURSE = jid('nurse@example.net');
export const ENDPOINT = 'xmpp.example.org';

/** A person on a machine of their own with nothing on it. */
export function newMachine(of: Person, clock: Clock = { now: of.clock.now }): Person {
  const name = freshName();
  return { ...of, name, clock, context: contextOver(createDatabase(name), { seed: name, clock }) };
}

const presence = () =>
  createPresence(
    () => undefined,
    () => undefined,
  );

/** As the user decides. */
export async function decide(who: Person, about: Person, trust: Trust): Promise<void> {
  const { identity } = await accountOf(about);
  await popupHandlers(who.context, presence()).setTrust({
    origin: ORIGIN,
    jid: who.scope.jid,
    owner: about.scope.jid,
    deviceId: about.deviceId,
    fingerprint: fingerprint(identity.publicKey),
    trust,
  });
}

/** Juliet's site is protected and granted; she and Romeo, whom she verified, have written to each other. */
export async function past() {
  const juliet = await person(JULIET);
  const romeo = await person(ROMEO);
  const nurse = await person(NURSE);
  await changeSite(juliet.context, ORIGIN, (site) => ({
    ...withDecision(withSeenAccount(site, JULIET, ENDPOINT), JULIET, ENDPOINT, 'grant'),
    isProtected: true,
    policy: 'ask',
  }));
  await meet(juliet, romeo);
  await meet(romeo, juliet);
  await meet(juliet, nurse);
  await decide(juliet, romeo, 'verified');
  await decide(juliet, nurse, 'distrusted');
  const out = await send(juliet, ROMEO, 'It is the east');
  textOf(await receive(romeo, out, juliet));
  const back = await send(romeo, JULIET, 'and Juliet is the sun');
  textOf(await receive(juliet, back, romeo));
  return { juliet, romeo, nurse, out, back };
}

/** The code and the bytes of a backup. */
export async function backUp(
  { context }: Person,
  isSaved = true,
): Promise<{ readonly code: string; readonly file: Uint8Array; readonly damaged: number }> {
  const vault = backupHandlers(context);
  const { id, code } = await vault.backupBegin({});
  const parts: Uint8Array[] = [];
  for (;;) {
    const { bytes, isLast, damaged } = await vault.backupNext({ id });
    parts.push(bytes);
    if (!isLast) continue;
    if (isSaved) await vault.backupSaved({ id });
    return { code, file: new Uint8Array(Buffer.concat(parts)), damaged };
  }
}

const PIECE = 100_000;

function piecesOf(file: Uint8Array): readonly { bytes: Uint8Array; isLast: boolean }[] {
  const count = Math.max(1, Math.ceil(file.length / PIECE));
  return Array.from({ length: count }, (_, index) => ({
    bytes: file.subarray(index * PIECE, (index + 1) * PIECE),
    isLast: index === count - 1,
  }));
}

/** A restoration in progress. */
export interface Restoring {
  readonly id: number;
  readonly vault: BackupHandlers;
  readonly review: RestoreReview;
  addTexts(): Promise<number>;
  apply(): Promise<void>;
}

/** Reads a backup up to the review. */
export async function review(who: Person, code: string, file: Uint8Array): Promise<Restoring> {
  const vault = backupHandlers(who.context);
  const { id } = await vault.restoreBegin({ code });
  for (const piece of piecesOf(file)) await vault.restoreRead({ id, ...piece });
  return {
    id,
    vault,
    review: await vault.restoreReview({ id }),
    async addTexts() {
      let added = 0;
      for (const piece of piecesOf(file))
        added += (await vault.restoreTexts({ id, ...piece })).texts;
      return added;
    },
    async apply() {
      await vault.restoreApply({ id });
    },
  };
}

/** All of it. */
export async function restore(who: Person, code: string, file: Uint8Array): Promise<RestoreReview> {
  const restoring = await review(who, code, file);
  await restoring.addTexts();
  await restoring.apply();
  return restoring.review;
}
