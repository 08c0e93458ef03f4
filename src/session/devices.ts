// Device lists and bundles the vault asks for: fetched once even if several messages want them, handed to the vault as they
// were answered. Nothing is decided here.
import type { BareJid } from '../jid';
import { VaultError } from '../rpc/errors';
import type { BundleAddress, Fetched, ListAddress, OmemoVersion } from '../rpc/vault-api';
import { codecFor, type Codec } from './codec/codec';
import { StanzaError } from './errors';
import type { OwnIqs } from './iq';
import { fetchItem } from './pep';
import type { VaultClient } from './vault-client';

function read<T>(fetched: Fetched<Element>, reader: (element: Element) => T): Fetched<T> {
  if (fetched.kind !== 'present') return fetched;
  try {
    return { kind: 'present', value: reader(fetched.value) };
  } catch (error) {
    if (error instanceof StanzaError) return { kind: 'failed' };
    throw error;
  }
}

/** What the vault refuses is as good as not there: a bad bundle, a list over the limit. */
async function offer(hand: () => Promise<unknown>, instead: () => Promise<unknown>): Promise<void> {
  try {
    await hand();
  } catch (error) {
    const isRefused =
      error instanceof VaultError && ['bad-bundle', 'limit', 'bad-request'].includes(error.code);
    if (!isRefused) throw error;
    await instead();
  }
}

/** Fetches for one account. */
export class Devices {
  readonly #iqs: OwnIqs;
  readonly #vault: VaultClient;
  readonly #jid: BareJid;
  readonly #onOwnList: (version: OmemoVersion, deviceIds: readonly number[]) => void;
  readonly #running = new Map<string, Promise<void>>();

  /** @param onOwnList told every list of our own account that could be read. */
  constructor(
    iqs: OwnIqs,
    vault: VaultClient,
    jid: BareJid,
    onOwnList: (version: OmemoVersion, deviceIds: readonly number[]) => void,
  ) {
    this.#onOwnList = onOwnList;
    this.#iqs = iqs;
    this.#vault = vault;
    this.#jid = jid;
  }

  #once(name: string, work: () => Promise<void>): Promise<void> {
    const known = this.#running.get(name);
    if (known !== undefined) return known;
    const started = work().finally(() => this.#running.delete(name));
    this.#running.set(name, started);
    return started;
  }

  #ownerOf(jid: BareJid): BareJid | undefined {
    return jid === this.#jid ? undefined : jid;
  }

  /** Hands a list, fetched or pushed, to the vault. */
  async seen({ jid: owner, version }: ListAddress, fetched: Fetched<Element>): Promise<void> {
    const jid = this.#jid;
    const codec: Codec = codecFor(version);
    const list = read(fetched, codec.readDeviceList);
    if (owner === jid && list.kind === 'present') this.#onOwnList(version, list.value);
    const labels = read(fetched, codec.readDeviceLabels);
    const hand = (value: Fetched<readonly number[]>) =>
      this.#vault.request('listSeen', {
        jid,
        owner,
        version,
        list: value,
        ...(labels.kind === 'present' && labels.value.length > 0 && { labels: labels.value }),
      });
    await offer(
      () => hand(list),
      () => hand({ kind: 'failed' }),
    );
  }

  fetchList(address: ListAddress): Promise<void> {
    const { jid: owner, version } = address;
    return this.#once(`list ${version} ${owner}`, async () => {
      const { listNode } = codecFor(version);
      await this.seen(address, await fetchItem(this.#iqs, this.#ownerOf(owner), listNode));
    });
  }

  fetchBundle({ jid: owner, deviceId, version }: BundleAddress): Promise<void> {
    return this.#once(`bundle ${deviceId} ${version} ${owner}`, async () => {
      const jid = this.#jid;
      const codec: Codec = codecFor(version);
      const node = codec.bundleNode(deviceId);
      const item = codec.bundleItem(deviceId);
      const fetched = await fetchItem(this.#iqs, this.#ownerOf(owner), node, item);
      const bundle = read(fetched, codec.readBundle);
      // The vault itself leaves the device out for a while after a bad bundle.
      await offer(
        () => this.#vault.request('bundleSeen', { jid, owner, deviceId, version, bundle }),
        () => Promise.resolve(),
      );
    });
  }
}
