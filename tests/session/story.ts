// A page, the hook's lanes, our session and a server over one course of events, and what must have arrived in the end. The
// vault is scripted: what counts here is which stanzas pass. Import the test's mock of the browser before it.
import { JULIET, quiet, ROMEO, Connection } from './stream-world';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { SmRecord } from '../../src/rpc/vault-api';
import { UnsentMessages } from '../../src/session/unsent';
import { NS } from '../../src/xml/ns';
import { bundle, ScriptedVault, type Answers } from './scripted-vault';
import { nodeIn, Server } from './server';
import { SmPage, type Login } from './sm-page';

/** No message to them can be encrypted. */
const NOBODY = 'nobody@example.net';
/** Their lists are asked for with every message. */
const STRANGER = 'stranger@example.net';

/** Steps of a course, what is done more often first and more than once. */
const STEPS = [
  'write',
  'write',
  'write to a stranger',
  'write to nobody',
  'say hello',
  'receive',
  'receive nothing',
  'receive a key exchange',
  'turn inactive',
  'be busy',
  'be busy',
  'page asks',
  'server asks',
  'break',
  'break',
  'reload',
  'log in anew',
] as const;

type Step = (typeof STEPS)[number];

/** What happens, in order. */
export interface Course {
  readonly login: Login;
  /** Does the server take our keys: if so, their publication goes between. */
  readonly takesKeys: boolean;
  /** How long each answer of the vault takes. */
  readonly latency: number;
  /** `turns`: how much of what was begun goes on before the next. */
  readonly steps: readonly { readonly do: Step; readonly turns: number }[];
}

/** Any course; `takesKeys` makes it slow. */
export function courses(takesKeys: boolean): fc.Arbitrary<Course> {
  return fc.record({
    login: fc.constantFrom<Login>('bind', 'bind 2'),
    takesKeys: fc.constant(takesKeys),
    latency: fc.integer({ min: 0, max: 5 }),
    steps: fc.array(
      fc.record({ do: fc.constantFrom(...STEPS), turns: fc.integer({ min: 0, max: 6 }) }),
      { maxLength: 14 },
    ),
  });
}

function message(to: string, id: string) {
  return {
    version: NS.legacy,
    senderDeviceId: 7,
    iv: new Uint8Array(12),
    keys: [],
    payload: new TextEncoder().encode(`${to} ${id}`),
  } as const;
}

function scripted(turns: number): ScriptedVault {
  const records = new Map<string, SmRecord>();
  const asked = new Set<string>();
  const lists = [{ jid: STRANGER, version: NS.legacy }] as never; // a JID as it is written here
  const answers: Answers = {
    attach: () => ({ kind: 'granted', deviceId: 7 }),
    claimDeviceId: () => ({ deviceId: 7 }),
    ownBundle: () => ({ deviceId: 7, bundle: bundle() }),
    capsKnown: () => [],
    chores: () => [],
    prepare: ({ peer }) => {
      if (peer === NOBODY) return { kind: 'refused', code: 'no-devices' };
      if (peer !== STRANGER || asked.delete(peer)) return { kind: 'ready' };
      asked.add(peer);
      return { kind: 'fetch', lists, bundles: [] };
    },
    encrypt: ({ peer, requestId }) => ({
      kind: 'encrypted',
      skipped: [],
      messages: [message(peer, requestId)],
    }),
    encryptEmpty: ({ peer, requestId }) => ({
      kind: 'encrypted',
      skipped: [],
      messages: [message(peer, requestId)],
    }),
    decrypt: ({ jid: _own, request: { sender, keys } }) => ({
      kind: 'empty',
      chores: keys.some(({ isKeyExchange }) => isKeyExchange)
        ? [{ kind: 'send-empty', jid: sender, deviceId: 9, version: NS.legacy }]
        : [],
    }),
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

const empty = (attribute: string): string =>
  `<encrypted xmlns='${NS.legacy}'><header sid='9'><key rid='7'${attribute}>AAAA</key></header></encrypted>`;
const NOT_HERE = `<error type='cancel'><service-unavailable xmlns='${NS.stanzas}'/></error>`;

/** What the page and the server do. */
class Story {
  readonly server = new Server(JULIET);
  readonly page = new SmPage();
  readonly sent: string[] = [];
  readonly refused: string[] = [];
  readonly offered: string[] = [];
  readonly swallowed: string[] = [];
  readonly #vault: ScriptedVault;
  readonly #login: Login;
  #document = { memory: new Map(), unsent: new UnsentMessages() };
  #streams = 0;

  constructor({ latency, login, takesKeys }: Course) {
    this.#vault = scripted(latency);
    this.#login = login;
    if (!takesKeys) this.server.script = (iq) => (nodeIn(iq) === '' ? undefined : NOT_HERE);
  }

  #connect(): Connection {
    return new Connection(++this.#streams, this.server, this.#vault.client, this.#document);
  }

  begin(): Promise<void> {
    return this.page.begin(this.#connect(), this.#login);
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

  async act(step: Step, id: string, turns: number): Promise<void> {
    if (step === 'write') this.#write(id, ROMEO);
    if (step === 'write to a stranger') this.#write(id, STRANGER);
    if (step === 'write to nobody') this.#write(id, NOBODY);
    if (step === 'say hello') this.page.send(`<presence xmlns='jabber:client' id='${id}'/>`);
    if (['write', 'write to a stranger', 'say hello'].includes(step)) this.sent.push(id);
    if (step === 'write to nobody') this.refused.push(id);
    if (step === 'receive') this.offered.push(id);
    if (step === 'receive') this.#receive(id, `<body>${id}</body>`);
    if (step === 'receive nothing') this.#receive(id, empty(''));
    if (step === 'receive a key exchange') this.#receive(id, empty(" prekey='true'"));
    if (step.startsWith('receive ')) this.swallowed.push(id);
    if (step === 'turn inactive') this.page.send(`<inactive xmlns='urn:xmpp:csi:0'/>`);
    if (step === 'be busy') this.page.connection.setBusy(true);
    if (step === 'page asks') this.page.ask();
    if (step === 'server asks') this.server.push(`<r xmlns='${NS.sm}'/>`);
    await quiet(turns);
    // What we have for the page waits for as long as one more thing happens.
    if (step !== 'be busy') this.page.connection.setBusy(false);
    if (step === 'reload') this.#document = { memory: new Map(), unsent: new UnsentMessages() };
    if (step === 'break' || step === 'reload') await this.#resume(turns);
    if (step === 'log in anew') await this.#beginAnew();
  }

  async #resume(turns: number): Promise<void> {
    this.page.connection.drop();
    await quiet(turns);
    await this.page.resume(this.#connect(), this.#login);
  }

  async #beginAnew(): Promise<void> {
    await this.settle();
    this.page.connection.drop();
    await this.begin();
  }

  /** Both ask until nothing is open on either side, or something is wrong. */
  async settle(): Promise<void> {
    const { page, server } = this;
    page.connection.setBusy(false);
    await quiet(80);
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

/** Plays a course and checks that page and server never disagreed and every stanza arrived exactly once. */
export async function play(course: Course): Promise<void> {
  const story = new Story(course);
  const { page, server } = story;
  await story.begin();
  for (const [index, step] of course.steps.entries()) {
    await story.act(step.do, `m${index}m`, step.turns);
  }
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
