// The account of one stream: asked of the vault, its keys published and kept on the server, and the truth about it told to the
// popup. The stream asks here whether and with what a message may go on.
import { bareJid, type BareJid } from '../jid';
import { log } from '../log';
import type { Attachment, OmemoVersion, StreamState } from '../rpc/vault-api';
import { LEGACY, OMEMO2, VERSIONS } from '../rpc/versions';
import type { RefusalCode } from '../rpc/reasons';
import { NS } from '../xml/ns';
import { accountOf, type StreamAccount } from './account';
import { atMost } from './at-most';
import type { Chores } from './chores';
import { countLogin } from './epoch';
import { Devices } from './devices';
import type { OwnIqs } from './iq';
import type { ListEvent } from './list-event';
import { ListRepair } from './list-repair';
import { Observations, remember, type StreamMemory } from './observe';
import type { OutboundTools } from './outbound-flow';
import { deleteNode } from './pep';
import { publishKeys } from './publish';
import { OUT_LIMIT_MS, refusalOf, type VaultClient } from './vault-client';
import { withdrawDevice } from './withdraw';

/** The page of a site that is let go is loaded anew after this time at the latest. */
const WITHDRAW_LIMIT_MS = 3000;

/** The parts the link of a stream is given. */
export interface LinkParts {
  readonly stream: number;
  readonly url: string;
  readonly vault: VaultClient;
  /** Of the document. */
  readonly memory: StreamMemory;
  readonly iqs: OwnIqs;
  readonly chores: Chores;
  /** The account is granted: what goes on in its stream may be ours. */
  readonly begun: () => void;
}

