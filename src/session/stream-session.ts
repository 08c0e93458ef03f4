// One XMPP stream of the page: sends every frame the hook holds along its way. The only stateful shell here beside the account's;
// what is decided is decided elsewhere.
import { bareJid, type BareJid } from '../jid';
import { log } from '../log';
import type { BridgeMessage, Direction, HookMessage, Position } from '../rpc/page-api';
import type { RefusalCode } from '../rpc/reasons';
import type { SmRecord } from '../rpc/vault-api';
import { XmlError } from '../xml/element';
import { NS } from '../xml/ns';
import { AccountLink } from './account-link';
import { atMost } from './at-most';
import { BoshSession } from './bosh-session';
import { Caps, PRESENCE_LIMIT_MS } from './caps-flow';
import { Chores } from './chores';
import { HeldFlow } from './held-flow';
import { isLeftAlone } from './incoming-message';
import { Injections, type Counted } from './injections';
import { newIdPrefix, OwnIqs } from './iq';
import { listEventIn } from './list-event';
import { Login } from './login';
import { errorFrame, planOutbound } from './outbound';
import { isPlainChat, sendProtected, type OutboundTools } from './outbound-flow';
import { publishesOmemo } from './route';
import { mayManage, StreamManagement } from './stream-management';
import type { StreamParts } from './stream-parts';
import { beginsOtherwise, mayHoldMessage, readFrame, replacementOf, shellOf } from './unread';
import { UnsentFlow } from './unsent-flow';
import { IN_LIMIT_MS, OUT_LIMIT_MS, refusalOf, type VaultClient } from './vault-client';

/** What a frame becomes: these frames, and what happens right before and after they are released. */
interface Handled {
  readonly frames: readonly string[];
  readonly before?: () => void;
  readonly after?: () => void;
}

const AS_IT_IS: undefined = undefined;

/** A stream from its opening to its end. */
export class StreamSession {
  readonly #stream: number;
  readonly #vault: VaultClient;
  readonly #post: (message: BridgeMessage) => void;
  readonly #iqs: OwnIqs;
  readonly #management: StreamManagement;
  readonly #chores: Chores;
  readonly #link: AccountLink;
  readonly #caps: Caps;
  readonly #unsent: UnsentFlow;
  readonly #held: HeldFlow;
  readonly #login = new Login((isAnonymous) => this.#link.setAnonymous(isAnonymous));
  readonly #injections = new Injections((kind, at) => void this.#management.note(kind, at));
  /** The notice of a refusal the page has not got yet; the next message of the page waits for it. */
  #notice: string | undefined;
  #injected = 0;
  #isClosed = false;
  readonly #bosh: BoshSession;

