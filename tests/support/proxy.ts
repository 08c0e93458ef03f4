// A TCP proxy between browser and server whose connections can be cut, because the browser's own offline switch leaves
// open WebSockets alone.
import { connect, createServer, type Socket } from 'node:net';
import { portOf } from './ports';

export interface Proxy {
  readonly port: number;
  /** Breaks every connection, as a lost network does; new ones are refused until `mend`. */
  cut(): void;
  mend(): void;
  /** How many connections were carried so far. */
  count(): number;
  stop(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<Proxy> {
  const open = new Set<Socket>();
  let isCut = false;
  let carried = 0;
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.once('error', () => socket.destroy());
  };
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    carried += 1;
    const far = connect({ port: targetPort, host: '127.0.0.1' });
    keep(near);
    keep(far);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroy());
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const breakAll = () => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    port: portOf(server),
    cut: () => {
      isCut = true;
      breakAll();
    },
    mend: () => {
      isCut = false;
    },
    count: () => carried,
    stop: () =>
      new Promise((resolve) => {
        breakAll();
        server.close(() => resolve());
      }),
  };
}
