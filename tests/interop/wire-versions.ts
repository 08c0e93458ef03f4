// In which version of OMEMO a stanza really is, and whether what stands beside the ciphertext fits it (design D4, wire §2.3).
import { expect } from 'vitest';
import type { OmemoVersion } from '../../src/omemo/types';
import { OMEMO2 } from '../../src/rpc/versions';
import { FALLBACK_BODY } from '../../src/session/outbound';
import type { TestServer } from '../support/server';
import { bodiesOf, encryptedMessages } from '../support/stanzas';

/** What the server saw of one message with ciphertext. */
export interface MessageSeen {
  /** Namespaces of the ciphertexts, in their order. */
  readonly versions: readonly string[];
  /** Namespaces that XEP-0380 tags name. */
  readonly tags: readonly string[];
  readonly bodies: readonly string[];
  /** Without text it begins or answers a session. */
  readonly hasText: boolean;
}

function attributesOf(xml: string, name: string, attribute: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name}\\b[^>]*>`, 'g'))].map(
    ([tag]) => new RegExp(`\\s${attribute}=(["'])(.*?)\\1`).exec(tag)?.[2] ?? '',
  );
}

/** Messages with ciphertext that an account has written, in their order. */
export function writtenBy({ wire }: TestServer, jid: string, mark = 0): readonly MessageSeen[] {
  return encryptedMessages(wire.records(mark))
    .filter((record) => record.dir === 'in' && record.jid.startsWith(`${jid}/`))
    .map(({ xml }) => ({
      versions: attributesOf(xml, 'encrypted', 'xmlns'),
      tags: attributesOf(xml, 'encryption', 'namespace'),
      bodies: bodiesOf(xml),
      hasText: xml.includes('<payload'),
    }));
}

/**
 * Every text of the page in all of these versions, tagged as the first, with words for those who cannot read it.
 * @param listed where the client has devices: a session is started anew in each of them.
 */
export function expectOfPage(
  messages: readonly MessageSeen[],
  versions: readonly OmemoVersion[],
  listed = versions,
): void {
  const bodies = [FALLBACK_BODY];
  const texts = messages.filter(({ hasText }) => hasText);
  expect(texts.length).toBeGreaterThan(0);
  for (const text of texts)
    expect(text).toEqual({ versions, tags: [versions[0]], bodies, hasText: true });
  // One without text is for a single device.
  const empty = messages.filter(({ hasText }) => !hasText);
  for (const message of empty) {
    expect(message).toEqual({
      versions: [expect.any(String)],
      tags: [],
      bodies: [],
      hasText: false,
    });
    expect(listed).toContain(message.versions[0]);
  }
}

/** Every message of a client in this version. What stands beside the first version differs between clients. */
export function expectOfClient(messages: readonly MessageSeen[], version: OmemoVersion): void {
  expect(messages.some(({ hasText }) => hasText)).toBe(true);
  for (const { versions, tags, hasText } of messages) {
    expect(versions).toEqual([version]);
    const isTagged = hasText && version === OMEMO2;
    expect(isTagged ? [versions] : [[], versions]).toContainEqual(tags);
  }
}

/** Without the answers to key exchanges that Libervia puts into envelopes: all but its texts lack a tag. */
export function withoutEnvelopedAnswers(messages: readonly MessageSeen[]): readonly MessageSeen[] {
  return messages.filter(({ hasText, tags }) => !hasText || tags.length > 0);
}
