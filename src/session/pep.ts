// Fetch and publish PEP nodes (XEP-0163, XEP-0060; wire §2.1), with the recipes that both Prosody and ejabberd follow.
import type { BareJid } from '../jid';
import type { Fetched } from '../rpc/vault-api';
import { adopt, build, frameOf, type Builder } from '../xml/build';
import { childOf, childrenOf, serialise, textOf } from '../xml/element';
import { NS } from '../xml/ns';
import type { OwnIqs, Reply } from './iq';

/** Errors that mean "you may not see it", which proves nothing about what is there. */
const HIDDEN: readonly string[] = ['forbidden', 'not-authorized', 'presence-subscription-required'];

/** The id of the item in a node that holds one. */
const ONLY_ITEM = 'current';

/** The payload of that item; of a node that holds one item, the last if none is called `current`. */
function payloadOf(stanza: Element, wanted: string | undefined): Element | undefined {
  const pubsub = childOf(stanza, 'pubsub', NS.pubsub);
  const items = pubsub && childOf(pubsub, 'items', NS.pubsub);
  const all = items === undefined ? [] : childrenOf(items, 'item', NS.pubsub);
  const named = all.find((each) => each.getAttribute('id') === (wanted ?? ONLY_ITEM));
  const item = named ?? (wanted === undefined ? all.at(-1) : undefined);
  return item && childrenOf(item)[0];
}

function answerOf(reply: Reply, wanted: string | undefined): Fetched<Element> {
  if (reply.kind === 'timeout') return { kind: 'failed' };
  if (reply.kind === 'error') {
    if (reply.condition === 'item-not-found') return { kind: 'absent' };
    return { kind: HIDDEN.includes(reply.condition) ? 'hidden' : 'failed' };
  }
  const payload = payloadOf(reply.stanza, wanted);
  return payload === undefined ? { kind: 'absent' } : { kind: 'present', value: payload };
}

function itemsQuery(node: string, item: string | undefined, isLimited: boolean): string {
  const builder = build('pubsub', { xmlns: NS.pubsub });
  const limit = isLimited && item === undefined ? { max_items: '1' } : {};
  builder.c('items', { node, ...limit });
  if (item !== undefined) builder.c('item', { id: item });
  return frameOf(builder);
}

/** The item of that id, or the newest of a node that holds one; `owner` absent: our own. */
export async function fetchItem(
  iqs: OwnIqs,
  owner: BareJid | undefined,
  node: string,
  item?: string,
): Promise<Fetched<Element>> {
  const ask = (isLimited: boolean): Promise<Reply> =>
    iqs.request({
      type: 'get',
      ...(owner !== undefined && { to: owner }),
      payload: itemsQuery(node, item, isLimited),
    });
  const first = await ask(true);
  const answer = answerOf(first, item);
  // Some servers refuse max_items; then all items come.
  const isRefused = answer.kind === 'failed' && first.kind === 'error' && item === undefined;
  return isRefused ? answerOf(await ask(false), item) : answer;
}

type Options = readonly (readonly [name: string, value: string])[];

const OPEN: Options = [
  ['pubsub#persist_items', 'true'],
  ['pubsub#access_model', 'open'],
];

function roomFor(maxItems: string): Options {
  return [...OPEN, ['pubsub#max_items', maxItems]];
}

function addForm(builder: Builder, formType: string, options: Options): void {
  builder.c('x', { xmlns: NS.dataForms, type: 'submit' });
  builder.c('field', { var: 'FORM_TYPE', type: 'hidden' }).c('value').t(formType).up().up();
  for (const [name, value] of options) {
    builder.c('field', { var: name }).c('value').t(value).up().up();
  }
}

/** @param options none: as a server without publish-options needs it. */
function publication(node: string, item: string, payload: Element, options: Options): string {
  const builder = build('pubsub', { xmlns: NS.pubsub });
  builder.c('publish', { node }).c('item', { id: item });
  // No white space between the elements: Debian 12's python-oldmemo takes it for content.
  adopt(builder, payload).up().up();
  if (options.length > 0) {
    builder.c('publish-options', {});
    addForm(builder, NS.publishOptions, options);
  }
  return frameOf(builder);
}

function configuration(node: string, options: Options): string {
  const builder = build('pubsub', { xmlns: NS.pubsubOwner });
  builder.c('configure', { node });
  addForm(builder, NS.nodeConfig, options);
  return frameOf(builder);
}

async function set(iqs: OwnIqs, payload: string): Promise<Reply['kind']> {
  return (await iqs.request({ type: 'set', payload })).kind;
}

/**
 * Publishes an item of a node of ours, open to everybody; without `item` it is the only one there. A node that stands with other
 * settings is configured first; a server without publish-options gets the item all the same.
 * @returns whether the server took it.
 */
