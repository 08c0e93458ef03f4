// Puts our keys on the server: bundle before list, open access, both read back (wire §2.1, §2.2). Foreign entries of the
// list stay as they are.
import type { BareJid } from '../jid';
import { log } from '../log';
import { codecFor } from './codec/codec';
import type { Devices } from './devices';
import { StanzaError } from './errors';
import type { OwnIqs } from './iq';
import { fetchItem, isSameElement, openNode, publishItem } from './pep';
import type { VaultClient } from './vault-client';

const codec = codecFor('eu.siacs.conversations.axolotl');

/** A server may lag behind its own answer by one look. */
const LOOKS = 2;

/** What publishing needs. */
export interface Publisher {
  readonly iqs: OwnIqs;
  readonly vault: VaultClient;
  readonly devices: Devices;
  readonly jid: BareJid;
}

async function isStored(
  iqs: OwnIqs,
  node: string,
  isWanted: (found: Element) => boolean,
): Promise<boolean> {
  for (let look = 0; look < LOOKS; look++) {
    const found = await fetchItem(iqs, undefined, node);
    if (found.kind === 'present' && isWanted(found.value)) return true;
  }
  return false;
}

/** Bundles are compared by what they say; servers may write them otherwise. */
function isSameBundle(found: Element, wanted: Element): boolean {
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
export async function publishBundle({ iqs, vault, jid }: Publisher): Promise<number | undefined> {
  const { deviceId, bundle } = await vault.request('ownBundle', { jid });
  const node = codec.bundleNode(deviceId);
  const wanted = codec.writeBundle(bundle);
  const isWanted = (element: Element): boolean => isSameBundle(element, wanted);
  const found = await fetchItem(iqs, undefined, node);
  if (found.kind === 'present' && isWanted(found.value)) return deviceId;
  if (!(await publishItem(iqs, node, wanted))) return undefined;
  return (await isStored(iqs, node, isWanted)) ? deviceId : undefined;
}

/** The device ids of a list; of one that cannot be read, none. */
function deviceIdsIn(list: Element): readonly number[] {
  try {
    return codec.readDeviceList(list);
  } catch (error) {
    if (error instanceof StanzaError) return [];
    throw error;
  }
}

/** Adds our device to our list unless it is on `known`. */
async function publishList({ iqs }: Publisher, deviceId: number, known: Element | undefined) {
  const hasUs = (list: Element): boolean => deviceIdsIn(list).includes(deviceId);
  if (known !== undefined && hasUs(known)) return true;
  // Looked at once more: another device may have come while our bundle was on its way.
  const list = await fetchItem(iqs, undefined, codec.listNode);
  if (list.kind === 'failed' || list.kind === 'hidden') return false;
  const isList =
    list.kind === 'present' &&
    list.value.localName === 'list' &&
    list.value.namespaceURI === codec.version;
  const wanted = codec.writeDeviceList(isList ? list.value : undefined, deviceId);
  // Others may have changed the list since we wrote it: that we are on it is enough.
  return (await publishItem(iqs, codec.listNode, wanted)) && isStored(iqs, codec.listNode, hasUs);
}

/**
 * Brings bundle and list on the server in line with the vault.
 * @returns whether both were read back.
 */
export async function publishKeys(publisher: Publisher): Promise<boolean> {
  const { iqs, vault, devices, jid } = publisher;
  const list = await fetchItem(iqs, undefined, codec.listNode);
  // Without knowing the others' entries we would publish a list without them.
  if (list.kind === 'failed' || list.kind === 'hidden') {
    log('publish', 'warn', 'own-list-unavailable');
    return false;
  }
  const known = list.kind === 'present' ? list.value : undefined;
  if (known !== undefined) await devices.seen(jid, list);
  await vault.request('claimDeviceId', {
    jid,
    listed: known === undefined ? [] : deviceIdsIn(known),
  });
  const deviceId = await publishBundle(publisher);
  if (deviceId === undefined || !(await publishList(publisher, deviceId, known))) {
    log('publish', 'warn', 'not-stored');
    return false;
  }
  await Promise.all(
    [codec.bundleNode(deviceId), codec.listNode].map((node) => openNode(iqs, node)),
  );
  await vault.request('published', { jid, deviceId });
  return true;
}
