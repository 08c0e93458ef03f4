// A page, the hook's lanes, our session and a vault over fake-indexeddb, with a scripted server behind. The vault is the
// real one; any of its requests can be made to fail. Import it first: it brings the DOM and the fake browser.
import '../support/dom';
import { vi } from 'vitest';
import { VaultError, type VaultErrorCode } from '../../src/rpc/errors';
import type { BridgeMessage, Direction, HookMessage } from '../../src/rpc/page-api';
import { createClient } from '../../src/rpc/port';
import type { ContentApi, DecryptOutcome, OmemoVersion } from '../../src/rpc/vault-api';
import { LEGACY } from '../../src/rpc/versions';
import { codecFor, findEncrypted, type Codec } from '../../src/session/codec/codec';
import type { StreamMemory } from '../../src/session/observe';
import { StreamSession } from '../../src/session/stream-session';
import { UnsentMessages } from '../../src/session/unsent';
import type { VaultClient } from '../../src/session/vault-client';
import { createLane, type Lane } from '../../src/stream/hook/lane';
import { isInteresting, type Prefixes } from '../../src/stream/hook/peek';
import { ownBundle } from '../../src/vault/accounts';
import { decrypt } from '../../src/vault/decrypt';
import { createPresence } from '../../src/vault/presence';
import type { Lock } from '../../src/vault/lock';
import type { SeenAccount, SiteRecord } from '../../src/vault/records';
import { createService, type Service } from '../../src/vault/service';
import { parseFrame, serialise } from '../../src/xml/element';
import { portPair } from '../vault/fake-port';
import { jid, lockOver, ORIGIN, person, type Person } from '../vault/world';
import { Server, type Make } from './server';

export const JULIET = jid('juliet@example.org');
export const ROMEO = jid('romeo@example.net');
export const ENDPOINT = 'xmpp.example.org';
const URL_OF_SERVER = `wss://${ENDPOINT}/ws`;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets everything that can happen without a timer happen, until it is so. */
export async function until(isSo: () => boolean, what = 'it', limitMs = 5000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await turn();
  }
}

/** Lets things settle that should not happen. */
export async function quiet(turns = 60): Promise<void> {
  for (let count = 0; count < turns; count++) await turn();
}

/** Lets the (faked) clock run too, for two minutes at most. */
export async function untilLate(isSo: () => boolean, what = 'it'): Promise<void> {
  for (let step = 0; step < 24 && !isSo(); step++) {
    const end = performance.now() + 10;
    while (performance.now() < end && !isSo()) await turn();
    await vi.advanceTimersByTimeAsync(5000);
  }
  await until(isSo, what);
}

/** Instead of asking the vault. */
type Fault = (ask: () => Promise<unknown>, timeoutMs: number) => Promise<unknown>;

/** The vault answers with this code. */
export const fails =
  (code: VaultErrorCode): Fault =>
  () =>
    Promise.reject(new VaultError(code));

/** The vault does not answer; the client gives up in time. */
export const hangs: Fault = (_ask, timeoutMs) =>
  new Promise((_resolve, reject) => {
    setTimeout(() => reject(new VaultError('timeout')), timeoutMs);
  });

/** The vault answers once `open` was called. */
export function gate(): { readonly fault: Fault; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { fault: (ask) => opened.then(ask), open: () => open() };
}

/** A client whose requests can be made to fail. */
export class FaultyVault {
  readonly faults = new Map<keyof ContentApi, Fault>();
  readonly calls: { readonly name: string; readonly arg: unknown }[] = [];
  readonly client: VaultClient;

  constructor(real: VaultClient) {
    const request = (name: keyof ContentApi, arg: never, timeoutMs = 30_000): Promise<unknown> => {
      this.calls.push({ name, arg });
      const ask = (): Promise<unknown> => real.request(name, arg, timeoutMs);
      return this.faults.get(name)?.(ask, timeoutMs) ?? ask();
    };
    // Hands on what it was given, so its types are those of the real one.
    this.client = { ...real, request: request as VaultClient['request'] };
  }

  asked(name: keyof ContentApi): unknown[] {
    return this.calls.filter((call) => call.name === name).map(({ arg }) => arg);
  }
}

/** What the session of a document keeps beyond a socket. */
interface DocumentMemory {
  readonly memory: StreamMemory;
  readonly unsent: UnsentMessages;
}

