// A small XMPP client over plain TCP: sends any stanza, so that tests can play a broken or hostile other side.
import { connect, type Socket } from 'node:net';
import { DOMParser, type Element } from '@xmldom/xmldom';
import { until } from './wait';

export interface RawClient {
  /** Full JID as bound. */
  readonly jid: string;
  /** Every stanza received, oldest first. */
  readonly stanzas: readonly Element[];
  send(xml: string): void;
  /** Sends an IQ with this content and answers the reply, also an error. */
  request(type: 'get' | 'set', content: string, to?: string): Promise<Element>;
  wait(what: string, wanted: (stanza: Element) => boolean, timeoutMs?: number): Promise<Element>;
  close(): Promise<void>;
}

/** Cuts a stream of text into complete elements below the stream's root. Servers send no comments or CDATA. */
export function stanzaSplitter(onStanza: (xml: string) => void): (text: string) => void {
  let buffer = '';
  let depth = 0;
  let start = 0;
  let position = 0;
  return (text) => {
    buffer += text;
    for (;;) {
      const open = buffer.indexOf('<', position);
      const close = open < 0 ? -1 : buffer.indexOf('>', open);
      if (close < 0) return;
      const tag = buffer.slice(open, close + 1);
      position = close + 1;
      if (tag.startsWith('<?') || tag.startsWith('<stream:stream')) {
        start = position;
        continue;
      }
      if (tag.startsWith('</stream:stream')) return;
      if (depth === 0) start = open;
      if (tag.startsWith('</')) depth -= 1;
      else if (!tag.endsWith('/>')) depth += 1;
      if (depth > 0) continue;
      onStanza(buffer.slice(start, position));
      buffer = buffer.slice(position);
      position = 0;
    }
  };
}

function parse(xml: string): Element {
  // The prefix of the stream's root is declared there, and not again in each element.
  const framed = xml.replace(
    /^<(stream:[a-z]+)/,
    "<$1 xmlns:stream='http://etherx.jabber.org/streams'",
  );
  const root = new DOMParser().parseFromString(framed, 'text/xml').documentElement;
  if (root === null) throw new Error('no element');
  return root;
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Logs in with PLAIN on an unencrypted stream, binds a resource and sends presence. */
export async function connectRaw(input: {
  port: number;
  jid: string;
  password: string;
  resource?: string;
}): Promise<RawClient> {
  const { port, jid, password, resource = 'raw' } = input;
  const [name = '', domain = ''] = jid.split('@');
  const socket = await open(port);
  socket.setEncoding('utf8');
  const stanzas: Element[] = [];
  const split = stanzaSplitter((xml) => stanzas.push(parse(xml)));
  socket.on('data', (text) => split(String(text)));
  socket.on('error', () => socket.destroy());

  let used = 0;
  const wait = (what: string, wanted: (stanza: Element) => boolean, timeoutMs = 15_000) =>
    until(`${what} at ${jid}`, () => stanzas.find(wanted), { timeoutMs });
  const next = async (localName: string) => {
    const found = await until(`<${localName}/> at ${jid}`, () =>
      stanzas.slice(used).find((stanza) => stanza.localName === localName),
    );
    used = stanzas.indexOf(found) + 1;
    return found;
  };
  const header = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${domain}' version='1.0'>`;

  socket.write(header);
  await next('features');
  const credentials = Buffer.from(`\0${name}\0${password}`).toString('base64');
  socket.write(
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${credentials}</auth>`,
  );
  await next('success');
  socket.write(header);
  await next('features');

  let count = 0;
  const request = (type: 'get' | 'set', content: string, to?: string) => {
    count += 1;
    const id = `raw-${count}`;
    const address = to === undefined ? '' : ` to='${to}'`;
    socket.write(`<iq type='${type}' id='${id}'${address}>${content}</iq>`);
    return wait(
      `the answer to ${id}`,
      (stanza) =>
        stanza.localName === 'iq' &&
        stanza.getAttribute('id') === id &&
        ['result', 'error'].includes(stanza.getAttribute('type') ?? ''),
    );
  };
  const bound = await request(
    'set',
    `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind>`,
  );
  const full = bound.getElementsByTagName('jid').item(0)?.textContent ?? '';
  socket.write('<presence/>');
  return {
    jid: full,
    stanzas,
    send: (xml) => {
      socket.write(xml);
    },
    request,
    wait,
    close: () =>
      new Promise((resolve) => {
        socket.once('close', () => resolve());
        socket.end('</stream:stream>');
        setTimeout(() => socket.destroy(), 500).unref();
      }),
  };
}
