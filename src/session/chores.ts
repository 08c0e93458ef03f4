// Work the vault asks for, off the path of messages: publish the bundle again, look at a list, send an empty message.
// Nothing here may hold up or fail a message.
import type { BareJid } from '../jid';
import { log } from '../log';
import type { BundleAddress, Chore, OmemoVersion } from '../rpc/vault-api';
import type { Devices } from './devices';
import { newIdPrefix, type OwnIqs } from './iq';
import { composeEmpty } from './outbound';
import { VERSIONS } from '../rpc/versions';
import { publishBundle } from './publish';
import type { VaultClient } from './vault-client';

/** A page of history brings many key exchanges; one publication serves them all. */
const PUBLISH_AFTER_MS = 2000;
/** How often a stream looks whether its bundle is as it should be. */
const UPKEEP_EVERY_MS = 6 * 3600 * 1000;

/** The chores of one stream. */
export class Chores {
  readonly #vault: VaultClient;
  readonly #iqs: OwnIqs;
  readonly #send: (id: string, text: string) => void;
  #account: { readonly jid: BareJid; readonly devices: Devices } | undefined;
  #counted: Promise<void> = Promise.resolve();
  #upkeep: ReturnType<typeof setInterval> | undefined;
  #publishing: ReturnType<typeof setTimeout> | undefined;
  /** The versions whose bundles are to be published then. */
  readonly #due = new Set<OmemoVersion>();

  constructor(vault: VaultClient, iqs: OwnIqs, send: (id: string, text: string) => void) {
    this.#vault = vault;
    this.#iqs = iqs;
    this.#send = send;
  }

  /** The account is granted. Nothing is encrypted before its log-in is counted. */
  begin(jid: BareJid, devices: Devices, counted = this.#counted): void {
    this.#account = { jid, devices };
    this.#counted = counted;
    // A page may stay open for weeks; the vault rotates and refills when the bundle is asked for.
    this.#upkeep ??= setInterval(() => this.#publishSoon(jid, devices, VERSIONS), UPKEEP_EVERY_MS);
  }

  /** The stream ended. */
  stop(): void {
    clearTimeout(this.#publishing);
    clearInterval(this.#upkeep);
  }

  /** Does what is due on a stream whose keys are published. */
  async addDue(): Promise<void> {
    if (this.#account === undefined) return;
    this.add(await this.#vault.request('chores', { jid: this.#account.jid }));
  }

  add(chores: readonly Chore[]): void {
    for (const chore of chores) {
      this.#perform(chore).catch(() => log('chores', 'warn', chore.kind));
    }
  }

  async #perform(chore: Chore): Promise<void> {
    if (this.#account === undefined) return;
    const { jid, devices } = this.#account;
    if (chore.kind === 'refresh-list') await devices.fetchList(chore);
    if (chore.kind === 'publish-bundle') this.#publishSoon(jid, devices, [chore.version]);
    if (chore.kind === 'reset-session') {
      await devices.fetchBundle(chore);
      await this.#sendEmpty(jid, chore);
    }
    if (chore.kind === 'send-empty') await this.#sendEmpty(jid, chore);
  }

  #publishSoon(jid: BareJid, devices: Devices, versions: readonly OmemoVersion[]): void {
    clearTimeout(this.#publishing);
    for (const version of versions) this.#due.add(version);
    const publisher = { iqs: this.#iqs, vault: this.#vault, devices, jid };
    this.#publishing = setTimeout(() => {
      const due = [...this.#due];
      this.#due.clear();
      for (const version of due) {
        publishBundle(publisher, version).catch(() => log('chores', 'warn', 'publish-bundle'));
      }
    }, PUBLISH_AFTER_MS);
  }

  async #sendEmpty(jid: BareJid, { jid: peer, deviceId, version }: BundleAddress): Promise<void> {
    await this.#counted;
    const requestId = newIdPrefix();
    const arg = { jid, peer, deviceId, version, requestId };
    const outcome = await this.#vault.request('encryptEmpty', arg);
    if (outcome.kind === 'encrypted') {
      this.#send(requestId, composeEmpty(peer, requestId, outcome.messages[0]));
    }
  }
}
