// Who is asking, decided once per port from what the browser says and never from what a message says (M1, M2).
import browser, { type Runtime } from 'webextension-polyfill';

/** The caller of a port or message. */
export type Caller =
  | { readonly kind: 'popup' }
  | {
      readonly kind: 'content';
      readonly origin: string;
      readonly tabId: number;
      readonly documentId?: string;
    };

/** Fields Chromium and Firefox send that the types of the polyfill do not know yet. */
interface Sender extends Runtime.MessageSender {
  readonly origin?: string;
  readonly documentId?: string;
}

/** The caller, or undefined for anyone who may not ask anything. */
export function callerOf(sender: Runtime.MessageSender | undefined): Caller | undefined {
  const from: Sender | undefined = sender;
  if (from === undefined || from.id !== browser.runtime.id) return undefined;
  // Not `URL.origin`: an engine that does not know the scheme says "null", as sandboxed frames of any site do.
  const ownOrigin = browser.runtime.getURL('').replace(/\/$/, '');
  const { origin, tab, documentId } = from;
  if (origin === ownOrigin) return { kind: 'popup' };
  if (origin === undefined || !/^https?:/.test(origin) || tab?.id === undefined) return undefined;
  return {
    kind: 'content',
    origin,
    tabId: tab.id,
    ...(documentId !== undefined && { documentId }),
  };
}