/** One socket of the page. */
export class Connection {
  /** Every frame the page got. */
  readonly seen: string[] = [];
  /** Ids of what we put in. */
  readonly injected: string[] = [];
  /** Called with every frame the page gets. */
  onPage: (text: string) => void = () => undefined;
  readonly session: StreamSession;
  #isOpen = true;
  #isBusy = false;
  #waiting: BridgeMessage[] = [];
  #prefixes: Prefixes | undefined;
  readonly #lanes: Readonly<Record<Direction, Lane>>;
  readonly #s: number;
  readonly #server: Server;

  constructor(
    s: number,
    server: Server,
    vault: VaultClient,
    document: DocumentMemory,
    sid?: string,
  ) {
    this.#s = s;
    this.#server = server;
    this.#lanes = {
      out: this.#lane('out', (text) => this.#toServer(text)),
      in: this.#lane('in', (text) => this.#toPage(text)),
    };
    server.push = (text) => this.#pass('in', text, () => this.#toPage(text));
    const post = (message: BridgeMessage) => queueMicrotask(() => this.#take(message));
    const parts = { stream: s, url: URL_OF_SERVER, sid, vault, ...document, post };
    this.session = new StreamSession(parts);
  }

  #lane(dir: Direction, emit: (text: string) => void): Lane {
    return createLane({
      dir,
      isInteresting: (text) => isInteresting(dir, text, this.#prefixes),
      post: (text, at) => this.#post({ t: 'frame', s: this.#s, dir, text, at }),
      isGone: () => false,
      emit,
    });
  }

  #post(message: HookMessage): void {
    const cloned = structuredClone(message);
    queueMicrotask(() => this.session.handle(cloned));
  }

  #take(message: BridgeMessage): void {
    if (this.#isBusy) {
      this.#waiting.push(message);
      return;
    }
    if (message.t === 'ids') this.#prefixes = { prefix: message.prefix, next: this.#prefixes };
    if (message.t === 'off' || message.t === 'ids' || !this.#isOpen) return;
    const { s, dir } = message;
    if (message.t === 'release') return this.#lanes[dir].release(message.frames);
    const { id, text } = message;
    this.injected.push(id);
    this.#lanes[dir].inject(text, (at) => this.#post({ t: 'injected', s, dir, id, at }));
  }

  #pass(dir: Direction, text: string, forward: () => void): void {
    if (!this.#isOpen) return;
    if (this.#lanes[dir].tryPass(text)) forward();
    else this.#lanes[dir].hold({ text, bytes: text.length, forward });
  }

  #toPage(text: string): void {
    this.seen.push(text);
    this.onPage(text);
  }

  #toServer(text: string): void {
    // The server answers later, as over a network.
    queueMicrotask(() => this.#isOpen && this.#server.receive(text));
  }

  /** The page sends a frame. */
  send(text: string): void {
    this.#pass('out', text, () => this.#toServer(text));
  }

  /** The page's world is busy: what we post waits until it is not. */
  setBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    if (!isBusy) this.#waiting.splice(0).forEach((message) => this.#take(message));
  }

  /** The server sends a frame that it does not count. */
  push(text: string): void {
    this.#server.push(text);
  }

  /** The network drops the socket. */
  drop(): void {
    this.#isOpen = false;
    this.#lanes.out.drop((text) => this.#post({ t: 'unsent', s: this.#s, text }));
    this.#server.push = () => undefined;
    // Behind what the hook told before, as over its port.
    this.#post({ t: 'closed', s: this.#s });
  }

  /** Sends and waits until the page saw what it asked for. */
  async bind(): Promise<void> {
    this.send(`<iq xmlns='jabber:client' type='set' id='bind'><bind xmlns='${BIND}'/></iq>`);
    await until(() => this.seen.some((text) => text.includes('<jid>')), 'binding');
  }

  /** Errors the page got, by id. */
  errorFor(id: string): string | undefined {
    return this.seen.find((text) => text.includes(`id="${id}"`) && text.includes('<error'));
  }
}

const BIND = 'urn:ietf:params:xml:ns:xmpp-bind';

