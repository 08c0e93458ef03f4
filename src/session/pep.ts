// Fetch and publish PEP nodes (XEP-0163, XEP-0060; wire §2.1), with the recipes that both Prosody and ejabberd follow.
import type { BareJid } from '../jid';
import type { Fetched } from '../rpc/vault-api';
import { adopt, build, frameOf, type Builder } from '../xml/build';
import { childOf, childrenOf, serialise, textOf } from '../xml/element';
import { NS } from '../xml/ns';
import type { OwnIqs, Reply } from './iq';

/** Errors that mean "you may not see it", which proves nothing about what is there. */
const HIDDEN: readonly string[] = ['forbidden', 'not-authorized', 'presence-subscription-required'];

/** The payload of item `current`, else of the last item. */
function payloadOf(stanza: Element): Element | undefined {
  const pubsub = childOf(stanza, 'pubsub', NS.pubsub);
  const items = pubsub && childOf(pubsub, 'items', NS.pubsub);
  const all = items === undefined ? [] : childrenOf(items, 'item', NS.pubsub);
  const item = all.find((each) => each.getAttribute('id') === 'current') ?? all.at(-1);
  return item && childrenOf(item)[0];
}

function answerOf(reply: Reply): Fetched<Element> {
  if (reply.kind === 'timeout') return { kind: 'failed' };
  if (reply.kind === 'error') {
    if (reply.condition === 'item-not-found') return { kind: 'absent' };
    return { kind: HIDDEN.includes(reply.condition) ? 'hidden' : 'failed' };
  }
  const payload = payloadOf(reply.stanza);
  return payload === undefined ? { kind: 'absent' } : { kind: 'present', value: payload };
}

function itemsQuery(node: string, isLimited: boolean): string {
  const builder = build('pubsub', { xmlns: NS.pubsub });
  builder.c('items', { node, ...(isLimited && { max_items: '1' }) });
  return frameOf(builder);
}

/** The newest item of a node; `owner` absent: our own. */
export async function fetchItem(
  iqs: OwnIqs,
  owner: BareJid | undefined,
  node: string,
): Promise<Fetched<Element>> {
  const ask = (isLimited: boolean): Promise<Reply> =>
    iqs.request({
      type: 'get',
      ...(owner !== undefined && { to: owner }),
      payload: itemsQuery(node, isLimited),
    });
  const first = await ask(true);
  const answer = answerOf(first);
  // Some servers refuse max_items; then all items come.
  const isRefused = answer.kind === 'failed' && first.kind === 'error';
  return isRefused ? answerOf(await ask(false)) : answer;
}

const OPTIONS: readonly (readonly [name: string, value: string])[] = [
  ['pubsub#persist_items', 'true'],
  ['pubsub#access_model', 'open'],
];

function addForm(builder: Builder, formType: string): void {
  builder.c('x', { xmlns: NS.dataForms, type: 'submit' });
  builder.c('field', { var: 'FORM_TYPE', type: 'hidden' }).c('value').t(formType).up().up();
  for (const [name, value] of OPTIONS) {
    builder.c('field', { var: name }).c('value').t(value).up().up();
  }
}

function publication(node: string, payload: Element, hasOptions: boolean): string {
  const builder = build('pubsub', { xmlns: NS.pubsub });
  builder.c('publish', { node }).c('item', { id: 'current' });
  // No white space between the elements: Debian 12's python-oldmemo takes it for content.
  adopt(builder, payload).up().up();
  if (hasOptions) {
    builder.c('publish-options', {});
    addForm(builder, NS.publishOptions);
  }
  return frameOf(builder);
}

function configuration(node: string): string {
  const builder = build('pubsub', { xmlns: NS.pubsubOwner });
  builder.c('configure', { node });
  addForm(builder, NS.nodeConfig);
  return frameOf(builder);
}

/**
 * Publishes the one item of a node of ours, open to everybody. A node that stands with other settings is configured first;
 * a server without publish-options gets the item all the same.
 * @returns whether the server took it.
 */
export async function publishItem(iqs: OwnIqs, node: string, payload: Element): Promise<boolean> {
  const set = async (text: string): Promise<Reply['kind']> =>
    (await iqs.request({ type: 'set', payload: text })).kind;
  const first = await set(publication(node, payload, true));
  if (first !== 'error') return first === 'result';
  await set(configuration(node));
  if ((await set(publication(node, payload, true))) === 'result') return true;
  return (await set(publication(node, payload, false))) === 'result';
}

/** The access model in an owner's configuration form, if it tells one. */
function accessModelIn(stanza: Element): string | undefined {
  const pubsub = childOf(stanza, 'pubsub', NS.pubsubOwner);
  const configure = pubsub && childOf(pubsub, 'configure', NS.pubsubOwner);
  const form = configure && childOf(configure, 'x', NS.dataForms);
  const fields = form === undefined ? [] : childrenOf(form, 'field', NS.dataForms);
  const field = fields.find((each) => each.getAttribute('var') === 'pubsub#access_model');
  const value = field && childOf(field, 'value', NS.dataForms);
  return value && textOf(value).trim();
}

/**
 * Opens a node of ours that stands with another access model, so that strangers can read it (XEP-0384 §5.3.2). A server that
 * does not tell the configuration is left alone: publishing asked for open access.
 */
export async function openNode(iqs: OwnIqs, node: string): Promise<void> {
  const query = build('pubsub', { xmlns: NS.pubsubOwner }).c('configure', { node });
  const reply = await iqs.request({ type: 'get', payload: frameOf(query) });
  const model = reply.kind === 'result' ? accessModelIn(reply.stanza) : undefined;
  if (model !== undefined && model !== 'open') {
    await iqs.request({ type: 'set', payload: configuration(node) });
  }
}

/** Do two elements say the same: compared as text of one serialiser. */
export function isSameElement(a: Element, b: Element): boolean {
  return serialise(a) === serialise(b);
}
