// A profile that was put back, and one of two copies of a profile, find it out at their next log-in and use no key again (M73, M74).
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import type { Fetched } from '../../src/rpc/vault-api';
import { ownBundle } from '../../src/vault/accounts';
import { scopedKey } from '../../src/vault/context';
import { createDatabase } from '../../src/vault/db';
import { acknowledgeRollback, countLogin, epochNode } from '../../src/vault/epoch';
import { keyPlace } from '../support/key-place';
import { testArea } from './area';
import { fake, resetFake } from './browser';
import { chat, reborn, ROMEO as CONTACT } from './copied-chat';
import { couple, JULIET, ROMEO } from './couple';
import {
  accountOf,
  contextOver,
  copyDatabase,
  encryptText,
  fetchBundle,
  freshName,
  jid,
  person,
  prekeysOf,
  present,
  receive,
  send,
  textOf,
  type Person,
} from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

beforeEach(() => {
  resetFake();
  fake.permitted.add('https://chat.example.org/*');
});

type Item = Fetched<Uint8Array>;
const NONE: Item = { kind: 'absent' };

async function login({ context, scope }: Person, found: Item): Promise<Item> {
  const { item } = await countLogin(context, scope, found);
  return { kind: 'present', value: item };
}

/** Another copy of a profile, as it is now. */
async function copied(of: Person): Promise<Person> {
  const name = freshName();
  await copyDatabase(of.name, name);
  const context = contextOver(createDatabase(name), { seed: name, clock: of.clock });
  return { ...of, name, context };
}

const rolledBackAt = async (of: Person) => (await accountOf(of)).rolledBackAt;

function placesOf({ keys }: Awaited<ReturnType<typeof send>>): readonly string[] {
  return keys.map(({ bytes, isKeyExchange }) => keyPlace(LEGACY, bytes, isKeyExchange));
}

/** Juliet and Romeo after a text each way, Juliet logged in once. */
async function talking() {
  const { juliet, romeo } = await couple(LEGACY);
  const item = await login(juliet, NONE);
  await receive(romeo, await send(juliet, ROMEO, 'It is the east'), juliet);
  await receive(juliet, await send(romeo, JULIET, 'and Juliet is the sun'), romeo);
  return { juliet, romeo, item };
}

describe('a profile that was put back', () => {
  it('is told by the server, sends with no key a second time, and the chat goes on', async () => {
    const { juliet, romeo, item } = await talking();
    const old = await copied(juliet);
    const used: string[] = [];
    for (const text of ['Ay me', 'O Romeo', 'be some other name']) {
      const message = await send(juliet, ROMEO, text);
      used.push(...placesOf(message));
      await receive(romeo, message, juliet);
    }
    const server = await login(juliet, item);
    const next = await login(old, server);
    expect(await rolledBackAt(old)).toBe(old.clock.now);
    const held = await encryptText(old.context, old.scope, ROMEO, 'r', 'too early');
    expect(held).toEqual({ kind: 'refused', code: 'no-trusted-devices' });
    await fetchBundle(old, romeo);
    const message = await send(old, ROMEO, 'What’s in a name?');
    expect(message.keys.map(({ isKeyExchange }) => isKeyExchange)).toEqual([true]);
    expect(used.filter((place) => placesOf(message).includes(place))).toEqual([]);
    expect(textOf(await receive(romeo, message, old))).toBe('What’s in a name?');
    const answer = await send(romeo, JULIET, 'Call me but love');
    expect(textOf(await receive(old, answer, romeo))).toBe('Call me but love');
    await acknowledgeRollback(old.context, old.scope);
    expect(await rolledBackAt(old)).toBeUndefined();
    await login(old, next);
    expect(await rolledBackAt(old)).toBeUndefined();
  });

  it('reads what is late in its old session, and sends nothing in it for that', async () => {
    const { juliet, romeo, item } = await talking();
    const first = await send(romeo, JULIET, 'first');
    const late = await send(romeo, JULIET, 'late');
    const old = await copied(juliet);
    await login(old, await login(juliet, item));
    expect(textOf(await receive(old, late, romeo))).toBe('late');
    expect(textOf(await receive(old, first, romeo))).toBe('first');
    const held = await encryptText(old.context, old.scope, ROMEO, 'r', 'not in that one');
    expect(held).toEqual({ kind: 'refused', code: 'no-trusted-devices' });
  });

  it('offers no one-time prekey again', async () => {
    const { juliet, item } = await talking();
    const before = await prekeysOf(juliet);
    const old = await copied(juliet);
    await login(old, await login(juliet, item));
    const { bundle } = await ownBundle(old.context, old.scope, LEGACY);
    expect(bundle.oneTimePrekeys).toHaveLength(100);
    const ids = bundle.oneTimePrekeys.map(({ id }) => id);
    expect(Math.min(...ids)).toBeGreaterThan(before.nextOneTimePrekeyId);
  });

  it('is told by the second copy where only the database was, and trust is that of the copy', async () => {
    const made = await chat();
    await login(made.juliet, NONE);
    const older = freshName();
    await copyDatabase(made.name, older);
    const { popup } = made.vault;
    const [device] = made.before.contacts[0]?.trust ?? [];
    const [deviceId, fingerprint] = present(device);
    const { origin, jid: of } = made.juliet.scope;
    await popup.setTrust({
      ...{ origin, jid: of, owner: CONTACT, trust: 'distrusted' },
      ...{ deviceId: Number(deviceId), fingerprint: String(fingerprint) },
    });
    await login(made.juliet, NONE);
    const area = testArea();
    area.items = made.area.items;
    const { vault, juliet } = reborn({ ...made, name: older, area });
    const { accounts } = await vault.popup.site({ origin });
    expect(accounts[0]?.contacts[0]?.devices[0]?.trust).toBe('distrusted');
    await login(juliet, { kind: 'failed' });
    expect(await rolledBackAt(juliet)).toBe(juliet.clock.now);
  });
});

