// A contact who wants plain text (XEP-0384 0.9.1 §5.7). Only the user can give it: until then nothing leaves. Pure steps.
import type { OptOut, PeerRecord } from './records';

/** The same message comes again with every re-fetch, and clocks differ: what is no newer than this says nothing new. */
const SAME_MS = 10 * 60 * 1000;

/** The peer after a wish for plain text; one that is known already changes nothing. */
export function withOptOut(peer: PeerRecord, wish: Omit<OptOut, 'isAnswered'>): PeerRecord {
  const known = peer.optOut;
  if (known !== undefined && wish.at - known.at <= SAME_MS) return peer;
  return { ...peer, optOut: wish };
}

/** The peer after the user decided whether to encrypt, whatever they decided. */
export function withAnswer(peer: PeerRecord): PeerRecord {
  if (peer.optOut === undefined) return peer;
  return { ...peer, optOut: { ...peer.optOut, isAnswered: true } };
}

/** Does the chat wait for the user's answer. The peer stands first. */
export function isOptedOut([peer]: readonly { readonly record: PeerRecord }[]): boolean {
  const optOut = peer?.record.optOut;
  return optOut !== undefined && optOut.isAnswered !== true;
}
