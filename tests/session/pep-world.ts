// Requests of ours straight to a scripted server, without a page between. Import it first: it brings the DOM.
import '../support/dom';
import { newIdPrefix, OwnIqs } from '../../src/session/iq';
import { parseFrame } from '../../src/xml/element';
import { jid } from '../vault/world';
import { Server, type Make } from './server';

export const JULIET = jid('juliet@example.org');
export const ROMEO = jid('romeo@example.net');
export const LEGACY = 'eu.siacs.conversations.axolotl';
export const LIST_NODE = `${LEGACY}.devicelist`;

/** A server with a bound stream, and requests to it. */
export function connected(make: Make = 'prosody'): {
  readonly server: Server;
  readonly iqs: OwnIqs;
} {
  const server = new Server(JULIET, make);
  const send = (_id: string, text: string): void => queueMicrotask(() => server.receive(text));
  const iqs = new OwnIqs(newIdPrefix(), send, () => JULIET);
  server.receive(
    "<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
  );
  server.got.length = 0;
  server.push = (text) => void iqs.take(parseFrame(text));
  return { server, iqs };
}
