// A chat of Juliet with Romeo in a vault that has a second copy, its next lives, and damage to either copy.
import { expect } from 'vitest';
import { fingerprint } from '../../src/omemo/identity';
import { LEGACY, VERSIONS } from '../../src/rpc/versions';
import { contentHandlers } from '../../src/vault/content-handlers';
import { createDatabase } from '../../src/vault/db';
import { createHealth } from '../../src/vault/health';
import { popupHandlers } from '../../src/vault/popup-handlers';
import { createPresence } from '../../src/vault/presence';
import { testArea, type TestArea } from './area';
import { onDisk } from './disk';
import { DOCUMENT } from './mortal';
import {
  accountOf,
  contextOver,
  fetchBundle,
  freshName,
  jid,
  meetIn,
  messageIn,
  ORIGIN,
  person,
  present,
  receive,
  send,
  START,
  textOf,
  type Person,
} from './world';

export const JULIET = jid('juliet@example.org');
export const ROMEO = jid('romeo@example.net');
export const ENDPOINT = 'xmpp.example.org';
export const GRANT = {
  origin: ORIGIN,
  jid: JULIET,
  endpoint: ENDPOINT,
  decision: 'grant',
} as const;
export const ATTACH = { stream: 1, jid: JULIET, endpoint: ENDPOINT };

let lives = 0;

/** A worker that was just started over these copies. */
export function vaultOn(name: string, area: TestArea) {
  const database = createDatabase(name, area);
  const base = contextOver(database, { seed: `life ${++lives}`, clock: { now: START } });
  const context = { ...base, health: createHealth(database, area) };
  const nothing = (): void => undefined;
  const presence = createPresence(nothing, nothing);
  const page = contentHandlers(context, presence);
  return { context, page, popup: popupHandlers(context, presence) };
}

export type Vault = ReturnType<typeof vaultOn>;

export async function begin({ page, popup }: Pick<Vault, 'page' | 'popup'>): Promise<number> {
  await popup.protect({ origin: ORIGIN });
  await page.attach(DOCUMENT, ATTACH);
  await popup.decideAccount(GRANT);
  const attached = await page.attach(DOCUMENT, ATTACH);
  if (attached.kind !== 'granted') throw new Error(attached.kind);
  return attached.deviceId;
}

export async function view({ popup }: Vault) {
  const { accounts, protected: isProtected, policy } = await popup.site({ origin: ORIGIN });
  const account = present(accounts[0]);
  return {
    isProtected,
    policy,
    deviceId: account.deviceId,
    fingerprint: account.fingerprint,
    contacts: account.contacts.map(({ jid: of, encryption, devices }) => ({
      of,
      encryption,
      trust: devices.map(({ deviceId, fingerprint: shown, trust }) => [deviceId, shown, trust]),
    })),
  };
}

/** A chat with Romeo, whose key was verified, on a site with a policy of its own. */
export async function chat() {
  const romeo = await person(ROMEO);
  const area = testArea();
  const name = freshName();
  const vault = vaultOn(name, area);
  const { context, page, popup } = vault;
  const deviceId = await begin(vault);
  const scope = { origin: ORIGIN, jid: JULIET };
  const juliet: Person = { name, scope, context, clock: { now: START }, deviceId };
  for (const version of VERSIONS) await page.ownBundle(DOCUMENT, { jid: JULIET, version });
  await page.published(DOCUMENT, { jid: JULIET, deviceId });
  await meetIn(LEGACY, juliet, romeo);
  await meetIn(LEGACY, romeo, juliet);
  const shown = fingerprint((await accountOf(romeo)).identity.publicKey);
  const decision = { origin: ORIGIN, jid: JULIET, owner: ROMEO, deviceId: romeo.deviceId };
  await popup.setTrust({ ...decision, fingerprint: shown, trust: 'verified' });
  await popup.setPolicy({ origin: ORIGIN, policy: 'verified-only' });
  const first = await send(juliet, ROMEO, 'It is the east');
  expect(textOf(await receive(romeo, first, juliet))).toBe('It is the east');
  const answer = await send(romeo, JULIET, 'and Juliet is the sun');
  expect(textOf(await receive(juliet, answer, romeo))).toBe('and Juliet is the sun');
  await page.smSave(DOCUMENT, { id: 'sm', record: { jid: `${JULIET}/b`, out: [], in: [] } });
  await page.capsSeen(DOCUMENT, { jid: JULIET, key: 'a#b', query: '<query/>' });
  return { name, area, juliet, romeo, vault, before: await view(vault) };
}

export type Chat = Awaited<ReturnType<typeof chat>>;

/** The same device in its next life. */
export function reborn({ name, area, juliet }: Chat): { vault: Vault; juliet: Person } {
  const vault = vaultOn(name, area);
  return { vault, juliet: { ...juliet, context: vault.context } };
}

/** The chat goes on in new sessions, both ways: what a session of a page does, by hand. */
export async function goesOn(made: Chat, juliet: Person, vault: Vault): Promise<void> {
  const chores = await vault.page.chores(DOCUMENT, { jid: JULIET });
  expect(chores).toEqual([
    { kind: 'reset-session', jid: ROMEO, deviceId: made.romeo.deviceId, version: LEGACY },
  ]);
  await fetchBundle(juliet, made.romeo);
  const empty = await vault.page.encryptEmpty(DOCUMENT, {
    jid: JULIET,
    peer: ROMEO,
    deviceId: made.romeo.deviceId,
    version: LEGACY,
    requestId: 'reset',
  });
  const message = messageIn(LEGACY, empty);
  expect(message.keys.map(({ isKeyExchange }) => isKeyExchange)).toEqual([true]);
  expect((await receive(made.romeo, message, juliet)).kind).toBe('empty');
  const there = await send(made.romeo, JULIET, 'Arise, fair sun');
  expect(textOf(await receive(juliet, there, made.romeo))).toBe('Arise, fair sun');
  const back = await send(juliet, ROMEO, 'Ay me');
  expect(textOf(await receive(made.romeo, back, juliet))).toBe('Ay me');
}

/** Changes a byte of every record of a store. */
export function damage(name: string, store: string): Promise<void> {
  return onDisk(name, async (db) => {
    for (const key of await db.getAllKeys(store)) {
      const value: Uint8Array = await db.get(store, key);
      value[30] = (value[30] ?? 0) ^ 1;
      await db.put(store, value, key);
    }
  });
}

export function damageItems(area: TestArea, isMeant: (item: string) => boolean): void {
  for (const [item, content] of Object.entries(area.items))
    if (isMeant(item)) area.items[item] = String(content).replace(/^.{8}/, 'AAAAAAAA');
}
