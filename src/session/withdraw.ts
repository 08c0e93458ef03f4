// Takes this device off the lists of its account, and its bundles off the server: the site is let go, so nobody would ever
// read what contacts went on to encrypt for it (I-45). The keys stay in the vault; protecting the site anew publishes them.
import type { OmemoVersion } from '../rpc/vault-api';
import { VERSIONS } from '../rpc/versions';
import { childrenOf, copyOf, removeElement } from '../xml/element';
import { codecFor, type Codec } from './codec/codec';
import type { OwnIqs } from './iq';
import { deleteNode, fetchItem, publishItem, retractItem } from './pep';

/** The list without a device, all else as it was. */
function withoutDevice(list: Element, deviceId: number): Element {
  const copy = copyOf(list);
  for (const device of childrenOf(copy, 'device')) {
    if (Number(device.getAttribute('id')) === deviceId) removeElement(device);
  }
  return copy;
}

async function withdrawFrom(iqs: OwnIqs, version: OmemoVersion, deviceId: number): Promise<void> {
  const codec: Codec = codecFor(version);
  const list = await fetchItem(iqs, undefined, codec.listNode);
  // A list that nobody could read is not replaced by one without the others.
  if (list.kind === 'failed' || list.kind === 'hidden') return;
  if (list.kind === 'present') {
    const rest = withoutDevice(list.value, deviceId);
    // some cannot read an empty list.
    if (childrenOf(rest).length === 0) await deleteNode(iqs, codec.listNode);
    else await publishItem(iqs, codec.listNode, rest);
  }
  const item = codec.bundleItem(deviceId);
  const node = codec.bundleNode(deviceId);
  await (item === undefined ? deleteNode(iqs, node) : retractItem(iqs, node, item));
}

/** Ends when the server has answered; what it refuses stays as it is. */
export async function withdrawDevice(iqs: OwnIqs, deviceId: number): Promise<void> {
  await Promise.all(VERSIONS.map((version) => withdrawFrom(iqs, version, deviceId)));
}
