// Any sequence of stanzas, losses of the network and resumptions: page and server never disagree, and every stanza arrives
// exactly once. The vault is scripted: what counts here is which stanzas pass.
import { JULIET, quiet, ROMEO, Connection } from './stream-world';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SmRecord } from '../../src/rpc/vault-api';
import { UnsentMessages } from '../../src/session/unsent';
import { NS } from '../../src/xml/ns';
import { property } from '../vault/property';
import { bundle, ScriptedVault, type Answers } from './scripted-vault';
import { Server } from './server';
import { SmPage } from './sm-page';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  // The platform's own takes a thread and thereby any number of turns: an example could not be run again.
  vi.spyOn(crypto.subtle, 'digest').mockImplementation(async () => new ArrayBuffer(32));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const NOBODY = 'nobody@example.net';

/** `turns`: how long each answer takes. */
function scripted(turns: number): ScriptedVault {
  const records = new Map<string, SmRecord>();
  const answers: Answers = {
    attach: () => ({ kind: 'granted', deviceId: 7 }),
    claimDeviceId: () => ({ deviceId: 7 }),
    ownBundle: () => ({ deviceId: 7, bundle: bundle() }),
    chores: () => [],
    prepare: ({ peer }) =>
      peer === NOBODY ? { kind: 'refused', code: 'no-devices' } : { kind: 'ready' },
    encrypt: ({ requestId }) => ({
      kind: 'encrypted',
      skipped: [],
      messages: [
        {
          version: NS.legacy,
          senderDeviceId: 7,
          iv: new Uint8Array(12),
          keys: [],
          payload: new TextEncoder().encode(requestId),
        },
      ],
    }),
    decrypt: () => ({ kind: 'empty', chores: [] }),
    plainSeen: () => ({ mark: false }),
    smLoad: ({ id }) => records.get(id) ?? null,
    smSave: ({ id, record }) => {
      records.set(id, structuredClone(record));
      return null;
    },
    smDrop: ({ id }) => {
      records.delete(id);
      return null;
    },
  };
  return new ScriptedVault(answers, () => quiet(turns));
}

interface Course {
  readonly steps: readonly { readonly do: string; readonly turns: number }[];
  readonly latency: number;
}

const STEP = fc.record({
  do: fc.constantFrom(
    'write',
    'write',
    'write to nobody',
    'say hello',
    'receive',
    'receive nothing',
    'page asks',
    'server asks',
    'break',
    'break',
  ),
  turns: fc.integer({ min: 0, max: 6 }),
});
const COURSE: fc.Arbitrary<Course> = fc.record({
  steps: fc.array(STEP, { maxLength: 14 }),
  latency: fc.integer({ min: 0, max: 5 }),
});

const EMPTY = `<encrypted xmlns='${NS.legacy}'><header sid='9'><key rid='7'>AAAA</key></header></encrypted>`;

/** What the page and the server do, and what must have arrived in the end. */
class Story {
  readonly server = new Server(JULIET);
  readonly page = new SmPage();
  readonly sent: string[] = [];
  readonly refused: string[] = [];
  readonly offered: string[] = [];
  readonly swallowed: string[] = [];
  readonly #vault: ScriptedVault;
  readonly #document = { memory: new Map(), unsent: new UnsentMessages() };
  #streams = 0;

  constructor(latency: number) {
    this.#vault = scripted(latency);
  }

  connect(): Connection {
    return new Connection(++this.#streams, this.server, this.#vault.client, this.#document);
  }

  #write(id: string, to: string): void {
    this.page.send(
      `<message xmlns='jabber:client' type='chat' to='${to}' id='${id}'><body>text ${id}</body></message>`,
    );
  }

  #receive(id: string, content: string): void {
    const from = `from='${ROMEO}/x' id='${id}'`;
    this.server.send(`<message xmlns='jabber:client' ${from}>${content}</message>`);
  }

  act(step: string, id: string): void {
    if (step === 'write') this.#write(id, ROMEO);
    if (step === 'write to nobody') this.#write(id, NOBODY);
    if (step === 'say hello') this.page.send(`<presence xmlns='jabber:client' id='${id}'/>`);
    if (step === 'write' || step === 'say hello') this.sent.push(id);
    if (step === 'write to nobody') this.refused.push(id);
    if (step === 'receive') this.offered.push(id);
    if (step === 'receive') this.#receive(id, `<body>${id}</body>`);
    if (step === 'receive nothing') this.swallowed.push(id);
    if (step === 'receive nothing') this.#receive(id, EMPTY);
    if (step === 'page asks') this.page.ask();
    if (step === 'server asks') this.server.push(`<r xmlns='${NS.sm}'/>`);
  }

  /** Both ask until nothing is open on either side, or something is wrong. */
  async settle(): Promise<void> {
    const { page, server } = this;
    const isWrong = () => page.complaints.length + server.complaints.length > 0;
    const isSettled = () => page.unacked.length + server.unacked.length === 0;
    for (let round = 0; round < 100 && !isWrong(); round++) {
      page.ask();
      server.push(`<r xmlns='${NS.sm}'/>`);
      await quiet(30);
      if (isSettled() && round > 0) return;
    }
  }
}

async function run({ steps, latency }: Course): Promise<void> {
  const story = new Story(latency);
  const { page, server } = story;
  await page.begin(story.connect());
  for (const [index, step] of steps.entries()) {
    story.act(step.do, `m${index}m`);
    await quiet(step.turns);
    if (step.do !== 'break') continue;
    page.connection.drop();
    await quiet(step.turns);
    await page.resume(story.connect());
  }
  await quiet(80);
  await story.settle();

  expect([...server.complaints, ...page.complaints]).toEqual([]);
  expect([page.isResumeRefused, page.unacked, server.unacked]).toEqual([false, [], []]);
  const countIn = (texts: readonly string[], id: string) =>
    texts.filter((text) => text.includes(`"${id}"`) || text.includes(`'${id}'`)).length;
  const wire = server.got.filter((text) => /^<(?:message|presence)/.test(text));
  expect(story.sent.filter((id) => countIn(wire, id) !== 1)).toEqual([]);
  expect(story.refused.filter((id) => countIn(wire, id) !== 0)).toEqual([]);
  expect(story.refused.filter((id) => countIn(page.received, id) === 0)).toEqual([]);
  expect(story.offered.filter((id) => countIn(page.received, id) !== 1)).toEqual([]);
  expect(story.swallowed.filter((id) => countIn(page.received, id) !== 0)).toEqual([]);
}

describe('page and server', () => {
  it('agree on every stanza whatever happens', async () => {
    await property(COURSE, 40, run);
  });

  // A refusal is told to the page, or the page sends the message again: never neither.
  it.each([1, 3])('agree on a refusal that breaks off at any moment (%i)', async (latency) => {
    for (let turns = 0; turns <= 12; turns++) {
      const steps = [
        { do: 'say hello', turns: 40 },
        { do: 'write to nobody', turns },
        { do: 'break', turns: 2 },
      ];
      await run({ steps, latency });
    }
  });
});
