// Rules of the reference about other clients (client-quirks, Q-1 to Q-18) that the vault keeps.
import { describe, expect, it, vi } from 'vitest';
import { SIGNED_PREKEY_AGE_MS } from '../../src/limits';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import { ownBundle } from '../../src/vault/accounts';
import { lockOf } from '../../src/vault/context';
import { withList, withoutBundle } from '../../src/vault/devices';
import { prepare } from '../../src/vault/recipients';
import {
  changePeer,
  choreKinds,
  encryptText,
  jid,
  meet,
  messageOf,
  person,
  reborn,
  receive,
  send,
  START,
  textOf,
  type Person,
} from './world';

vi.mock('webextension-polyfill', () => ({ default: {} }));

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');

async function couple(): Promise<{ juliet: Person; romeo: Person }> {
  const juliet = await person(JULIET);
  const romeo = await person(ROMEO);
  await meet(juliet, romeo);
  await meet(romeo, juliet);
  return { juliet, romeo };
}

describe('Q-6: a device without bundle', () => {
  /** As Psi leaves it when it has published its list and not yet its bundle. */
  const PSI = 55555;

  async function withPsi(): Promise<{ juliet: Person; romeo: Person }> {
    const pair = await couple();
    const value = [pair.romeo.deviceId, PSI];
    await changePeer(pair.juliet, ROMEO, (record) =>
      withoutBundle(
        withList(
          withList(record, LEGACY, { kind: 'present', value }, START),
          OMEMO2,
          { kind: 'absent' },
          START,
        ),
        PSI,
        LEGACY,
        START,
      ),
    );
    await changePeer(pair.juliet, JULIET, (record) =>
      withList(
        withList(record, LEGACY, { kind: 'present', value: [pair.juliet.deviceId] }, START),
        OMEMO2,
        { kind: 'absent' },
        START,
      ),
    );
    return pair;
  }

  it('is left out and named, and the message goes to the others', async () => {
    const { juliet, romeo } = await withPsi();
    const outcome = await encryptText(juliet.context, juliet.scope, ROMEO, 'q6', 'to the others');
    expect(outcome).toMatchObject({ skipped: [{ jid: ROMEO, deviceId: PSI, code: 'no-bundle' }] });
    const message = messageOf(outcome);
    expect(message.keys.map(({ deviceId }) => deviceId)).toEqual([romeo.deviceId]);
    expect(textOf(await receive(romeo, message, juliet))).toBe('to the others');
  });

  it('is asked about again after a minute, not with each message', async () => {
    const { juliet } = await withPsi();
    const asked = async (now: number) => {
      juliet.clock.now = now;
      const { context, scope } = juliet;
      return context.transactions.run(lockOf(scope), (unit) => prepare(unit, scope, ROMEO, now));
    };
    expect(await asked(START + 59_999)).toEqual({ kind: 'ready' });
    expect(await asked(START + 60_000)).toEqual({
      kind: 'fetch',
      lists: [],
      bundles: [{ jid: ROMEO, deviceId: PSI, version: LEGACY }],
    });
  });
});

describe('Q-8: a key exchange', () => {
  it.each([
    ['of a contact is answered', true, false, true],
    ['of somebody we have written to is answered', false, true, true],
    ['of a stranger is not, who would learn that we are here', false, false, false],
  ])('%s', async (_name, isContact, isWrittenTo, isAnswered) => {
    const { juliet, romeo } = await couple();
    if (isWrittenTo) await send(romeo, JULIET, 'before');
    const first = await send(juliet, ROMEO, 'hello');
    const outcome = await receive(romeo, first, juliet, { isContact });
    expect(textOf(outcome)).toBe('hello');
    expect(choreKinds(outcome).includes('send-empty')).toBe(isAnswered);
  });

  it('that Dino or Gajim repeats is answered once and takes one prekey', async () => {
    const { juliet, romeo } = await couple();
    const chores: string[][] = [];
    for (const text of ['one', 'two', 'three']) {
      const message = await send(juliet, ROMEO, text);
      expect(message.keys[0]?.isKeyExchange).toBe(true);
      chores.push(choreKinds(await receive(romeo, message, juliet)));
    }
    expect(chores).toEqual([['publish-bundle', 'send-empty'], [], []]);
  });
});

it('Q-14: the identity key that others know us by outlives workers and rotations', async () => {
  const clock = { now: START };
  let juliet = await person(JULIET, JULIET, clock);
  const first = await ownBundle(juliet.context, juliet.scope, LEGACY);
  for (let week = 1; week <= 3; week++) {
    clock.now += SIGNED_PREKEY_AGE_MS;
    juliet = reborn(juliet);
    const { bundle, deviceId } = await ownBundle(juliet.context, juliet.scope, LEGACY);
    expect(bundle.signedPrekey.id).toBe(1 + week);
    expect(bundle.identityKey).toEqual(first.bundle.identityKey);
    expect(deviceId).toBe(first.deviceId);
  }
});