export async function publishItem(
  iqs: OwnIqs,
  node: string,
  payload: Element,
  item = ONLY_ITEM,
): Promise<boolean> {
  const publish = (options: Options) => set(iqs, publication(node, item, payload, options));
  const first = await publish(OPEN);
  if (first !== 'error') return first === 'result';
  await set(iqs, configuration(node, OPEN));
  if ((await publish(OPEN)) === 'result') return true;
  return (await publish([])) === 'result';
}

const PRIVATE: Options = [
  ['pubsub#persist_items', 'true'],
  ['pubsub#access_model', 'whitelist'],
];

/** Publishes the only item of a node of ours that nobody else may see, or does not. @returns whether the server took it. */
export async function publishPrivate(
  iqs: OwnIqs,
  node: string,
  payload: Element,
): Promise<boolean> {
  const publish = () => set(iqs, publication(node, ONLY_ITEM, payload, PRIVATE));
  const first = await publish();
  if (first !== 'error') return first === 'result';
  await set(iqs, configuration(node, PRIVATE));
  return (await publish()) === 'result';
}

/** XEP-0060 1.17 has `max`; servers before it take numbers, and some only small ones. */
const ROOM = ['max', '1000', '100', '10'];

/** Lets a node of ours hold an item for every device. @returns whether the node is there. */
async function makeRoom(iqs: OwnIqs, node: string): Promise<boolean> {
  const form = await configurationOf(iqs, node);
  if (form === undefined) return false;
  const limit = form('pubsub#max_items');
  if (limit === undefined || limit === 'max' || Number(limit) >= 1000) return true;
  for (const maxItems of ROOM) {
    if (Number(maxItems) <= Number(limit)) break;
    if ((await set(iqs, configuration(node, roomFor(maxItems)))) === 'result') break;
  }
  return true;
}

/**
 * Publishes an item of a node of ours that holds one for every device (wire §2.2). A node that keeps one item, as ejabberd makes
 * it by default, would lose those of the other devices, so room comes first; ejabberd refuses the option for it when publishing.
 * @returns whether the server took it.
 */
export async function publishAmong(
  iqs: OwnIqs,
  node: string,
  payload: Element,
  item: string,
): Promise<boolean> {
  if (await makeRoom(iqs, node)) return publishItem(iqs, node, payload, item);
  const first = await set(iqs, publication(node, item, payload, roomFor('max')));
  if (first !== 'error') return first === 'result';
  const isPublished = await publishItem(iqs, node, payload, item);
  if (isPublished) await makeRoom(iqs, node);
  return isPublished;
}

/** The owner's configuration form of a node as a look-up by field; undefined if the server does not tell it. */
async function configurationOf(
  iqs: OwnIqs,
  node: string,
): Promise<((name: string) => string | undefined) | undefined> {
  const query = build('pubsub', { xmlns: NS.pubsubOwner }).c('configure', { node });
  const reply = await iqs.request({ type: 'get', payload: frameOf(query) });
  if (reply.kind !== 'result') return undefined;
  const pubsub = childOf(reply.stanza, 'pubsub', NS.pubsubOwner);
  const configure = pubsub && childOf(pubsub, 'configure', NS.pubsubOwner);
  const form = configure && childOf(configure, 'x', NS.dataForms);
  const fields = form === undefined ? [] : childrenOf(form, 'field', NS.dataForms);
  return (name) => {
    const field = fields.find((each) => each.getAttribute('var') === name);
    const value = field && childOf(field, 'value', NS.dataForms);
    return value && textOf(value).trim();
  };
}

/**
 * Opens a node of ours that stands with another access model, so that strangers can read it (XEP-0384 §5.3.2). A server that
 * does not tell the configuration is left alone: publishing asked for open access.
 */
export async function openNode(iqs: OwnIqs, node: string): Promise<void> {
  const model = (await configurationOf(iqs, node))?.('pubsub#access_model');
  if (model !== undefined && model !== 'open') await set(iqs, configuration(node, OPEN));
}

/** Deletes a node of ours with all its items. */
export async function deleteNode(iqs: OwnIqs, node: string): Promise<void> {
  await set(iqs, frameOf(build('pubsub', { xmlns: NS.pubsubOwner }).c('delete', { node })));
}

/** Takes one item out of a node of ours and tells those who follow it. */
export async function retractItem(iqs: OwnIqs, node: string, item: string): Promise<void> {
  const builder = build('pubsub', { xmlns: NS.pubsub });
  builder.c('retract', { node, notify: 'true' }).c('item', { id: item });
  await set(iqs, frameOf(builder));
}

/** Do two elements say the same: compared as text of one serialiser. */
export function isSameElement(a: Element, b: Element): boolean {
  return serialise(a) === serialise(b);
}
