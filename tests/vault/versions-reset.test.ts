// In which versions a session is started anew (design D13, wire §4.5).
import { describe, expect, it } from 'vitest';
import { LEGACY, OMEMO2, VERSIONS } from '../../src/rpc/versions';
import { resetChores } from '../../src/vault/repair';
import { couple, JULIET, ROMEO, write } from './couple';
import {
  changePeer,
  meetIn,
  messageIn,
  peerOf,
  person,
  receive,
  wantReset,
  type Person,
} from './world';

describe('a session to be started anew', () => {
  const resetVersions = async (who: Person) =>
    resetChores(await peerOf(who, ROMEO)).map((chore) => 'version' in chore && chore.version);

  it('by the user is one in the version written in, before there is any', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    await wantReset(juliet, romeo);
    expect(await resetVersions(juliet)).toEqual([LEGACY]);
  });

  it('by the user is one in the version of the session', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    await write(juliet, 'hello');
    await wantReset(juliet, romeo);
    expect(await resetVersions(juliet)).toEqual([LEGACY]);
  });

  it('by the user is one in each version that has one', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    await write(juliet, 'hello');
    await changePeer(juliet, ROMEO, (peer) => ({ ...peer, prefersOmemo2: true }));
    await write(juliet, 'hello again');
    await wantReset(juliet, romeo);
    expect(await resetVersions(juliet)).toEqual(VERSIONS);
  });

  it('by the user is also one in the version written in from now on', async () => {
    const { juliet, romeo } = await couple(LEGACY, OMEMO2);
    await write(juliet, 'hello');
    await changePeer(juliet, ROMEO, (peer) => ({ ...peer, prefersOmemo2: true }));
    await wantReset(juliet, romeo);
    expect(await resetVersions(juliet)).toEqual(VERSIONS);
  });

  it('is none by itself in OMEMO 2, where that is forbidden (wire §4.5)', async () => {
    const { juliet, romeo } = await couple(OMEMO2);
    const hello = messageIn(OMEMO2, await write(juliet, 'hello'));
    await receive(romeo, hello, juliet);
    const answer = messageIn(OMEMO2, await write(romeo, 'answer', JULIET));
    await receive(juliet, answer, romeo);
    const message = messageIn(OMEMO2, await write(juliet, 'in a session'));
    const fresh = await person(ROMEO);
    await meetIn(OMEMO2, fresh, juliet);
    expect(await receive(fresh, message, juliet)).toEqual({
      kind: 'failed',
      code: 'no-session',
      chores: [],
    });
    expect(resetChores(await peerOf(fresh, JULIET))).toEqual([]);
  });
});
