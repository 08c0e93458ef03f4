// An XMPP server of an attacker, over WebSocket: binds whoever it likes and sends what it likes. Nothing else is checked.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { portOf } from './ports';

export interface HostileServer {
  readonly url: string;
  /** `host:port`, as the extension names an endpoint. */
  readonly endpoint: string;
  /** Every text frame that arrived on any connection. */
  readonly got: readonly string[];
  /** The account the next log-in is told it has. */
  claims: string;
  /** To the newest connection. */
  push(text: string): void;
  stop(): Promise<void>;
}

// RFC 6455 §1.3 and §5.2
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const CLOSE = 8;

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly rest: Buffer;
}

/** One masked frame of a client; undefined until it is complete. */
function readFrame(buffer: Buffer): Frame | undefined {
  if (buffer.length < 6) return undefined;
  const short = buffer.readUInt8(1) & 127;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + extra + 4;
  if (buffer.length < start) return undefined;
  const length =
    extra === 0 ? short : extra === 2 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
  if (buffer.length < start + length) return undefined;
  const mask = buffer.subarray(start - 4, start);
  const payload = Buffer.from(buffer.subarray(start, start + length));
  payload.forEach((byte, index) => {
    payload[index] = byte ^ (mask[index % 4] ?? 0);
  });
  return {
    opcode: buffer.readUInt8(0) & 15,
    payload,
    rest: Buffer.from(buffer.subarray(start + length)),
  };
}

function writeFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
  head.writeUInt8(128 | opcode, 0);
  head.writeUInt8(length < 126 ? length : length < 65536 ? 126 : 127, 1);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}

const STREAMS = `xmlns:stream='http://etherx.jabber.org/streams'`;
const FRAMING = `xmlns='urn:ietf:params:xml:ns:xmpp-framing'`;

/** What this server answers to a frame of a client. */
function answersTo(frame: string, claims: string, count: number): readonly string[] {
  if (frame.startsWith('<open'))
    return [
      `<open ${FRAMING} from='evil.test' id='e${count}' version='1.0'/>`,
      `<stream:features ${STREAMS}><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>`,
    ];
  if (frame.startsWith('<auth')) return [`<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`];
  const id = /^<iq[^>]* id=["']([^"']*)/.exec(frame)?.[1];
  if (id === undefined) return [];
  const bound = frame.includes('xmpp-bind')
    ? `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>${claims}/r${count}</jid></bind>`
    : '';
  return [`<iq xmlns='jabber:client' type='result' id='${id}'>${bound}</iq>`];
}

export async function startHostileServer(): Promise<HostileServer> {
  const open = new Set<Duplex>();
  const got: string[] = [];
  let newest: Duplex | undefined;
  let count = 0;
  let claims = 'nobody@evil.test';
  const push = (text: string) => {
    newest?.write(writeFrame(TEXT, Buffer.from(text)));
  };
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    newest = socket;
    count += 1;
    const accept = createHash('sha1')
      .update(`${request.headers['sec-websocket-key']}${MAGIC}`)
      .digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n`,
    );
    let buffer: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk]);
      for (let frame = readFrame(buffer); frame !== undefined; frame = readFrame(buffer)) {
        buffer = frame.rest;
        if (frame.opcode === CLOSE) socket.end(writeFrame(CLOSE, frame.payload));
        if (frame.opcode !== TEXT) continue;
        const text = frame.payload.toString('utf8');
        got.push(text);
        for (const answer of answersTo(text, claims, count))
          socket.write(writeFrame(TEXT, Buffer.from(answer)));
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const endpoint = `127.0.0.1:${portOf(server)}`;
  return {
    url: `ws://${endpoint}/`,
    endpoint,
    got,
    get claims() {
      return claims;
    },
    set claims(jid) {
      claims = jid;
    },
    push,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
