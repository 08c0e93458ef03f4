// Looks into the stanzas of the wire log by text, which is enough for elements this project writes itself.
import type { WireRecord } from './wire';

/** Messages on the wire that carry ciphertext. */
export function encryptedMessages(records: readonly WireRecord[]): readonly WireRecord[] {
  return records.filter(({ xml }) => /^<message\b/.test(xml) && xml.includes('<encrypted '));
}

/** Texts of all bodies in a stanza. */
export function bodiesOf(xml: string): readonly string[] {
  return [...xml.matchAll(/<body\b[^>]*>([^<]*)<\/body>/g)].map(([, text = '']) => text);
}

/** Stanzas proper, without the elements of stream management. */
export function isStanza({ xml }: WireRecord): boolean {
  return /^<(message|presence|iq)\b/.test(xml);
}
