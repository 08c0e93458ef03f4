// The browser dies in the middle of a chat, again and again (M72, M77): every text is there afterwards, once, on both sides,
// no key was taken twice and nothing left in clear. Six deaths here; OMNEMO_KILLS=50 for as many as one likes.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import { protect } from '../support/extension';
import { keyPlace } from '../support/key-place';
import { startWorld, type Person, type World } from '../support/people';
import { encryptedMessages } from '../support/stanzas';
import { until } from '../support/wait';

const KILLS = Number(process.env['OMNEMO_KILLS'] ?? 6);
/** Texts of either side before a death and, of the other, until after it. */
const TEXTS = 10;
/** A death comes within this time of the first text. */
const LATEST_MS = 900;

let world: World;
beforeAll(async () => {
  world = await startWorld({ people: ['alice', 'bob'] });
  await protect(world, world.person('alice'));
  await protect(world, world.person('bob'));
});
afterAll(() => world?.close());

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function textsOf(who: Person, other: Person, direction: 'sent' | 'received') {
  const shown = await who.converse.messages(other.jid);
  return shown.filter((message) => message.direction === direction).map(({ text }) => text);
}

/** Texts one after the other; ends early when the browser dies under them. */
async function write(from: Person, texts: readonly string[], isDying: () => boolean) {
  for (const text of texts) {
    try {
      await from.converse.send(text);
    } catch (error) {
      if (!isDying()) throw error;
      return;
    }
  }
}

/** What Alice's browser put on the wire with a text in it. */
function ciphertextsBy({ jid }: Person): readonly string[] {
  return encryptedMessages(world.server.wire.records())
    .filter(({ dir, jid: by }) => dir === 'in' && by.startsWith(`${jid}/`))
    .map(({ xml }) => xml)
    .filter((xml) => xml.includes('<payload'));
}

function placesOf(xml: string): readonly string[] {
  return [...xml.matchAll(/<key rid='(\d+)'( prekey='true')?>([^<]+)</g)].map(
    ([, rid, prekey, text = '']) =>
      `${rid} ${keyPlace(LEGACY, new Uint8Array(Buffer.from(text, 'base64')), prekey !== undefined)}`,
  );
}

it(
  `shows every text once after ${KILLS} deaths of the browser`,
  async () => {
    const alice = world.person('alice');
    const bob = world.person('bob');
    await bob.converse.openChat(alice.jid);
    await alice.converse.openChat(bob.jid);
    const ofBob: string[] = [];
    const ofAlice: string[] = [];
    // Gathered death by death: after many, Bob's view keeps only the newest.
    const arrived = new Set<string>();

    for (let death = 1; death <= KILLS; death += 1) {
      const texts = (name: string) =>
        Array.from({ length: TEXTS }, (_, index) => `${name} ${index + 1} of death ${death}`);
      const [fromAlice, fromBob] = [texts('alice'), texts('bob')];
      ofAlice.push(...fromAlice);
      ofBob.push(...fromBob);
      let isDying = false;
      const dies = async () => {
        await pause((LATEST_MS * death) / KILLS);
        isDying = true;
        await alice.crash();
      };
      await Promise.all([
        write(alice, fromAlice, () => isDying),
        write(bob, fromBob, () => false),
        dies(),
      ]);
      await alice.converse.openChat(bob.jid);
      const received = await until(`all texts of bob after death ${death}`, async () => {
        const shown = await textsOf(alice, bob, 'received');
        return fromBob.every((text) => shown.includes(text)) && shown;
      });
      expect(received.filter((text) => !ofBob.includes(text))).toEqual([]);
      expect(new Set(received).size).toBe(received.length);
      // The session goes on, both ways.
      await alice.converse.send(`alice after death ${death}`);
      await bob.converse.shows(alice.jid, `alice after death ${death}`);
      ofAlice.push(`alice after death ${death}`);
      const atBob = await textsOf(bob, alice, 'received');
      expect(atBob.filter((text) => !ofAlice.includes(text))).toEqual([]);
      expect(new Set(atBob).size).toBe(atBob.length);
      for (const text of atBob) arrived.add(text);
    }

    const ciphertexts = ciphertextsBy(alice);
    expect(arrived.size).toBe(ciphertexts.length);
    const places = ciphertexts.flatMap(placesOf);
    expect(places.length).toBeGreaterThanOrEqual(ciphertexts.length);
    expect(new Set(places).size).toBe(places.length);

    // Her own texts come from the server's archive after each death, which the page asks for in one piece only.
    const own = (await textsOf(alice, bob, 'sent')).toSorted();
    expect(own.filter((text) => !arrived.has(text))).toEqual([]);
    if (KILLS <= 10) expect(own).toEqual([...arrived].toSorted());
    for (const text of [...ofAlice, ...ofBob]) expect(world.server.leaks(text), text).toEqual([]);
    expect(world.server.streamErrors()).toEqual([]);
  },
  60_000 + KILLS * 20_000,
);
