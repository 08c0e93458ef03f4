// An OMEMO device in Node, on our own core and a raw client: sends what no client would, one bit away from genuine.
import { randomBytes } from 'node:crypto';
import type { Element } from '@xmldom/xmldom';
import { generateIdentity } from '../../src/omemo/identity';
import { sealPayload } from '../../src/omemo/payload';
import { bundleOf, createPrekeyStore } from '../../src/omemo/prekeys';
import { encryptKeyMaterial, initiateSession } from '../../src/omemo/ratchet-session';
import type { Bundle, RatchetSession } from '../../src/omemo/types';
import { LEGACY } from '../../src/rpc/versions';
import type { RawClient } from './raw-client';

export const NS = LEGACY;
export const FALLBACK = 'This message is encrypted.';

const random = (length: number) => new Uint8Array(randomBytes(length));
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const withType = (key: Uint8Array) => base64(Uint8Array.of(5, ...key));

/** The parts of one encrypted message, to be changed at will before it is sent. */
export interface Parts {
  readonly sid: number;
  readonly rid: number;
  readonly isKeyExchange: boolean;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly payload: Uint8Array;
}

export interface RawDevice {
  readonly client: RawClient;
  readonly deviceId: number;
  readonly bundle: Bundle;
  publishBundle(bundle?: Bundle, deviceId?: number): Promise<void>;
  publishList(deviceIds: readonly number[]): Promise<void>;
  /** Encrypts for one device of `to`, whose bundle is fetched the first time. Nothing is sent. */
  compose(to: string, rid: number, text: string): Promise<Parts>;
  send(to: string, id: string, parts: Parts): void;
}

/** Publishes an item as the OMEMO clients do, open to everybody; throws when the server refuses. */
export async function publish(client: RawClient, node: string, payload: string): Promise<void> {
  const field = (name: string, value: string) =>
    `<field var='${name}'><value>${value}</value></field>`;
  const reply = await client.request(
    'set',
    `<pubsub xmlns='http://jabber.org/protocol/pubsub'>` +
      `<publish node='${node}'><item id='current'>${payload}</item></publish>` +
      `<publish-options><x xmlns='jabber:x:data' type='submit'>` +
      field('FORM_TYPE', 'http://jabber.org/protocol/pubsub#publish-options') +
      field('pubsub#persist_items', 'true') +
      field('pubsub#access_model', 'open') +
      `</x></publish-options></pubsub>`,
  );
  if (reply.getAttribute('type') !== 'result') throw new Error(`publishing ${node} was refused`);
}

export const LIST_NODE = `${NS}.devicelist`;
export const bundleNode = (deviceId: number) => `${NS}.bundles:${deviceId}`;

export function listXml(deviceIds: readonly number[]): string {
  return `<list xmlns='${NS}'>${deviceIds.map((id) => `<device id='${id}'/>`).join('')}</list>`;
}

export function bundleXml(bundle: Bundle): string {
  const { signedPrekey, identityKey, oneTimePrekeys } = bundle;
  return (
    `<bundle xmlns='${NS}'>` +
    `<signedPreKeyPublic signedPreKeyId='${signedPrekey.id}'>${withType(signedPrekey.publicKey)}</signedPreKeyPublic>` +
    `<signedPreKeySignature>${base64(signedPrekey.signature)}</signedPreKeySignature>` +
    `<identityKey>${withType(identityKey)}</identityKey><prekeys>` +
    oneTimePrekeys
      .map(
        ({ id, publicKey }) =>
          `<preKeyPublic preKeyId='${id}'>${withType(publicKey)}</preKeyPublic>`,
      )
      .join('') +
    `</prekeys></bundle>`
  );
}

function readBundle(reply: Element): Bundle {
  const one = (name: string) => {
    const element = reply.getElementsByTagName(name).item(0);
    if (element === null) throw new Error(`bundle without ${name}`);
    return element;
  };
  const bytes = (element: Element) =>
    new Uint8Array(Buffer.from(element.textContent ?? '', 'base64'));
  const publicKey = (element: Element) => bytes(element).slice(1);
  const signed = one('signedPreKeyPublic');
  return {
    identityKey: publicKey(one('identityKey')),
    signedPrekey: {
      id: Number(signed.getAttribute('signedPreKeyId')),
      publicKey: publicKey(signed),
      signature: bytes(one('signedPreKeySignature')),
    },
    oneTimePrekeys: [...reply.getElementsByTagName('preKeyPublic')].map((element) => ({
      id: Number(element.getAttribute('preKeyId')),
      publicKey: publicKey(element),
    })),
  };
}

export async function createRawDevice(client: RawClient, deviceId: number): Promise<RawDevice> {
  const identity = await generateIdentity(random);
  const bundle = bundleOf(
    NS,
    identity,
    await createPrekeyStore({ version: NS, identity, now: Date.now(), random }),
  );
  const sessions = new Map<string, RatchetSession>();

  const fetchBundle = async (jid: string, rid: number) => {
    const reply = await client.request(
      'get',
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${bundleNode(rid)}'/></pubsub>`,
      jid,
    );
    return readBundle(reply);
  };
  return {
    client,
    deviceId,
    bundle,
    publishBundle: (value = bundle, id = deviceId) =>
      publish(client, bundleNode(id), bundleXml(value)),
    publishList: (deviceIds) => publish(client, LIST_NODE, listXml(deviceIds)),
    compose: async (to, rid, text) => {
      const address = `${to}/${rid}`;
      const session =
        sessions.get(address) ??
        (await initiateSession({
          version: NS,
          identity,
          bundle: await fetchBundle(to, rid),
          random,
        }));
      const { payload, iv, keyMaterial } = sealPayload(NS, text, random);
      const sealed = encryptKeyMaterial({ session, identity, ownDeviceId: deviceId, keyMaterial });
      sessions.set(address, sealed.session);
      const { bytes, isKeyExchange } = sealed.encryptedKey;
      return { sid: deviceId, rid, isKeyExchange, key: bytes, iv, payload };
    },
    send: (to, id, { sid, rid, isKeyExchange, key, iv, payload }) => {
      const mark = isKeyExchange ? " prekey='true'" : '';
      client.send(
        `<message to='${to}' type='chat' id='${id}'><encrypted xmlns='${NS}'>` +
          `<header sid='${sid}'><key rid='${rid}'${mark}>${base64(key)}</key><iv>${base64(iv)}</iv></header>` +
          `<payload>${base64(payload)}</payload></encrypted>` +
          `<body>${FALLBACK}</body><store xmlns='urn:xmpp:hints'/></message>`,
      );
    },
  };
}

/** A copy with one bit of one byte changed; a negative index counts from the end. */
export function flipBit(bytes: Uint8Array, index: number): Uint8Array {
  const copy = bytes.slice();
  const at = index < 0 ? copy.length + index : index;
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
