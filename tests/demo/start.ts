// Two people chat through Converse and Omnemo over a real server; for each message three things side by side: what the
// page sent, what the server saw, what the other page showed. Ends well only if the server saw none of the texts.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { protect } from '../support/extension';
import { startWorld, type Person, type World } from '../support/people';
import { columns } from './columns';

const ARTIFACTS = path.join(import.meta.dirname, '..', '..', '.artifacts');
const POPUP_SIZE = { width: 400, height: 640 };
const SHOW_MS = 20_000;

const TALK: readonly { readonly by: 'alice' | 'bob'; readonly text: string }[] = [
  { by: 'alice', text: 'Hello Bob, can the server read this?' },
  { by: 'bob', text: 'Hello Alice! It only sees that I wrote something.' },
  { by: 'alice', text: 'Does <b>this & that</b> arrive as I typed it?' },
  { by: 'bob', text: 'To the letter: <b>this & that</b>, "quotes", too.' },
  { by: 'alice', text: 'Grüße aus Zürich, 日本語, 🦊' },
  { by: 'bob', text: 'Same here: ελληνικά, кириллица, 👩‍💻' },
  { by: 'bob', text: 'And one more, before you answer.' },
  { by: 'alice', text: 'Nobody else knows. See you at seven.' },
];

interface Line {
  readonly sent: string;
  readonly seen: string;
  readonly shown: string;
}

/** The part of a stanza that stands where the text was. */
function excerpt(xml: string): string {
  const body = /<body[^>]*>[^<]*<\/body>/.exec(xml)?.[0] ?? '';
  const encrypted = /<encrypted[\s>].*<\/encrypted>/s.exec(xml)?.[0];
  if (encrypted === undefined) return body === '' ? xml : body;
  const sid = /sid=['"](\d+)['"]/.exec(encrypted)?.[1] ?? '?';
  const payload = /<payload>.*<\/payload>/s.exec(encrypted)?.[0] ?? '';
  return `<encrypted … sid='${sid}'> ${payload} ${body}`;
}

async function say(world: World, from: Person, to: Person, text: string): Promise<Line> {
  const mark = world.server.wire.mark();
  await from.converse.page.bringToFront();
  await from.converse.send(text);
  const shown = await to.converse
    .shows(from.jid, text, SHOW_MS)
    .then((message) => message.text)
    .catch(async () => {
      const failed = (await from.converse.messages(to.jid)).find(
        (message) => message.text === text,
      );
      return `NOT SHOWN ${failed?.error ?? ''}`;
    });
  const stanza = world.server.wire
    .records(mark)
    .filter(({ dir, jid }) => dir === 'in' && jid.startsWith(`${from.jid}/`))
    .find(({ xml }) => /^<message\b/.test(xml) && /<(encrypted|body)[\s>]/.test(xml));
  return { sent: text, seen: stanza ? excerpt(stanza.xml) : 'nothing', shown };
}

async function talk(world: World): Promise<boolean> {
  const width = Math.max(78, Math.min(process.stdout.columns ?? 110, 150));
  const side = Math.floor((width - 6) * 0.3);
  const widths = [side, width - 6 - 2 * side, side] as const;
  const print = (...[sent, seen, shown]: readonly [string, string, string]) => {
    const [first, second, third] = widths;
    const cells = [
      { text: sent, width: first },
      { text: seen, width: second },
      { text: shown, width: third },
    ];
    console.log(columns(cells).join('\n'));
  };
  const rule = widths.map((each) => '─'.repeat(each)).join('─┼─');
  print('page sent', 'server saw', 'other page showed');
  let areAllShown = true;
  for (const { by, text } of TALK) {
    const from = world.person(by);
    const to = world.person(by === 'alice' ? 'bob' : 'alice');
    const line = await say(world, from, to, text);
    console.log(rule);
    print(`${from.name}: ${line.sent}`, line.seen, `${to.name}: ${line.shown}`);
    areAllShown &&= line.shown === text && line.seen.startsWith('<encrypted');
  }
  return areAllShown;
}

async function takePictures(world: World): Promise<void> {
  mkdirSync(ARTIFACTS, { recursive: true });
  const file = (name: string) => path.join(ARTIFACTS, `${name}.png`);
  for (const name of ['alice', 'bob']) {
    const { browser, converse } = world.person(name);
    await browser.screenshot(converse.page, file(name));
  }
  const alice = world.person('alice');
  const popup = await alice.popup();
  await popup.page.setViewport(POPUP_SIZE);
  await popup.devices(world.person('bob').jid);
  await alice.browser.screenshot(popup.page, file('popup'));
  await popup.close();
  console.log('\nscreenshots:');
  for (const name of ['alice', 'bob', 'popup'])
    console.log(`  ${path.relative(process.cwd(), file(name))}`);
}

async function job(world: World): Promise<boolean> {
  const alice = world.person('alice');
  const bob = world.person('bob');
  for (const person of [alice, bob]) await protect(world, person);
  await alice.converse.openChat(bob.jid);
  await bob.converse.openChat(alice.jid);
  console.log('Both protected the site in the popup and confirmed their account.\n');
  const areAllShown = await talk(world);
  await takePictures(world);
  const leaked = TALK.filter(({ text }) => world.server.leaks(text).length > 0);
  console.log(`\nserver saw ${leaked.length} of ${TALK.length} plaintexts`);
  return areAllShown && leaked.length === 0;
}

async function main(): Promise<boolean> {
  const headed = process.argv.includes('--headed');
  if (headed && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY'])
    throw new Error('--headed needs a display: DISPLAY is not set');
  const interrupted = new Promise<'interrupted'>((resolve) => {
    process.once('SIGINT', () => resolve('interrupted'));
    process.once('SIGTERM', () => resolve('interrupted'));
  });
  console.log('Starting Prosody, two Chromium profiles with Omnemo, and Converse for two people …');
  const world = await startWorld({ people: ['alice', 'bob'], headed });
  try {
    const isGood = await Promise.race([job(world), interrupted]);
    if (isGood === 'interrupted') return false;
    if (headed) {
      console.log('The windows stay open. Ctrl-C ends it all.');
      await interrupted;
    }
    return isGood;
  } finally {
    await world.close();
  }
}

main().then(
  (isGood) => process.exit(isGood ? 0 : 1),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
