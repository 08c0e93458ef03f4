// Stream management over a long session: 300 stanzas, one cut connection, two reloads, all resumed, nothing lost or doubled.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { protect } from '../support/extension';
import { startWorld, type Person, type World } from '../support/people';
import { isStanza } from '../support/stanzas';
import { until } from '../support/wait';

const STANZAS = 300;
const ROUND = 8;
const BEFORE_RELOAD = 'just before a reload';

let world: World;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'] });
  await protect(world, world.person('alice'));
  await protect(world, world.person('bob'));
});
afterAll(() => world?.close());

/** Stanzas that crossed the stream of this person, both ways. */
function stanzasOf({ jid }: Person): number {
  return world.server.wire
    .records()
    .filter((record) => record.jid.startsWith(`${jid}/`) && isStanza(record)).length;
}

function nonzas({ jid }: Person, name: string): number {
  return world.server.wire
    .records()
    .filter((record) => record.jid.startsWith(jid) && record.xml.startsWith(`<${name} `)).length;
}

it('resumes after a cut and two reloads without a lost or doubled message (I-26, I-28, I-29)', async () => {
  const alice = world.person('alice');
  const bob = world.person('bob');
  const sent: string[] = [];
  await alice.converse.openChat(bob.jid);
  await bob.converse.openChat(alice.jid);

  const say = async (from: Person, label: string) => {
    const text = `${label} ${sent.length + 1} by ${from.name}`;
    sent.push(text);
    await from.converse.send(text);
    return text;
  };
  const round = async (label: string) => {
    for (let count = 0; count < ROUND; count += 1) {
      await say(alice, label);
      await say(bob, label);
    }
    const [last, beforeLast] = [sent.at(-1) ?? '', sent.at(-2) ?? ''];
    await alice.converse.shows(bob.jid, last, 60_000);
    await bob.converse.shows(alice.jid, beforeLast, 60_000);
  };

  await round('before the cut');
  const resumedBefore = nonzas(alice, 'resumed');
  await say(alice, 'under way when cut');
  alice.proxy.cut();
  await alice.converse.disconnected();
  const missed = await say(bob, 'while alice was away');
  alice.proxy.mend();
  await alice.converse.connected();
  await alice.converse.shows(bob.jid, missed, 60_000);
  await round('after the cut');

  for (const label of ['after the first reload', 'after the second reload']) {
    await say(alice, BEFORE_RELOAD);
    await alice.converse.reload();
    await alice.converse.openChat(bob.jid);
    await round(label);
  }
  while (stanzasOf(alice) < STANZAS) await round('filling up');

  // Late duplicates would come with the next answer of the server at the latest.
  await alice.converse.send('the end');
  sent.push('the end');
  await bob.converse.shows(alice.jid, 'the end', 60_000);

  for (const [me, other] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    // Converse stores a text after it sent it: the last one before a reload may be missing in the view of its writer.
    const isForgotten = (text: string) => me === alice && text.startsWith(BEFORE_RELOAD);
    const needed = sent.filter((text) => !isForgotten(text));
    const texts = await until(`${me.name} to show everything`, async () => {
      const shown = (await me.converse.messages(other.jid)).map(({ text }) => text);
      return needed.every((text) => shown.includes(text)) && shown;
    });
    expect(texts.filter((text) => !sent.includes(text))).toEqual([]);
    expect(new Set(texts).size).toBe(texts.length);
    expect((await me.converse.messages(other.jid)).filter(({ error }) => error)).toEqual([]);
  }
  expect(stanzasOf(alice)).toBeGreaterThanOrEqual(STANZAS);
  expect(nonzas(alice, 'resumed') - resumedBefore).toBe(3);
  expect(world.server.streamErrors()).toEqual([]);
  // What Converse writes when the server's count cannot be true for it.
  const counts = [...alice.complaints, ...bob.complaints].filter((line) =>
    /stanza count|acknowledge count/i.test(line),
  );
  expect(counts).toEqual([]);
  for (const text of sent) expect(world.server.leaks(text), text).toEqual([]);
});