/** From the opening of a stream to its end. */
export class AccountLink {
  readonly #stream: number;
  readonly #endpoint: string;
  readonly #vault: VaultClient;
  readonly #memory: StreamMemory;
  readonly #iqs: OwnIqs;
  readonly #chores: Chores;
  readonly #begun: () => void;
  readonly #listRepairs: Readonly<Record<OmemoVersion, ListRepair>> = {
    [LEGACY]: new ListRepair(
      () => this.#republish(),
      () => this.#setState('failed'),
    ),
    // Without it messages are still encrypted, and who speaks only OMEMO 2 can be written to.
    [OMEMO2]: new ListRepair(
      () => this.#republish(),
      () => log('stream', 'warn', 'omemo2-list'),
    ),
  };
  #observations = new Observations();
  #state: StreamState = 'connecting';
  #account: StreamAccount | undefined;
  #attachment: Attachment | undefined;
  #attaching: Promise<void> = Promise.resolve();
  #isAttaching = false;
  /** The vault must be asked (again): a decision that comes while an answer is on its way may be newer than it. */
  #isAttachDue = false;
  #attachFailure: RefusalCode | undefined;
  #writesInClear = false;
  #publishing: Promise<void> = Promise.resolve();
  /** Once for each stream. */
  #counted: Promise<string | undefined> | undefined;
  #withdrawing: Promise<void> | undefined;
  #devices: Devices | undefined;
  #isResumed = false;
  #isLocked = false;
  #publications = 0;
  #isClosed = false;

  constructor({ stream, url, vault, memory, iqs, chores, begun }: LinkParts) {
    this.#stream = stream;
    this.#endpoint = endpointOf(url);
    this.#vault = vault;
    this.#memory = memory;
    this.#iqs = iqs;
    this.#chores = chores;
    this.#begun = begun;
    this.#report();
  }

  get account(): StreamAccount | undefined {
    return this.#account;
  }

  get observations(): Observations {
    return this.#observations;
  }

  get devices(): Devices | undefined {
    return this.#devices;
  }

  /** Our device, once the account is granted. */
  get deviceId(): number | undefined {
    return this.#attachment?.kind === 'granted' ? this.#attachment.deviceId : undefined;
  }

  /** Ends when the vault has answered about the account. */
  get attaching(): Promise<void> {
    return this.#attaching;
  }

  /** Ends when the keys are on the server, or could not be put there. */
  get publishing(): Promise<void> {
    return this.#publishing;
  }

  /** Has the user, or the page by its own OMEMO, left us out of this stream. */
  isOutOfIt(): boolean {
    return this.#state === 'ignored' || this.#state === 'passive';
  }

  /** The page did OMEMO itself in an earlier stream, and has shown nothing in this one: what comes may be for its own device. */
  isExpecting(): boolean {
    return this.#state === 'expecting';
  }

  /** Does the vault wait for its passphrase. */
  isLocked(): boolean {
    return this.#isLocked;
  }

  /** Is it known what becomes of the account's messages: not while the vault is locked or the user is asked. */
  isDecided(): boolean {
    return !this.#isLocked && this.#attachment !== undefined && this.#state !== 'pending';
  }

  /** What a message is sent with; undefined while the account is not granted. */
  tools(): OutboundTools | undefined {
    const jid = this.#account?.bare;
    if (jid === undefined || this.#devices === undefined) return undefined;
    if (this.deviceId === undefined) return undefined;
    return { vault: this.#vault, devices: this.#devices, jid };
  }

  /** Why there are none. */
  whyNoTools(): RefusalCode {
    if (this.#state === 'anonymous') return 'anonymous';
    if (this.#account === undefined) return 'account-unknown';
    if (this.#attachment !== undefined) return 'account-pending';
    return this.#attachFailure ?? 'vault-unavailable';
  }

  /** Has the vault answered about the account at all. */
  isAnswered(): boolean {
    return this.#attachment !== undefined;
  }

  /** The server said whose stream it is. */
  begin(account: StreamAccount): void {
    this.#account = account;
    if (account.full !== undefined) remember(this.#memory, account.full, this.#observations);
  }

  /** The page goes on with a stream of this full JID. */
  resume(jid: string): void {
    this.#isResumed = true;
    const account = accountOf(jid);
    if (account?.full !== undefined) {
      // The page still waits for what it asked before, and asks for the roster only once.
      this.#observations = this.#memory.get(account.full) ?? this.#observations;
    }
    if (account !== undefined) this.begin(account);
    this.attach();
  }

  /** The vault may have forgotten or decided something, or was locked or unlocked: tell it again, ask it again. */
  async wake(isLocked: boolean): Promise<void> {
    if (isLocked !== this.#isLocked) return isLocked ? this.#lock() : this.#unlock();
    this.#report();
    if (this.#account !== undefined && this.deviceId === undefined) this.attach();
    if (this.#state === 'ready') await this.#chores.addDue();
  }

  #lock(): void {
    this.#isLocked = true;
    // What the user or the page decided before holds.
    if (this.#account === undefined || this.isOutOfIt() || this.isExpecting()) this.#report();
    else this.#setState('locked');
  }

  /** Device lists may have changed meanwhile, our own among them, and nobody noted it. */
  #unlock(): void {
    this.#isLocked = false;
    const jid = this.#account?.bare;
    if (this.#state !== 'locked') this.#report();
    else if (jid === undefined) this.#setState('connecting');
    else if (this.deviceId === undefined || this.#devices === undefined) this.attach();
    else this.#beginPublishing(jid, this.#devices);
  }

  /** Asks the vault for the account; one question at a time. */
  attach(): void {
    this.#isAttachDue = true;
    if (!this.#isAttaching) this.#attaching = this.#attachWhileDue();
  }

  /** The page wrote what is to be encrypted: it does not do OMEMO itself. Ends when the vault has answered anew. */
  async writesInClear(): Promise<void> {
    this.#writesInClear = true;
    if (this.isExpecting()) this.attach();
    await this.#attaching;
  }

  /** What failed before may work now that the user writes: a slow server or a full disk need no reload of the page. */
  tryAgain(): void {
    if (this.#state !== 'failed') return;
    const jid = this.#account?.bare;
    if (this.deviceId === undefined) this.attach();
    else if (jid !== undefined && this.#devices !== undefined) {
      this.#beginPublishing(jid, this.#devices);
    }
  }

  /** The page asks for an account that is thrown away afterwards, or does not get it: one has no keys and no devices (I-41). */
  setAnonymous(isAnonymous: boolean): void {
    this.#setState(isAnonymous ? 'anonymous' : 'connecting');
  }

  /** The site is let go: takes our device off the server, as far as that goes at once (I-45). */
  withdraw(): Promise<void> {
    this.#withdrawing ??= this.#withdrawNow();
    return this.#withdrawing;
  }

  async #withdrawNow(): Promise<void> {
    const { deviceId } = this;
    if (deviceId === undefined || this.isOutOfIt()) return;
    // Nothing is written any more, and nobody puts us back on the list.
    this.#attachment = undefined;
    const devices = withdrawDevice(this.#iqs, deviceId);
    const count = this.#withdrawCount();
    await atMost(
      WITHDRAW_LIMIT_MS,
      devices.then(() => count),
    );
  }

  async #withdrawCount(): Promise<void> {
    const node = await this.#counted;
    if (node !== undefined) await deleteNode(this.#iqs, node);
  }

  /** The page does OMEMO itself: two of us would break each other (design D15, I-110). */
  goPassive(): void {
    this.#setState('passive');
  }

  /** The stream ended. */
  close(): void {
    this.#isClosed = true;
    for (const version of VERSIONS) this.#listRepairs[version].stop();
    this.#vault
      .request('report', { stream: this.#stream, endpoint: this.#endpoint, state: 'gone' })
      .catch(() => undefined);
  }

  async #attachWhileDue(): Promise<void> {
    this.#isAttaching = true;
    while (this.#isAttachDue && this.deviceId === undefined) {
      this.#isAttachDue = false;
      try {
        await this.#attachNow();
      } catch (error) {
        this.#attachFailure = refusalOf(error);
        this.#isLocked = this.#attachFailure === 'locked';
        log('stream', 'warn', this.#attachFailure);
        this.#setState(this.#isLocked ? 'locked' : 'failed');
      }
    }
    this.#isAttaching = false;
  }

  async #attachNow(): Promise<void> {
    const jid = this.#account?.bare;
    if (jid === undefined || this.#state === 'passive') return;
    const stream = this.#stream;
    const endpoint = this.#endpoint;
    const arg = { stream, jid, endpoint, writesInClear: this.#writesInClear };
    const attachment = await this.#vault.request('attach', arg, OUT_LIMIT_MS);
    this.#isLocked = false;
    this.#attachment = attachment;
    if (attachment.kind !== 'granted') return this.#setState(attachment.kind);
    this.#devices ??= new Devices(this.#iqs, this.#vault, jid, (version, ids) =>
      this.#checkOwnList(version, ids),
    );
    this.#chores.begin(jid, this.#devices, this.#count(jid));
    this.#beginPublishing(jid, this.#devices);
  }

  /** The page may have shown its own OMEMO while the vault was asked: then nothing of ours goes on. */
  async #count(jid: BareJid): Promise<void> {
    if (this.#state === 'passive') return;
    this.#counted ??= countLogin(this.#iqs, this.#vault, jid);
    await this.#counted;
  }

  #beginPublishing(jid: BareJid, devices: Devices): void {
    // The page may have shown its own OMEMO while the vault was asked.
    if (this.#state === 'passive') return;
    this.#setState('publishing');
    this.#publishing = this.#publish(jid, devices);
  }

  async #publish(jid: BareJid, devices: Devices): Promise<void> {
    let isPublished = false;
    // A profile that was put back gives up its sessions and prekeys by it.
    await this.#counted;
    const mine = ++this.#publications;
    try {
      isPublished = await publishKeys({ iqs: this.#iqs, vault: this.#vault, devices, jid });
      // The id may have changed when it was claimed.
      const { deviceId } = await this.#vault.request('ownBundle', { jid, version: LEGACY });
      this.#attachment = { kind: 'granted', deviceId };
    } catch (error) {
      log('stream', 'warn', refusalOf(error));
    }
    // One that began before the vault was locked may end after the next one began.
    if (this.#state !== 'publishing' || mine !== this.#publications) return;
    this.#setState(isPublished ? 'ready' : 'failed');
    this.#begun();
    // Messages wait for the keys, not for this.
    void this.#learnRoster();
    if (isPublished) this.#chores.addDue().catch(() => log('stream', 'warn', 'chores'));
  }

  /** A device list was pushed. @returns false: not asked for by us, the page's own business. */
  sawList({ from, version, payload }: ListEvent): boolean {
    if (this.#devices === undefined) return false;
    const jid = bareJid(from);
    const isBare = jid !== undefined && !from.includes('/');
    if (isBare && payload !== undefined) {
      const seen = this.#devices.seen({ jid, version }, { kind: 'present', value: payload });
      seen.catch(() => log('stream', 'warn', 'list-event'));
    }
    return true;
  }

  /** Are we still on our own list? */
  #checkOwnList(version: OmemoVersion, deviceIds: readonly number[]): void {
    if (this.#state !== 'ready' || this.deviceId === undefined) return;
    if (!deviceIds.includes(this.deviceId)) this.#listRepairs[version].missing();
  }

  async #republish(): Promise<boolean> {
    const jid = this.#account?.bare;
    const devices = this.#devices;
    if (jid === undefined || devices === undefined || this.#state !== 'ready') return true;
    return publishKeys({ iqs: this.#iqs, vault: this.#vault, devices, jid });
  }

  /** Strangers get no answers, so who is a contact must be known; the page has asked for pushes already. */
  async #learnRoster(): Promise<void> {
    const own = this.#account?.bare;
    if (own === undefined || !this.#observations.isRosterMissing(this.#isResumed)) return;
    const payload = `<query xmlns='${NS.roster}'/>`;
    const reply = await this.#iqs.request({ type: 'get', payload });
    if (reply.kind === 'result') this.#observations.noteIncoming(reply.stanza, own);
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

/** host[:port] of a socket's URL. */
function endpointOf(url: string): string {
  try {
    return new URL(url).host.slice(0, 300);
  } catch {
    return '';
  }
}