  constructor({ stream, url, sid, vault, memory, unsent, post }: StreamParts) {
    this.#stream = stream;
    this.#vault = vault;
    this.#post = post;
    this.#iqs = new OwnIqs(
      newIdPrefix(),
      (id, text) => this.#inject('out', id, text, 'o'),
      () => this.#link.account?.bare,
    );
    this.#management = new StreamManagement(vault, () => this.#iqs.prefix);
    this.#chores = new Chores(vault, this.#iqs, (id, text) => this.#inject('out', id, text, 'o'));
    post({ t: 'ids', prefix: this.#iqs.prefix });
    const parts = { stream, url, vault, memory };
    const own = { iqs: this.#iqs, chores: this.#chores, begun: () => this.#announce() };
    this.#link = new AccountLink({ ...parts, ...own });
    this.#caps = new Caps({
      vault,
      prefix: () => this.#iqs.prefix,
      isActive: () => this.#link.tools() !== undefined && !this.#link.isOutOfIt(),
      attached: () => this.#link.attaching,
      addresses: () => {
        const { bare, full } = this.#link.account ?? {};
        return bare === undefined || full === undefined ? undefined : { bare, full };
      },
      toPage: (id, text) => this.#inject('in', id, text, 'y'),
      toServer: (id, text) => this.#inject('out', id, text, 'o'),
    });
    this.#unsent = new UnsentFlow({
      vault,
      messages: unsent,
      account: () => this.#link.account,
      isOurs: () => !this.#link.isOutOfIt(),
      toPage: (id, text) => this.#inject('in', id, text, 'y'),
    });
    this.#held = new HeldFlow({
      vault,
      link: this.#link,
      chores: this.#chores,
      isClosed: () => this.#isClosed,
      toPage: (id, text) => this.#inject('in', id, text, 'y'),
      settled: () => this.#injections.settled(),
    });
    const begun = { vault, iqs: this.#iqs, sid };
    this.#bosh = new BoshSession({ ...begun, resume: (record) => this.#resume(record) });
  }

  /** A message of the hook about this stream. */
  handle(message: HookMessage): void {
    if (message.t === 'closed') this.#close();
    if (message.t === 'unsent') this.#unsent.lost(message.text);
    if (message.t === 'session') this.#bosh.named(message.sid);
    if (message.t === 'injected') this.#noteInjection(message.id, message.at);
    if (message.t === 'frame') void this.#onFrame(message.dir, message.text, message.at);
  }

  /** The vault may have forgotten or decided something: tell it again, ask it again. */
  async wake(): Promise<void> {
    if (this.#isClosed) return;
    const { protect, locked } = await this.#vault.request('hello', {}, IN_LIMIT_MS);
    if (!protect) return this.#link.withdraw().then(() => this.#end());
    await this.#link.wake(locked === true);
    void this.#held.deliver();
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
    this.#chores.stop();
    this.#unsent.stop();
    this.#injections.clear();
    this.#link.close();
  }

  // ── what we put in ──

  #inject(dir: Direction, id: string, text: string, kind: Counted): void {
    if (this.#isClosed) return;
    this.#injections.add(id, kind);
    this.#post({ t: 'inject', s: this.#stream, dir, id, text });
  }

  #noteInjection(id: string, at: Position): void {
    if (id === this.#notice) this.#notice = undefined;
    this.#injections.reported(id, at);
    this.#held.reported(id);
  }

  // ── frames ──

  async #onFrame(dir: Direction, text: string, at: Position): Promise<void> {
    let handled: Handled | undefined;
    if (this.#bosh.loaded !== undefined) await this.#bosh.loaded;
    try {
      handled = await (dir === 'out' ? this.#outgoing(text, at) : this.#incoming(text, at));
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

  async #outgoing(text: string, at: Position): Promise<Handled | undefined> {
    const frame = readFrame(text);
    if (frame instanceof XmlError) {
      if (this.#link.isOutOfIt()) return AS_IT_IS;
      const code = frame.code === 'too-large' ? 'too-large' : 'malformed';
      return this.#dropUnread(text, at, code);
    }
    this.#login.sent(frame);
    const managed = await this.#manage(frame, text, 'out', at);
    if (managed !== undefined) return managed;
    if (frame.localName === 'presence') return this.#outgoingPresence(frame, text);
    if (frame.localName === 'iq') {
      if (this.#caps.take(frame)) return this.#drop(at);
      const answer = this.#caps.answered(frame);
      if (answer !== undefined) return { frames: [answer] };
    }
    if (this.#link.isOutOfIt()) return AS_IT_IS;
    if (frame.localName === 'iq') {
      if (publishesOmemo(frame)) this.#link.goPassive();
      this.#link.observations.noteOutgoing(frame);
      return AS_IT_IS;
    }
    return frame.localName === 'message' ? this.#outgoingMessage(frame, at) : AS_IT_IS;
  }

  async #outgoingPresence(stanza: Element, text: string): Promise<Handled> {
    await atMost(PRESENCE_LIMIT_MS, this.#link.attaching);
    const frame = await this.#caps.presence(stanza);
    if (frame !== undefined) return { frames: [frame] };
    return { frames: [text], after: () => this.#announce() };
  }

  #announce(): void {
    this.#caps.begin().catch(() => log('stream', 'warn', 'caps'));
  }

  async #drop(at: Position): Promise<Handled> {
    await this.#management.note('d', at);
    return { frames: [] };
  }

  async #outgoingMessage(stanza: Element, at: Position): Promise<Handled | undefined> {
    this.#unsent.sends(stanza);
    const plan = planOutbound(stanza, () => crypto.randomUUID());
    if (plan.kind === 'pass') return AS_IT_IS;
    if (plan.kind === 'own-omemo') {
      this.#link.goPassive();
      return AS_IT_IS;
    }
    await atMost(OUT_LIMIT_MS, this.#bosh.asked);
    await atMost(OUT_LIMIT_MS, this.#link.attaching);
    if (this.#link.isOutOfIt()) return AS_IT_IS;
    await atMost(OUT_LIMIT_MS, this.#link.writesInClear());
    // The user may have decided meanwhile.
    if (this.#link.isOutOfIt()) return AS_IT_IS;
    const tools = this.#link.tools();
    if (tools === undefined) {
      const peer = 'peer' in plan ? plan.peer : undefined;
      return this.#refuse(stanza, at, this.#link.whyNoTools(), peer);
    }
    if (plan.kind === 'protect') {
      await atMost(OUT_LIMIT_MS, this.#link.publishing);
      const result = await sendProtected(tools, plan);
      if (result.kind === 'plain') return AS_IT_IS;
      if (result.kind === 'send') return { frames: [result.frame] };
      return this.#refuse(stanza, at, result.code, plan.peer);
    }
    return this.#withoutText(tools, stanza, plan, at);
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
    if (stanza.getAttribute('type') === 'error') return this.#drop(at);
    const jid = this.#link.account?.bare;
    this.#vault
      .request('refused', {
        code,
        ...(jid !== undefined && { jid }),
        ...(peer !== undefined && { peer }),
      })
      .catch(() => undefined);
    const notice = `refused-${++this.#injected}`;
    this.#notice = notice;
    // On its way from now on: no acknowledgement may confirm the message to a page that has not got the notice.
    this.#injections.add(notice, 'y');
    await this.#management.note('d', at);
    const error = errorFrame(stanza, code, this.#link.account?.full ?? jid);
    // Before the release: until the page has got the notice nothing it sent later may leave, or #close could not take the
    // refusal back.
    const before = (): void => this.#inject('in', notice, error, 'y');
    return { frames: [], before, after: () => this.#link.tryAgain() };
  }

  /** A frame nobody could read; what holds no message passes, the server will judge it. */
  async #dropUnread(text: string, at: Position, code: RefusalCode): Promise<Handled | undefined> {
    if (!mayHoldMessage(text)) return AS_IT_IS;
    const shell = shellOf(text);
    return this.#refuse(shell, at, code, bareJid(shell.getAttribute('to') ?? ''));
  }

  /** A message that is too large or too deep to be looked at must not pass for one that was. */
  async #replaceUnread(text: string, at: Position): Promise<Handled | undefined> {
    const own = this.#link.account?.bare;
    if (beginsOtherwise(text) || own === undefined) return AS_IT_IS;
    await atMost(OUT_LIMIT_MS, this.#link.attaching);
    if (this.#link.isOutOfIt() || this.#link.isExpecting()) return AS_IT_IS;
    const frame = replacementOf(text, own);
    return frame === undefined ? this.#swallow(at) : { frames: [frame] };
  }

  async #incoming(text: string, at: Position): Promise<Handled | undefined> {
    const frame = readFrame(text);
    if (frame instanceof XmlError) return this.#replaceUnread(text, at);
    const account = this.#link.account === undefined ? this.#login.accountIn(frame) : undefined;
    // Known before the frame is managed: with Bind 2 it also enables a session, which is kept under this account (I-34).
    if (account !== undefined) {
      this.#link.begin(account);
      await this.#bosh.bound(account);
    }
    const managed = await this.#manage(frame, text, 'in', at);
    if (account !== undefined) {
      // Only behind the frame that says so is the session usable (I-49).
      const after = (): void => {
        this.#link.attach();
        void this.#held.deliver();
        this.#unsent.begun();
      };
      this.#link.observations.noteIncoming(frame, account.bare);
      return { frames: managed?.frames ?? [text], after };
    }
    if (managed !== undefined) return managed;
    if (frame.localName === 'iq') return this.#incomingIq(frame, at);
    return frame.localName === 'message' ? this.#incomingMessage(frame, at) : AS_IT_IS;
  }

  async #incomingIq(stanza: Element, at: Position): Promise<Handled | undefined> {
    if (this.#iqs.take(stanza)) return this.#swallow(at);
    const answer = await this.#caps.incoming(stanza);
    if (answer !== undefined) {
      const after = (): void => this.#inject('out', `answer-${++this.#injected}`, answer, 'o');
      return { ...(await this.#swallow(at)), after };
    }
    if (this.#link.account !== undefined) {
      this.#link.observations.noteIncoming(stanza, this.#link.account.bare);
    }
    return AS_IT_IS;
  }

  async #swallow(at: Position): Promise<Handled> {
    await this.#management.note('s', at);
    return { frames: [] };
  }

  async #incomingMessage(stanza: Element, at: Position): Promise<Handled | undefined> {
    await atMost(OUT_LIMIT_MS, this.#link.attaching);
    const account = this.#link.account;
    if (account === undefined || isLeftAlone(this.#link)) return AS_IT_IS;
    const event = listEventIn(stanza, account.bare);
    if (event !== undefined) return this.#link.sawList(event) ? this.#swallow(at) : AS_IT_IS;
    const { frames, chores } = await this.#held.receive(stanza);
    const after = (): void => this.#chores.add(chores);
    if (frames === undefined) return AS_IT_IS;
    if (frames.length > 0) return { frames, after };
    return { ...(await this.#swallow(at)), after };
  }

  async #manage(
    frame: Element,
    text: string,
    dir: Direction,
    at: Position,
  ): Promise<Handled | undefined> {
    if (!mayManage(frame)) return undefined;
    const without = await this.#management.without(frame, dir);
    if (without === undefined) await this.#injections.settled();
    const jid = this.#link.account?.full;
    const result = without ?? (await this.#management.handle(frame, text, dir, at, jid));
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

  #resume({ jid, ids }: Pick<SmRecord, 'jid' | 'ids'>): void {
    if (ids !== undefined && ids !== '') {
      this.#iqs.adopt(ids);
      this.#post({ t: 'ids', prefix: ids });
    }
    this.#link.resume(jid);
    void this.#held.deliver();
    this.#unsent.resumed();
  }
}
