// Looks at the text of a frame that no parser takes, to find a message in it all the same.

/**
 * The text from the first start tag called `message` on, under any prefix and at any depth: a frame may hold more than one
 * stanza against RFC 7395 §3.3, and servers that read it as a stream take them all.
 */
export function fromMessageTag(text: string): string | undefined {
  const start = text.search(/<(?:[^\s<>/:='"!?]+:)?message(?=[\s/>])/);
  return start < 0 ? undefined : text.slice(start);
}
