// A WebSocket server that has nothing to do with XMPP: answers every short frame with the same frame.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { portOf } from './ports';

export interface Echo {
  readonly url: string;
  stop(): Promise<void>;
}

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CLOSE = 8;

/** Reads, and unmasks in place, one frame of less than 126 bytes (RFC 6455 §5.2); undefined until it is complete. */
function readFrame(buffer: Buffer): { opcode: number; payload: Buffer; rest: Buffer } | undefined {
  const [first = 0, second = 0] = buffer;
  const length = second & 127;
  if (buffer.length < 6 + length) return undefined;
  const mask = buffer.subarray(2, 6);
  const payload = buffer.subarray(6, 6 + length);
  for (let index = 0; index < length; index += 1)
    payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
  return { opcode: first & 15, payload, rest: buffer.subarray(6 + length) };
}

function serve(socket: Duplex): void {
  let buffer: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    const answers: Buffer[] = [];
    let isOver = false;
    for (let frame = readFrame(buffer); frame !== undefined; frame = readFrame(buffer)) {
      const { opcode, payload, rest } = frame;
      buffer = rest;
      answers.push(Buffer.of(128 | opcode, payload.length), payload);
      isOver ||= opcode === CLOSE;
    }
    // One write for all that came at once: bursts are long.
    if (answers.length > 0) socket.write(Buffer.concat(answers));
    if (isOver) socket.end();
  });
}

export async function startEcho(): Promise<Echo> {
  const open = new Set<Duplex>();
  const server = createServer();
  server.on('upgrade', (request, socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const key = request.headers['sec-websocket-key'] ?? '';
    const accept = createHash('sha1')
      .update(key + MAGIC)
      .digest('base64');
    const [protocol] = (request.headers['sec-websocket-protocol'] ?? '').split(',');
    socket.write(
      [
        ...['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'],
        `Sec-WebSocket-Accept: ${accept}`,
        ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol.trim()}`] : []),
        '\r\n',
      ].join('\r\n'),
    );
    serve(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `ws://127.0.0.1:${portOf(server)}/`,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
