// Frames nobody could parse (not well-formed, too large, too deep): is a message in them, and whose. Pure.
import { bareJid, type BareJid } from '../jid';
import { explainFailure } from '../rpc/reasons';
import { appendText, cleanText, parseFrame, serialise, XmlError } from '../xml/element';
import { NS } from '../xml/ns';
import { fromMessageTag } from '../xml/raw';

/** The frame as an element, or why it cannot be parsed. */
export function readFrame(text: string): Element | XmlError {
  try {
    return parseFrame(text);
  } catch (error) {
    if (error instanceof XmlError) return error;
    throw error;
  }
}

/** Does a frame that cannot be parsed begin as something else than a message. */
export function beginsOtherwise(text: string): boolean {
  const name = /^\s*(?:<\?xml[^>]*>\s*)?<([A-Za-z_][\w.-]*)[\s/>]/.exec(text)?.[1];
  return name !== undefined && name !== 'message';
}

/** Can a frame that cannot be parsed hold a message anywhere. */
export function mayHoldMessage(text: string): boolean {
  return !beginsOtherwise(text) || fromMessageTag(text) !== undefined;
}

/**
 * What the page gets in place of a frame that cannot be parsed, which must not pass for one that was.
 * @returns none: in a wrapper of our own account the sender is not known, and nothing can be said in anyone's name.
 */
export function replacementOf(text: string, own: BareJid): string | undefined {
  const shell = shellOf(text);
  const from = bareJid(shell.getAttribute('from') ?? '');
  if (from === undefined || from === own) return undefined;
  appendText(shell, 'body', NS.client, explainFailure('malformed'));
  return serialise(shell);
}

/** An empty message with the addresses of one that cannot be parsed. */
export function shellOf(text: string): Element {
  const shell = parseFrame(`<message xmlns='${NS.client}'/>`);
  const tag = (fromMessageTag(text) ?? text).slice(0, 8192);
  for (const attribute of ['id', 'from', 'to', 'type']) {
    const found = new RegExp(`^[^>]*?\\s${attribute}\\s*=\\s*(?:'([^'<&]*)'|"([^"<&]*)")`).exec(
      tag,
    );
    const value = found?.[1] ?? found?.[2];
    if (value !== undefined) shell.setAttribute(attribute, cleanText(value));
  }
  return shell;
}