export interface World {
  /** Of the vault. */
  readonly lock: Lock;
  readonly server: Server;
  readonly vault: FaultyVault;
  readonly juliet: Person;
  readonly romeo: Person;
  /** @param sid of a BOSH session that is older than the document. */
  connect(sid?: string): Connection;
  /** The user decides about the account. */
  decide(decision: SeenAccount['decision'], hasOwnOmemo?: boolean): Promise<void>;
  /** What the last reported state of a stream is. */
  state(stream?: number): string | undefined;
  /** A message of Juliet as Romeo's device reads it. */
  read(frame: string): Promise<DecryptOutcome>;
}

/** The bundle and list of a device on a server. */
export async function publishOn(
  server: Server,
  device: Person,
  version: OmemoVersion = LEGACY,
): Promise<void> {
  const codec: Codec = codecFor(version);
  const { bundle, deviceId } = await ownBundle(device.context, device.scope, version);
  const owner = device.scope.jid;
  const list = serialise(codec.writeDeviceList(undefined, deviceId));
  const item = codec.bundleItem(deviceId);
  server.put(owner, codec.listNode, list);
  server.put(owner, codec.bundleNode(deviceId), serialise(codec.writeBundle(bundle)), 'open', item);
}

async function decide(
  { context }: Person,
  decision: SeenAccount['decision'],
  hasOwnOmemo = false,
): Promise<void> {
  const accounts = [{ jid: JULIET, endpoint: ENDPOINT, decision, hasOwnOmemo }];
  const value: SiteRecord = { v: 1, origin: ORIGIN, isProtected: true, policy: 'blind', accounts };
  await context.database.write([{ store: 'sites', key: ORIGIN, value }]);
}

/** Juliet's site and account, Romeo's device on the server. */
export async function makeWorld({
  make = 'prosody',
  decision = 'granted',
  speaks = [LEGACY],
}: {
  readonly make?: Make;
  /** The versions Romeo's device has published. */
  readonly speaks?: readonly OmemoVersion[];
  readonly decision?: SeenAccount['decision'];
} = {}): Promise<World> {
  const [juliet, romeo] = [await person(JULIET), await person(ROMEO)];
  await decide(juliet, decision);
  const server = new Server(JULIET, make);
  for (const version of speaks) await publishOn(server, romeo, version);
  const lock = lockOver(juliet.context, { changed: () => service.lockChanged() });
  const service: Service = createService(
    juliet.context,
    (changed) => createPresence(() => undefined, changed),
    lock,
  );
  const vault = new FaultyVault(
    createClient<ContentApi>(() => {
      const pair = portPair();
      service.accept(pair.far, { kind: 'content', origin: ORIGIN, tabId: 1 });
      return pair.near;
    }),
  );
  let streams = 0;
  const document: DocumentMemory = { memory: new Map(), unsent: new UnsentMessages() };
  return {
    server,
    vault,
    lock,
    juliet,
    romeo,
    connect: (sid) => new Connection(++streams, server, vault.client, document, sid),
    decide: (next, hasOwnOmemo) => decide(juliet, next, hasOwnOmemo),
    state: (stream = streams) => lastState(vault, stream),
    read: (frame) => readAs(romeo, frame),
  };
}

function lastState(vault: FaultyVault, stream: number): string | undefined {
  const reports = vault.asked('report') as readonly ContentApi['report']['arg'][];
  return reports.filter((report) => report.stream === stream).at(-1)?.state;
}

async function readAs(romeo: Person, frame: string): Promise<DecryptOutcome> {
  const found = findEncrypted(parseFrame(frame));
  const [only] = found === 'several' ? [] : found;
  if (only === undefined) throw new Error('want one <encrypted>');
  const received = only.codec.readMessage(only.element);
  return decrypt(romeo.context, romeo.scope, {
    ...received,
    peer: JULIET,
    sender: JULIET,
    version: only.codec.version,
    keys: received.keys.filter(({ deviceId }) => deviceId === romeo.deviceId),
    isContact: true,
  });
}

/** A stream that is bound, granted and ready. */
export async function ready(world: World): Promise<Connection> {
  const connection = world.connect();
  await connection.bind();
  await until(() => world.state() === 'ready', 'publishing');
  return connection;
}

/** A chat message of the page. */
export function chat(id: string, text: string, to: string = ROMEO): string {
  return `<message xmlns='jabber:client' to='${to}' type='chat' id='${id}'><body>${text}</body></message>`;
}