describe('two copies of a profile', () => {
  it('that log in one after the other never go on with the same chains', async () => {
    const { juliet, romeo, item } = await talking();
    const other = await copied(juliet);
    const first = await login(other, item);
    const places = placesOf(await send(other, ROMEO, 'one'));
    const second = await login(juliet, first);
    expect(await rolledBackAt(other)).toBeUndefined();
    expect(await rolledBackAt(juliet)).toBe(juliet.clock.now);
    await fetchBundle(juliet, romeo);
    const again = placesOf(await send(juliet, ROMEO, 'two'));
    expect(places.filter((place) => again.includes(place))).toEqual([]);
    await login(other, second);
    expect(await rolledBackAt(other)).toBe(other.clock.now);
  });

  it('are told apart also where both counted to the same number', async () => {
    const { juliet, item } = await talking();
    const other = await copied(juliet);
    const theirs = await login(other, item);
    // Ours did not get to the server.
    await login(juliet, item);
    await login(juliet, theirs);
    expect(await rolledBackAt(juliet)).toBe(juliet.clock.now);
  });
});

describe('no alarm', () => {
  it.each<[string, (item: Item) => Item]>([
    ['has what was put there', (item) => item],
    ['has lost it', () => NONE],
    ['hides it', () => ({ kind: 'hidden' })],
    ['does not answer', () => ({ kind: 'failed' })],
    ['has something else', () => ({ kind: 'present', value: new Uint8Array(60) })],
    ['has next to nothing', () => ({ kind: 'present', value: new Uint8Array(3) })],
    [
      'has it changed',
      (item) => {
        if (item.kind !== 'present') return item;
        return {
          kind: 'present',
          value: item.value.map((byte, at) => (at === 30 ? byte ^ 1 : byte)),
        };
      },
    ],
  ])('where the server %s, and the session goes on', async (_name, answer) => {
    const { juliet, romeo, item } = await talking();
    await login(juliet, answer(item));
    expect(await rolledBackAt(juliet)).toBeUndefined();
    const message = await send(juliet, ROMEO, 'Ay me');
    expect(message.keys.map(({ isKeyExchange }) => isKeyExchange)).toEqual([false]);
    expect((await receive(romeo, message, juliet)).kind).toBe('text');
  });

  it('where the account came out of a backup, and yet nothing is sent in a session of before', async () => {
    const { juliet, item } = await talking();
    const { epoch: _counted, ...account } = await accountOf(juliet);
    const { scope, context } = juliet;
    await context.database.write([{ store: 'accounts', key: scopedKey(scope), value: account }]);
    await login(juliet, item);
    expect(await rolledBackAt(juliet)).toBeUndefined();
    const held = await encryptText(context, scope, ROMEO, 'r', 'in a session of before');
    expect(held).toEqual({ kind: 'refused', code: 'no-trusted-devices' });
  });

  it('where the server has an earlier count, or that of another device', async () => {
    const { juliet, romeo, item } = await talking();
    await login(juliet, item);
    await login(juliet, item);
    const ofRomeo = await login(romeo, NONE);
    await login(juliet, await login(romeo, ofRomeo));
    expect(await rolledBackAt(juliet)).toBeUndefined();
  });
});

it('lies in a node whose name is known to the device alone, in no clear word', async () => {
  const { juliet, romeo, item } = await talking();
  const { node } = await epochNode(juliet.context, juliet.scope);
  expect(node).toMatch(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(await epochNode(juliet.context, juliet.scope)).toEqual({ node });
  expect((await epochNode(romeo.context, romeo.scope)).node).not.toBe(node);
  const { value } = Object(item);
  expect(value).toHaveLength(24 + 20 + 16);
  const again = await person(jid('juliet@example.org'), 'another device');
  expect((await epochNode(again.context, again.scope)).node).not.toBe(node);
});
