// One XMPP stream of the page: knows its account and phase, and sends every frame the hook holds along its way. The only
// stateful shell here; what is decided is decided elsewhere.
import { bareJid, type BareJid } from '../jid';
import { log } from '../log';
import type { BridgeMessage, Direction, HookMessage, Position } from '../rpc/page-api';
import { explainFailure, type RefusalCode } from '../rpc/reasons';
import type { Attachment, SmEvent, SmRecord, StreamState } from '../rpc/vault-api';
import { appendText, cleanText, parseFrame, serialise, XmlError } from '../xml/element';
import { NS } from '../xml/ns';
import { fromMessageTag } from '../xml/raw';
import { accountIn, accountOf, type StreamAccount } from './account';
import { Chores } from './chores';
import { codecFor } from './codec/codec';
import { Devices } from './devices';
import { listEventIn, receiveMessage } from './inbound-flow';
import { newIdPrefix, OwnIqs } from './iq';
import { ListRepair } from './list-repair';
import { Observations, remember, type StreamMemory } from './observe';
import { errorFrame, planOutbound } from './outbound';
import { isPlainChat, sendProtected, type OutboundTools } from './outbound-flow';
import { publishKeys } from './publish';
import { publishesOmemo } from './route';
import { StreamManagement } from './stream-management';
import { IN_LIMIT_MS, OUT_LIMIT_MS, refusalOf, type VaultClient } from './vault-client';

const codec = codecFor('eu.siacs.conversations.axolotl');

/** What a frame becomes: these frames, and what happens right before and after they are released. */
interface Handled {
  readonly frames: readonly string[];
  readonly before?: () => void;
  readonly after?: () => void;
}

const AS_IT_IS: undefined = undefined;

/** Waits for work to end, at most so long. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}

/** The parts a stream is given. */
export interface StreamParts {
  readonly stream: number;
  readonly url: string;
  readonly vault: VaultClient;
  /** Of the document. */
  readonly memory: StreamMemory;
  post(message: BridgeMessage): void;
}

