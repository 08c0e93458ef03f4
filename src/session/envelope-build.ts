// Builds the envelope of urn:xmpp:omemo:2 (XEP-0420 0.5.0, profile of XEP-0384 0.9.1 §5.5.1; wire §5.4): elements in, one XML
// text out. Pure.
import { MAX_TEXT_BYTES } from '../limits';
import type { BareJid } from '../jid';
import { build, elementOf } from '../xml/build';
import { append, childOf, serialise } from '../xml/element';
import { NS } from '../xml/ns';

/** Bytes up to which short messages are filled, so that their lengths say nothing. */
const FILLED_TO = 512;
/** XEP-0420 §4: characters of random padding on top. */
const MAX_PADDING = 200;
/** 64 characters: six bits of a random byte choose one without preference. */
const PADDING = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** What an envelope of ours says. */
export interface EnvelopeParts {
  readonly content: readonly Element[];
  readonly from: BareJid;
  /** The contact, or the room. */
  readonly to: BareJid;
  /** In ms since 1970. */
  readonly at: number;
}

export type BuiltEnvelope =
  { readonly kind: 'built'; readonly xml: string } | { readonly kind: 'too-large' };

function padding(length: number, random: (length: number) => Uint8Array): string {
  return Array.from(random(length), (byte) => PADDING[byte % PADDING.length]).join('');
}

/** `<envelope><content>…</content><rpad/><from jid/><to jid/><time stamp/></envelope>` */
function write({ content, from, to, at }: EnvelopeParts, rpad: string): string {
  const builder = build('envelope', { xmlns: NS.sce });
  builder.c('content', {}).up();
  builder.c('rpad', {}).t(rpad).up();
  builder.c('from', { jid: from }).up();
  builder.c('to', { jid: to }).up();
  builder.c('time', { stamp: new Date(at).toISOString() });
  const envelope = elementOf(builder);
  const target = childOf(envelope, 'content', NS.sce);
  if (target === undefined) throw new TypeError('envelope: want a content');
  for (const child of content) append(target, child);
  return serialise(envelope);
}

/** The envelope as text. `random` returns that many fresh bytes. */
export function buildEnvelope(
  parts: EnvelopeParts,
  random: (length: number) => Uint8Array,
): BuiltEnvelope {
  const size = new TextEncoder().encode(write(parts, '')).length;
  if (size > MAX_TEXT_BYTES) return { kind: 'too-large' };
  const [high = 0, low = 0] = random(2);
  const extra = (high * 256 + low) % (MAX_PADDING + 1);
  const length = Math.max(0, FILLED_TO - size) + extra;
  return { kind: 'built', xml: write(parts, padding(length, random)) };
}
