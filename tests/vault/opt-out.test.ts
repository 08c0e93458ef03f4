// A contact who asks for plain text (XEP-0384 0.9.1 §5.7): nothing leaves until the user has answered.
import { describe, expect, it } from 'vitest';
import { lockOf } from '../../src/vault/context';
import { isOptedOut, withAnswer, withOptOut } from '../../src/vault/opt-out';
import { prepare } from '../../src/vault/recipients';
import { newPeer } from '../../src/vault/records';
import { changePeer, encryptText, jid, meet, person, START, type Person } from './world';

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const HOUR = 3600 * 1000;
const WISH = { reason: 'lost my phone', at: START };

async function couple() {
  const [juliet, romeo] = [await person(JULIET), await person(ROMEO)];
  await meet(juliet, romeo);
  return juliet;
}

let requests = 0;
const write = ({ context, scope }: Person) =>
  encryptText(context, scope, ROMEO, `o ${++requests}`, 'hello');

const preparation = ({ context, scope }: Person) =>
  context.transactions.run(lockOf(scope), (unit) => prepare(unit, scope, ROMEO, context.now()));

describe('a wish for plain text', () => {
  const refused = { kind: 'refused', code: 'opted-out' };

  it('holds every message until the user has answered, and sends none in clear', async () => {
    const juliet = await couple();
    expect(await write(juliet)).toMatchObject({ kind: 'encrypted' });
    await changePeer(juliet, ROMEO, (peer) => withOptOut(peer, WISH));
    expect(await write(juliet)).toEqual(refused);
    expect(await preparation(juliet)).toEqual(refused);
    await changePeer(juliet, ROMEO, withAnswer);
    expect(await write(juliet)).toMatchObject({ kind: 'encrypted' });
  });

  it('that was agreed to leaves the chat in clear', async () => {
    const juliet = await couple();
    await changePeer(juliet, ROMEO, (peer) => ({
      ...withAnswer(withOptOut(peer, WISH)),
      encryption: 'off',
    }));
    expect(await preparation(juliet)).toEqual({ kind: 'plain' });
  });

  it('is asked about once, however often the message comes again, and anew for a later one', () => {
    const peer = withAnswer(withOptOut(newPeer(ROMEO), WISH));
    const isOpen = (at: number) => isOptedOut([{ record: withOptOut(peer, { ...WISH, at }) }]);
    expect([-HOUR, 0, HOUR / 10].map((later) => isOpen(START + later))).toEqual([
      false,
      false,
      false,
    ]);
    expect(isOpen(START + HOUR)).toBe(true);
  });

  it('of nobody is none', () => {
    expect(isOptedOut([])).toBe(false);
    expect(withAnswer(newPeer(ROMEO))).toEqual(newPeer(ROMEO));
  });
});