/** A stream from its opening to its end. */
export class StreamSession {
  readonly #stream: number;
  readonly #endpoint: string;
  readonly #vault: VaultClient;
  readonly #post: (message: BridgeMessage) => void;
  readonly #memory: StreamMemory;
  #observations = new Observations();
  readonly #iqs: OwnIqs;
  readonly #management: StreamManagement;
  readonly #chores: Chores;
  /** Injections the hook has not reported yet, and how they count. */
  readonly #injections = new Map<string, SmEvent['kind'] | undefined>();
  /** Those of them nothing waits for any more. A page that was busy may still report them, and then they count. */
  readonly #overdue = new Set<string>();
  #reported: (() => void)[] = [];
  /** The notice of a refusal the page has not got yet; the next message of the page waits for it. */
  #notice: string | undefined;
  #state: StreamState = 'connecting';
  #account: StreamAccount | undefined;
  #attachment: Attachment | undefined;
  #attaching: Promise<void> = Promise.resolve();
  #isAttaching = false;
  /** The vault must be asked (again): a decision that comes while an answer is on its way may be newer than it. */
  #isAttachDue = false;
  #attachFailure: RefusalCode | undefined;
  #publishing: Promise<void> = Promise.resolve();
  #devices: Devices | undefined;
  readonly #listRepair = new ListRepair(
    () => this.#republish(),
    () => this.#setState('failed'),
  );
  #injected = 0;
  #isResumed = false;
  #isClosed = false;

  constructor({ stream, url, vault, memory, post }: StreamParts) {
    this.#stream = stream;
    this.#endpoint = endpointOf(url);
    this.#vault = vault;
    this.#memory = memory;
    this.#post = post;
    this.#iqs = new OwnIqs(
      newIdPrefix(),
      (id, text) => this.#inject('out', id, text, 'o'),
      () => this.#account?.bare,
    );
    this.#management = new StreamManagement(vault, () => this.#iqs.prefix);
    this.#chores = new Chores(vault, this.#iqs, (id, text) => this.#inject('out', id, text, 'o'));
    post({ t: 'ids', prefix: this.#iqs.prefix });
    this.#report();
  }

  /** A message of the hook about this stream. */
  handle(message: HookMessage): void {
    if (message.t === 'closed') this.#close();
    if (message.t === 'injected') this.#noteInjection(message.id, message.at);
    if (message.t === 'frame') void this.#onFrame(message.dir, message.text, message.at);
  }

  /** The vault may have forgotten or decided something: tell it again, ask it again. */
  async wake(): Promise<void> {
    if (this.#isClosed) return;
    const { protect } = await this.#vault.request('hello', {}, IN_LIMIT_MS);
    if (!protect) return this.#end();
    this.#report();
    if (this.#account !== undefined && this.#attachment?.kind !== 'granted') this.#attach();
    if (this.#state === 'ready') await this.#chores.addDue();
  }

  /**
   * The site is no longer protected and its page about to be loaded anew, without us: it must not resume a stream whose
   * stanzas it counts otherwise than the server.
   */
  #end(): void {
    this.#inject('out', 'end', `<close xmlns='${NS.framing}'/>`, undefined);
  }

  #close(): void {
    this.#isClosed = true;
    if (this.#notice !== undefined) void this.#management.takeBack();
    this.#iqs.close();
    this.#listRepair.stop();
    this.#chores.stop();
    this.#reported.splice(0).forEach((resolve) => resolve());
    this.#injections.clear();
    this.#overdue.clear();
    this.#vault
      .request('report', { stream: this.#stream, endpoint: this.#endpoint, state: 'gone' })
      .catch(() => undefined);
  }

  // ── what we put in ──

  #inject(dir: Direction, id: string, text: string, kind: SmEvent['kind'] | undefined): void {
    if (this.#isClosed) return;
    this.#injections.set(id, kind);
    this.#post({ t: 'inject', s: this.#stream, dir, id, text });
  }

  #noteInjection(id: string, at: Position): void {
    const kind = this.#injections.get(id);
    this.#injections.delete(id);
    this.#overdue.delete(id);
    if (id === this.#notice) this.#notice = undefined;
    if (kind !== undefined) void this.#management.note(kind, at);
    if (this.#isAllReported()) this.#reported.splice(0).forEach((resolve) => resolve());
  }

  #isAllReported(): boolean {
    return this.#injections.size === this.#overdue.size;
  }

  /** Numbers must not begin, or be converted, while something of ours is on its way to the hook. */
  async #injectionsReported(): Promise<void> {
    if (this.#isAllReported() || this.#isClosed) return;
    const reported = new Promise<void>((resolve) => this.#reported.push(resolve));
    // A socket that is not open takes no injection and reports none.
    await atMost(2000, reported);
    for (const id of this.#injections.keys()) this.#overdue.add(id);
  }

  // ── frames ──

  async #onFrame(dir: Direction, text: string, at: Position): Promise<void> {
    let handled: Handled | undefined;
    try {
      const work = dir === 'out' ? this.#outgoing(text, at) : this.#incoming(text, at);
      handled = await work;
    } catch (error) {
      log('stream', 'error', error instanceof Error ? error.name : 'unknown');
      // Fail closed outwards, open inwards (design D1).
      handled = dir === 'out' ? await this.#dropUnread(text, at, 'malformed') : AS_IT_IS;
    }
    const frames = handled?.frames ?? [text];
    handled?.before?.();
    this.#post({ t: 'release', s: this.#stream, dir, frames });
    handled?.after?.();
  }

  /** Parses, or says that it cannot be. */
  #parse(text: string): Element | XmlError {
    try {
      return parseFrame(text);
    } catch (error) {
      if (error instanceof XmlError) return error;
      throw error;
    }
  }

  async #outgoing(text: string, at: Position): Promise<Handled | undefined> {
    const frame = this.#parse(text);
    if (frame instanceof XmlError) {
      if (this.#isOutOfIt()) return AS_IT_IS;
      const code = frame.code === 'too-large' ? 'too-large' : 'malformed';
      return this.#dropUnread(text, at, code);
    }
    const managed = await this.#manage(frame, text, 'out', at);
    if (managed !== undefined) return managed;
    if (this.#isOutOfIt()) return AS_IT_IS;
    if (frame.localName === 'iq') {
      if (publishesOmemo(frame)) this.#goPassive();
      this.#observations.noteOutgoing(frame);
      return AS_IT_IS;
    }
    return frame.localName === 'message' ? this.#outgoingMessage(frame, at) : AS_IT_IS;
  }

  /** Has the user, or the page by its own OMEMO, left us out of this stream. */
  #isOutOfIt(): boolean {
    return this.#state === 'ignored' || this.#state === 'passive';
  }

  async #outgoingMessage(stanza: Element, at: Position): Promise<Handled | undefined> {
    const plan = planOutbound(stanza, () => crypto.randomUUID());
    if (plan.kind === 'pass') return AS_IT_IS;
    if (plan.kind === 'own-omemo') {
      this.#goPassive();
      return AS_IT_IS;
    }
    await atMost(OUT_LIMIT_MS, this.#attaching);
    if (this.#isOutOfIt()) return AS_IT_IS;
    const tools = this.#tools();
    if (tools === undefined) {
      return this.#refuse(stanza, at, this.#whyNoTools(), 'peer' in plan ? plan.peer : undefined);
    }
    if (plan.kind === 'protect') {
      await atMost(OUT_LIMIT_MS, this.#publishing);
      const result = await sendProtected(tools, plan);
      if (result.kind === 'plain') return AS_IT_IS;
      if (result.kind === 'send') return { frames: [result.frame] };
      return this.#refuse(stanza, at, result.code, plan.peer);
    }
    return this.#withoutText(tools, stanza, plan, at);
  }

  #whyNoTools(): RefusalCode {
    if (this.#account === undefined) return 'account-unknown';
    if (this.#attachment !== undefined) return 'account-pending';
    return this.#attachFailure ?? 'vault-unavailable';
  }

  async #withoutText(
    tools: OutboundTools,
    stanza: Element,
    plan: Extract<ReturnType<typeof planOutbound>, { kind: 'control' | 'refuse' }>,
    at: Position,
  ): Promise<Handled | undefined> {
    const { peer } = plan;
    try {
      if (peer !== undefined && (await isPlainChat(tools, peer))) return AS_IT_IS;
    } catch (error) {
      if (plan.kind === 'refuse') return this.#refuse(stanza, at, refusalOf(error), peer);
    }
    if (plan.kind === 'control') return { frames: [plan.frame] };
    return this.#refuse(stanza, at, plan.code, peer);
  }

  /** The message does not leave: the page gets an error with its id, the popup the reason. */
  async #refuse(
    stanza: Element,
    at: Position,
    code: RefusalCode,
    peer: BareJid | undefined,
  ): Promise<Handled> {
    // Nobody would hear of it: the page keeps the message, which the server never had, and sends it again.
    if (this.#isClosed) return { frames: [] };
    // An error is never answered by an error, and the user did not write it.
    if (stanza.getAttribute('type') === 'error') {
      await this.#management.note('d', at);
      return { frames: [] };
    }
    const jid = this.#account?.bare;
    this.#vault
      .request('refused', {
        code,
        ...(jid !== undefined && { jid }),
        ...(peer !== undefined && { peer }),
      })
      .catch(() => undefined);
    const notice = `refused-${++this.#injected}`;
    this.#notice = notice;
    await this.#management.note('d', at);
    const error = errorFrame(stanza, code, this.#account?.full ?? jid);
    // Before the release: until the page has got the notice nothing it sent later may leave, or #close could not take the
    // refusal back.
    const before = (): void => this.#inject('in', notice, error, 'y');
    return { frames: [], before, after: () => this.#tryAgain() };
  }

  /** A frame nobody could read; what holds no message passes, the server will judge it. */
  async #dropUnread(text: string, at: Position, code: RefusalCode): Promise<Handled | undefined> {
    if (isNoMessage(text) && fromMessageTag(text) === undefined) return AS_IT_IS;
    const shell = shellOf(text);
    return this.#refuse(shell, at, code, bareJid(shell.getAttribute('to') ?? ''));
  }

  /** A message that is too large or too deep to be looked at must not pass for one that was. */
  async #replaceUnread(text: string, at: Position): Promise<Handled | undefined> {
    const own = this.#account?.bare;
    if (isNoMessage(text) || own === undefined || this.#isOutOfIt()) return AS_IT_IS;
    const shell = shellOf(text);
    const from = bareJid(shell.getAttribute('from') ?? '');
    // In a wrapper of our own account the sender is not known: nothing can be said in anyone's name.
    if (from === undefined || from === own) return this.#swallow(at);
    appendText(shell, 'body', NS.client, explainFailure('malformed'));
    return { frames: [serialise(shell)] };
  }

  async #incoming(text: string, at: Position): Promise<Handled | undefined> {
    const frame = this.#parse(text);
    if (frame instanceof XmlError) return this.#replaceUnread(text, at);
    const account = this.#account === undefined ? accountIn(frame) : undefined;
    // Known before the frame is managed: with Bind 2 it also enables a session, which is kept under this account (I-34).
    if (account !== undefined) this.#begin(account);
    const managed = await this.#manage(frame, text, 'in', at);
    if (account !== undefined) {
      // Only behind the frame that says so is the session usable (I-49).
      return { frames: managed?.frames ?? [text], after: () => this.#attach() };
    }
    if (managed !== undefined) return managed;
    if (frame.localName === 'iq') return this.#incomingIq(frame, at);
    return frame.localName === 'message' ? this.#incomingMessage(frame, at) : AS_IT_IS;
  }

  async #incomingIq(stanza: Element, at: Position): Promise<Handled | undefined> {
    if (this.#iqs.take(stanza)) return this.#swallow(at);
    if (this.#account !== undefined) {
      this.#observations.noteIncoming(stanza, this.#account.bare);
    }
    return AS_IT_IS;
  }

  async #swallow(at: Position): Promise<Handled> {
    await this.#management.note('s', at);
    return { frames: [] };
  }

  async #incomingMessage(stanza: Element, at: Position): Promise<Handled | undefined> {
    await atMost(OUT_LIMIT_MS, this.#attaching);
    const account = this.#account;
    if (account === undefined || this.#isOutOfIt()) return AS_IT_IS;
    const event = listEventIn(stanza, account.bare, codec.listNode);
    if (event !== undefined) return this.#onListEvent(event, at);
    const granted = this.#attachment?.kind === 'granted' ? this.#attachment : undefined;
    const result = await receiveMessage(
      {
        vault: granted === undefined ? undefined : this.#vault,
        whyNoVault: this.#attachment === undefined ? 'vault-unavailable' : 'account-pending',
        own: account.bare,
        deviceId: granted?.deviceId,
        observations: this.#observations,
      },
      stanza,
    );
    const after = (): void => this.#chores.add(result.chores);
    if (result.frames === undefined) return AS_IT_IS;
    if (result.frames.length > 0) return { frames: result.frames, after };
    return { ...(await this.#swallow(at)), after };
  }

  async #onListEvent(
    { from, payload }: NonNullable<ReturnType<typeof listEventIn>>,
    at: Position,
  ): Promise<Handled | undefined> {
    const owner = bareJid(from);
    const isBare = owner !== undefined && !from.includes('/');
    if (isBare && payload !== undefined) {
      const seen = this.#devices?.seen(owner, { kind: 'present', value: payload });
      seen?.catch(() => log('stream', 'warn', 'list-event'));
    }
    return this.#swallow(at);
  }

  /** Are we still on our own list? */
  #checkOwnList(deviceIds: readonly number[]): void {
    if (this.#state !== 'ready' || this.#attachment?.kind !== 'granted') return;
    if (!deviceIds.includes(this.#attachment.deviceId)) this.#listRepair.missing();
  }

  async #republish(): Promise<boolean> {
    const jid = this.#account?.bare;
    const devices = this.#devices;
    if (jid === undefined || devices === undefined || this.#state !== 'ready') return true;
    return publishKeys({ iqs: this.#iqs, vault: this.#vault, devices, jid });
  }

  async #manage(
    frame: Element,
    text: string,
    dir: Direction,
    at: Position,
  ): Promise<Handled | undefined> {
    if (frame.namespaceURI !== NS.sm && frame.namespaceURI !== NS.sasl2) {
      if (frame.namespaceURI !== 'urn:xmpp:sm:2') return undefined;
    }
    await this.#injectionsReported();
    const jid = this.#account?.full;
    const result = await this.#management.handle(frame, text, dir, at, jid);
    if (result === undefined) return undefined;
    const { frames, answer, resumed } = result;
    const after = (): void => {
      if (answer !== undefined) {
        this.#inject('in', `answer-${++this.#injected}`, answer, undefined);
      }
      if (resumed !== undefined) this.#resume(resumed);
    };
    return { frames, after };
  }

  #resume(record: SmRecord): void {
    if (record.ids !== undefined && record.ids !== '') {
      this.#iqs.adopt(record.ids);
      this.#post({ t: 'ids', prefix: record.ids });
    }
    this.#isResumed = true;
    const account = accountOf(record.jid);
    if (account?.full !== undefined) {
      // The page still waits for what it asked before, and asks for the roster only once.
      this.#observations = this.#memory.get(account.full) ?? this.#observations;
    }
    if (account !== undefined) this.#begin(account);
    this.#attach();
  }

  // ── the account ──

  #begin(account: StreamAccount): void {
    this.#account = account;
    if (account.full !== undefined) remember(this.#memory, account.full, this.#observations);
  }

  #attach(): void {
    this.#isAttachDue = true;
    if (!this.#isAttaching) this.#attaching = this.#attachWhileDue();
  }

  async #attachWhileDue(): Promise<void> {
    this.#isAttaching = true;
    while (this.#isAttachDue && this.#attachment?.kind !== 'granted') {
      this.#isAttachDue = false;
      try {
        await this.#attachNow();
      } catch (error) {
        this.#attachFailure = refusalOf(error);
        log('stream', 'warn', this.#attachFailure);
        this.#setState('failed');
      }
    }
    this.#isAttaching = false;
  }

  async #attachNow(): Promise<void> {
    const jid = this.#account?.bare;
    if (jid === undefined || this.#state === 'passive') return;
    const arg = { stream: this.#stream, jid, endpoint: this.#endpoint };
    const attachment = await this.#vault.request('attach', arg, OUT_LIMIT_MS);
    this.#attachment = attachment;
    if (attachment.kind !== 'granted') return this.#setState(attachment.kind);
    this.#devices ??= new Devices(this.#iqs, this.#vault, jid, (ids) => this.#checkOwnList(ids));
    this.#chores.begin(jid, this.#devices);
    this.#beginPublishing(jid, this.#devices);
  }

  #beginPublishing(jid: BareJid, devices: Devices): void {
    // The page may have shown its own OMEMO while the vault was asked.
    if (this.#state === 'passive') return;
    this.#setState('publishing');
    this.#publishing = this.#publish(jid, devices);
  }

  /** What failed before may work now that the user writes: a slow server or a full disk need no reload of the page. */
  #tryAgain(): void {
    if (this.#state !== 'failed') return;
    const jid = this.#account?.bare;
    if (this.#attachment?.kind !== 'granted') this.#attach();
    else if (jid !== undefined && this.#devices !== undefined) {
      this.#beginPublishing(jid, this.#devices);
    }
  }

  async #publish(jid: BareJid, devices: Devices): Promise<void> {
    let isPublished = false;
    try {
      isPublished = await publishKeys({ iqs: this.#iqs, vault: this.#vault, devices, jid });
      // The id may have changed when it was claimed.
      const { deviceId } = await this.#vault.request('ownBundle', { jid });
      this.#attachment = { kind: 'granted', deviceId };
    } catch (error) {
      log('stream', 'warn', refusalOf(error));
    }
    if (this.#state !== 'publishing') return;
    this.#setState(isPublished ? 'ready' : 'failed');
    // Messages wait for the keys, not for this.
    void this.#learnRoster();
    if (isPublished) this.#chores.addDue().catch(() => log('stream', 'warn', 'chores'));
  }

  /** Strangers get no answers, so who is a contact must be known; the page has asked for pushes already. */
  async #learnRoster(): Promise<void> {
    const own = this.#account?.bare;
    if (own === undefined || !this.#observations.isRosterMissing(this.#isResumed)) return;
    const payload = `<query xmlns='${NS.roster}'/>`;
    const reply = await this.#iqs.request({ type: 'get', payload });
    if (reply.kind === 'result') this.#observations.noteIncoming(reply.stanza, own);
  }

  #tools(): OutboundTools | undefined {
    const jid = this.#account?.bare;
    const isGranted = this.#attachment?.kind === 'granted';
    if (jid === undefined || this.#devices === undefined || !isGranted) return undefined;
    return { vault: this.#vault, devices: this.#devices, jid };
  }

  /** The page does OMEMO itself: two of us would break each other (design D15, I-110). */
  #goPassive(): void {
    this.#setState('passive');
  }

  #setState(state: StreamState): void {
    // For good: the page does not stop to do OMEMO.
    if (this.#state === 'passive') return;
    this.#state = state;
    this.#report();
  }

  #report(): void {
    if (this.#isClosed) return;
    const jid = this.#account?.bare;
    this.#vault
      .request('report', {
        stream: this.#stream,
        endpoint: this.#endpoint,
        state: this.#state,
        ...(jid !== undefined && { jid }),
      })
      .catch(() => undefined);
  }
}

/** Does a frame that cannot be parsed begin as something else than a message. */
function isNoMessage(text: string): boolean {
  const name = /^\s*(?:<\?xml[^>]*>\s*)?<([A-Za-z_][\w.-]*)[\s/>]/.exec(text)?.[1];
  return name !== undefined && name !== 'message';
}

/** The addresses of a message that cannot be parsed. */
function shellOf(text: string): Element {
  const shell = parseFrame(`<message xmlns='${NS.client}'/>`);
  const tag = (fromMessageTag(text) ?? text).slice(0, 8192);
  for (const attribute of ['id', 'from', 'to', 'type']) {
    const found = new RegExp(`^[^>]*?\\s${attribute}\\s*=\\s*(?:'([^'<&]*)'|"([^"<&]*)")`).exec(
      tag,
    );
    const value = found?.[1] ?? found?.[2];
    if (value !== undefined) shell.setAttribute(attribute, cleanText(value));
  }
  return shell;
}

/** host[:port] of a socket's URL. */
function endpointOf(url: string): string {
  try {
    return new URL(url).host.slice(0, 300);
  } catch {
    return '';
  }
}
