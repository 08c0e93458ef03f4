// A clock that was wrong and is set right (I-127): nothing expires by it, and nothing waits for a time that is years away.
import { describe, expect, it, vi } from 'vitest';
import { LEGACY, VERSIONS } from '../../src/rpc/versions';
import { SIGNED_PREKEY_AGE_MS } from '../../src/limits';
import { ownBundle } from '../../src/vault/accounts';
import { lockOf } from '../../src/vault/context';
import { withList, withoutBundle } from '../../src/vault/devices';
import { prepare } from '../../src/vault/recipients';
import { withRepair } from '../../src/vault/repair';
import { changePeer, meet, peerOf, person, prekeysOf, receive, send, START, textOf } from './world';
import { JULIET, ROMEO } from './couple';

vi.mock('webextension-polyfill', () => ({ default: {} }));

const YEARS = 10 * 365 * 24 * 3600 * 1000;

async function couple() {
  const [juliet, romeo] = [await person(JULIET), await person(ROMEO)];
  await meet(juliet, romeo);
  return { juliet, romeo };
}

const prepared = ({ context, scope }: Awaited<ReturnType<typeof person>>) =>
  context.transactions.run(lockOf(scope), (unit) => prepare(unit, scope, ROMEO, context.now()));

describe('a clock that was ahead for a while (I-127)', () => {
  it('costs no signed prekey: what was written to the one before it opens, and rotation goes on', async () => {
    const { juliet, romeo } = await couple();
    const early = await send(juliet, ROMEO, 'to the key before');
    const tend = () => ownBundle(romeo.context, romeo.scope, LEGACY);
    romeo.clock.now = START + YEARS;
    await tend();
    romeo.clock.now = START;
    const { bundle } = await tend();
    expect(bundle.signedPrekey.id).toBe(2);
    expect((await prekeysOf(romeo)).previousSignedPrekey?.id).toBe(1);
    expect(textOf(await receive(romeo, early, juliet))).toBe('to the key before');
    romeo.clock.now = START + SIGNED_PREKEY_AGE_MS;
    expect((await tend()).bundle.signedPrekey.id).toBe(3);
  });

  it('does not leave a list unasked until then', async () => {
    const { juliet, romeo } = await couple();
    const lists = (at: number) =>
      [ROMEO, JULIET].map((owner) =>
        changePeer(juliet, owner, (record) =>
          VERSIONS.reduce((peer, version) => {
            const value = owner === ROMEO ? [romeo.deviceId] : [juliet.deviceId];
            return withList(peer, version, { kind: 'present', value }, at);
          }, record),
        ),
      );
    await Promise.all(lists(START));
    expect((await prepared(juliet)).kind).toBe('ready');
    await Promise.all(lists(START + YEARS));
    expect(await prepared(juliet)).toMatchObject({ kind: 'fetch' });
    const failed = { kind: 'failed' } as const;
    await changePeer(juliet, ROMEO, (peer) => withList(peer, LEGACY, failed, START + YEARS));
    const again = await prepared(juliet);
    expect(again.kind === 'fetch' && again.lists).toContainEqual({ jid: ROMEO, version: LEGACY });
  });

  it('does not leave a device out until then', async () => {
    const { juliet, romeo } = await couple();
    await changePeer(juliet, ROMEO, (record) => {
      const listed = VERSIONS.reduce(
        (peer, version) =>
          withList(peer, version, { kind: 'present', value: [romeo.deviceId, 9] }, START),
        record,
      );
      return withoutBundle(listed, 9, LEGACY, START + YEARS);
    });
    await changePeer(juliet, JULIET, (record) =>
      VERSIONS.reduce(
        (peer, version) =>
          withList(peer, version, { kind: 'present', value: [juliet.deviceId] }, START),
        record,
      ),
    );
    const preparation = await prepared(juliet);
    expect(preparation.kind === 'fetch' && preparation.bundles).toContainEqual({
      jid: ROMEO,
      deviceId: 9,
      version: LEGACY,
    });
  });

  it('does not leave a session broken until then', async () => {
    const { juliet, romeo } = await couple();
    const peer = await peerOf(juliet, ROMEO);
    const repaired = withRepair(peer, romeo.deviceId, LEGACY, 'no-session', START + YEARS);
    if (repaired === undefined) throw new Error('not repaired at all');
    expect(withRepair(repaired, romeo.deviceId, LEGACY, 'no-session', START)).toBeDefined();
  });
});
