// Work the vault asks for after a message, off its path: publish the bundle again, look at a list, send an empty message.
// Nothing here may hold up or fail a message.
import type { BareJid } from '../jid';
import { log } from '../log';
import type { Chore } from '../rpc/vault-api';
import type { Devices } from './devices';
import { newIdPrefix, type OwnIqs } from './iq';
import { composeEmpty } from './outbound';
import { publishBundle } from './publish';
import type { VaultClient } from './vault-client';

/** A page of history brings many key exchanges; one publication serves them all. */
const PUBLISH_AFTER_MS = 2000;

/** The chores of one stream. */
export class Chores {
  readonly #vault: VaultClient;
  readonly #iqs: OwnIqs;
  readonly #send: (id: string, text: string) => void;
  #account: { readonly jid: BareJid; readonly devices: Devices } | undefined;
  #publishing: ReturnType<typeof setTimeout> | undefined;

  constructor(vault: VaultClient, iqs: OwnIqs, send: (id: string, text: string) => void) {
    this.#vault = vault;
    this.#iqs = iqs;
    this.#send = send;
  }

  /** The account is granted. */
  begin(jid: BareJid, devices: Devices): void {
    this.#account = { jid, devices };
  }

  add(chores: readonly Chore[]): void {
    for (const chore of chores) {
      this.#perform(chore).catch(() => log('chores', 'warn', chore.kind));
    }
  }

  async #perform(chore: Chore): Promise<void> {
    if (this.#account === undefined) return;
    const { jid, devices } = this.#account;
    if (chore.kind === 'refresh-list') await devices.fetchList(chore.jid);
    if (chore.kind === 'publish-bundle') this.#publishSoon(jid, devices);
    if (chore.kind === 'send-empty') await this.#sendEmpty(jid, chore.jid, chore.deviceId);
  }

  #publishSoon(jid: BareJid, devices: Devices): void {
    clearTimeout(this.#publishing);
    const publisher = { iqs: this.#iqs, vault: this.#vault, devices, jid };
    this.#publishing = setTimeout(() => {
      publishBundle(publisher).catch(() => log('chores', 'warn', 'publish-bundle'));
    }, PUBLISH_AFTER_MS);
  }

  async #sendEmpty(jid: BareJid, peer: BareJid, deviceId: number): Promise<void> {
    const requestId = newIdPrefix();
    const outcome = await this.#vault.request('encryptEmpty', { jid, peer, deviceId, requestId });
    if (outcome.kind === 'encrypted') {
      this.#send(requestId, composeEmpty(peer, requestId, outcome.message));
    }
  }
}
