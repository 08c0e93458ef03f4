// Puts our keys on the server: bundle before list, open access, both read back (wire §2.1, §2.2). Foreign entries of the
// lists stay as they are.
import type { BareJid } from '../jid';
import { log } from '../log';
import type { Fetched, OmemoVersion } from '../rpc/vault-api';
import { LEGACY, OMEMO2 } from '../rpc/versions';
import { codecFor, type Codec } from './codec/codec';
import type { Devices } from './devices';
import { StanzaError } from './errors';
import type { OwnIqs } from './iq';
import { fetchItem, isSameElement, openNode, publishAmong, publishItem } from './pep';
import type { VaultClient } from './vault-client';

/** A server may lag behind its own answer by one look. */
const LOOKS = 2;

/** What publishing needs. */
export interface Publisher {
  readonly iqs: OwnIqs;
  readonly vault: VaultClient;
  readonly devices: Devices;
  readonly jid: BareJid;
}

/** Does our node come to hold such an item. */
async function isStored(
  fetch: () => Promise<Fetched<Element>>,
  isWanted: (found: Element) => boolean,
): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    const found = await fetch();
    if (found.kind === 'present' && isWanted(found.value)) return true;
  }
  return false;
}

/** Bundles are compared by what they say; servers may write them otherwise. */
function isSameBundle(codec: Codec, found: Element, wanted: Element): boolean {
  if (isSameElement(found, wanted)) return true;
  try {
    const rewrite = (element: Element) => codec.writeBundle(codec.readBundle(element));
    return isSameElement(rewrite(found), rewrite(wanted));
  } catch (error) {
    if (error instanceof StanzaError) return false;
    throw error;
  }
}

/** Publishes our bundle unless it stands there already; answers the device id, or undefined if it could not. */
export async function publishBundle(
  { iqs, vault, jid }: Publisher,
  version: OmemoVersion,
): Promise<number | undefined> {
  const codec: Codec = codecFor(version);
  const { deviceId, bundle } = await vault.request('ownBundle', { jid, version });
  const node = codec.bundleNode(deviceId);
  const item = codec.bundleItem(deviceId);
  const wanted = codec.writeBundle(bundle);
  const isWanted = (element: Element): boolean => isSameBundle(codec, element, wanted);
  const fetch = () => fetchItem(iqs, undefined, node, item);
  const found = await fetch();
  if (found.kind === 'present' && isWanted(found.value)) return deviceId;
  const isTaken =
    item === undefined
      ? await publishItem(iqs, node, wanted)
      : await publishAmong(iqs, node, wanted, item);
  return isTaken && (await isStored(fetch, isWanted)) ? deviceId : undefined;
}

/** The device ids of a list; of one that cannot be read, none. */
function deviceIdsIn(codec: Codec, list: Fetched<Element>): readonly number[] {
  if (list.kind !== 'present') return [];
  try {
    return codec.readDeviceList(list.value);
  } catch (error) {
    if (error instanceof StanzaError) return [];
    throw error;
  }
}

/** Is the element a device list at all; another one is written over. */
function isList(codec: Codec, element: Element): boolean {
  const { localName, namespaceURI } = codec.writeDeviceList(undefined, 1);
  return element.localName === localName && element.namespaceURI === namespaceURI;
}

/** Adds our device to our list unless it is on `known`. */
async function publishList(
  { iqs }: Publisher,
  version: OmemoVersion,
  deviceId: number,
  known: Fetched<Element>,
): Promise<boolean> {
  const codec: Codec = codecFor(version);
  if (deviceIdsIn(codec, known).includes(deviceId)) return true;
  // Looked at once more: another device may have come while our bundle was on its way.
  const fetch = () => fetchItem(iqs, undefined, codec.listNode);
  const list = await fetch();
  if (list.kind === 'failed' || list.kind === 'hidden') return false;
  const existing = list.kind === 'present' && isList(codec, list.value) ? list.value : undefined;
  const wanted = codec.writeDeviceList(existing, deviceId);
  // Others may have changed the list since we wrote it: that we are on it is enough.
  const hasUs = (found: Element): boolean =>
    deviceIdsIn(codec, { kind: 'present', value: found }).includes(deviceId);
  return (await publishItem(iqs, codec.listNode, wanted)) && isStored(fetch, hasUs);
}

/** Bundle, list and their access, of one version. @returns the device id, or undefined if not all of it stands there. */
async function publishVersion(
  publisher: Publisher,
  version: OmemoVersion,
  known: Fetched<Element>,
): Promise<number | undefined> {
  // Without knowing the others' entries we would publish a list without them.
  if (known.kind === 'failed' || known.kind === 'hidden') return undefined;
  const deviceId = await publishBundle(publisher, version);
  if (deviceId === undefined) return undefined;
  if (!(await publishList(publisher, version, deviceId, known))) return undefined;
  const codec: Codec = codecFor(version);
  const nodes = [codec.bundleNode(deviceId), codec.listNode];
  await Promise.all(nodes.map((node) => openNode(publisher.iqs, node)));
  return deviceId;
}

async function ownList(
  { iqs, devices, jid }: Publisher,
  version: OmemoVersion,
): Promise<Fetched<Element>> {
  const list = await fetchItem(iqs, undefined, codecFor(version).listNode);
  if (list.kind === 'present') await devices.seen({ jid, version }, list);
  return list;
}

/** Of a stream that ended meanwhile nothing can be said: the next one looks again. */
function complain({ iqs }: Publisher, code: string): void {
  if (!iqs.isClosed) log('publish', 'warn', code);
}

/** Nobody waits for it: who has a device of OMEMO 2 only can be written to all the same. */
async function publishOmemo2(publisher: Publisher, known: Fetched<Element>): Promise<void> {
  try {
    const deviceId = await publishVersion(publisher, OMEMO2, known);
    if (deviceId === undefined) complain(publisher, 'omemo2-not-stored');
  } catch {
    complain(publisher, 'omemo2-failed');
  }
}

/**
 * Brings bundles and lists on the server in line with the vault, legacy first.
 * @returns whether those of legacy were read back; OMEMO 2 goes on behind.
 */
export async function publishKeys(publisher: Publisher): Promise<boolean> {
  const { vault, jid } = publisher;
  const [legacy, omemo2] = await Promise.all([
    ownList(publisher, LEGACY),
    ownList(publisher, OMEMO2),
  ]);
  if (legacy.kind === 'failed' || legacy.kind === 'hidden') {
    complain(publisher, 'own-list-unavailable');
    return false;
  }
  const listed = [
    ...deviceIdsIn(codecFor(LEGACY), legacy),
    ...deviceIdsIn(codecFor(OMEMO2), omemo2),
  ];
  await vault.request('claimDeviceId', { jid, listed });
  const deviceId = await publishVersion(publisher, LEGACY, legacy);
  if (deviceId === undefined) {
    complain(publisher, 'not-stored');
    return false;
  }
  await vault.request('published', { jid, deviceId });
  void publishOmemo2(publisher, omemo2);
  return true;
}
