// Runs one real OMEMO client or library and talks JSON lines with the driver in front of it.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { forgetPid, notePid } from '../support/pids';
import type { TestServer } from '../support/server';
import { tempFolder } from '../support/temp';
import { until } from '../support/wait';
import { startConversePeer } from './converse-peer';
import { commandOf, type PeerKind } from './kinds';

export interface PeerMessage {
  readonly sender: string;
  readonly text: string;
  /** Whether the client itself says that it came encrypted. */
  readonly encrypted: boolean;
}

export interface Peer {
  readonly jid: string;
  /** 64 lower-case hex digits. */
  readonly fingerprint: string;
  /** Everything received since the first start, oldest first. */
  readonly messages: readonly PeerMessage[];
  /** What the client could not open. */
  readonly failures: readonly string[];
  /** Sends an encrypted message; ends when the client has handed it to its stream. */
  send(to: string, text: string): Promise<void>;
  /** Waits until the client has received this text. */
  receives(from: string, text: string): Promise<PeerMessage>;
  /** Fingerprints the client knows of a contact. */
  fingerprints(jid: string): Promise<readonly string[]>;
  /** Logs out and ends the client. */
  goOffline(): Promise<void>;
  /** Starts the client again on its folder, with the same device. */
  goOnline(): Promise<void>;
  /** Starts the same client once more for the same account, with a folder and so a device of its own. */
  startAnotherDevice(): Promise<Peer>;
  stop(): Promise<void>;
}

interface Line {
  readonly [key: string]: unknown;
}

type Driver = ChildProcessWithoutNullStreams;

interface Running {
  readonly process: Driver;
  readonly ended: Promise<void>;
  ask(action: string, details: object): Promise<Line>;
}

/** Making its keys freezes Profanity for seconds, on a loaded machine for longer. */
const START_MS = 200_000;
const RECEIVE_MS = 40_000;
const GRACE_MS = 15_000;

const alive = new Set<Driver>();
// Before the folders of the run are removed.
process.prependOnceListener('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

function parse(line: string): Line {
  const value: unknown = JSON.parse(line);
  return typeof value === 'object' && value !== null
    ? Object.fromEntries(Object.entries(value))
    : {};
}

function launch(
  kind: PeerKind,
  settings: {
    command: readonly [string, ...string[]];
    args: readonly string[];
    password: string;
    log: string;
  },
  onEvent: (event: Line) => void,
): Running {
  const [program, ...args] = settings.command;
  const child = spawn(program, [...args, ...settings.args], {
    // A group of its own: Ctrl-C reaches the script that started it, which then stops it in order.
    detached: true,
    env: { ...process.env, PEER_PASSWORD: settings.password },
  });
  alive.add(child);
  notePid(child.pid, args.at(-1) ?? program);
  child.stderr.pipe(createWriteStream(settings.log, { flags: 'a' }));
  const waiting = new Map<number, { resolve(answer: Line): void; reject(error: Error): void }>();
  const ended = new Promise<void>((resolve) => {
    const done = () => {
      alive.delete(child);
      forgetPid(child.pid);
      for (const { reject } of waiting.values()) reject(new Error(`${kind} has ended`));
      resolve();
    };
    // With the last lines read.
    child.once('close', done);
    child.once('error', done);
  });
  // Writing to a client that just ended: the request is refused by its end.
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parse(text);
    const { id, ok, error } = line;
    if (typeof id !== 'number') return onEvent(line);
    const request = waiting.get(id);
    waiting.delete(id);
    if (ok === true) request?.resolve(line);
    else request?.reject(new Error(`${kind}: ${String(error)}`));
  });
  let lastId = 0;
  return {
    process: child,
    ended,
    ask: (action, details) =>
      new Promise((resolve, reject) => {
        if (!alive.has(child)) return reject(new Error(`${kind} is not running`));
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        child.stdin.write(`${JSON.stringify({ id, do: action, ...details })}\n`);
      }),
  };
}

/** Starts a client for an account of the server; ends when its device is published. */
export async function startPeer(
  kind: PeerKind,
  server: TestServer,
  account: { name: string; password: string },
): Promise<Peer> {
  if (kind === 'converse') return startConversePeer(server, account);
  const command = await commandOf(kind);
  const temp = tempFolder(kind);
  const folder = path.join(temp.path, 'home');
  mkdirSync(folder);
  const log = path.join(temp.path, 'driver.log');
  const jid = server.jid(account.name);
  const args = ['--jid', jid, '--port', String(server.ports.xmpp)];
  args.push('--folder', folder, '--ca', server.caFile);
  const messages: PeerMessage[] = [];
  const times: number[] = [];
  const failures: string[] = [];
  let fingerprint = '';
  let isReady = false;
  let running: Running | undefined;
  /** In the order of their times, where the client has such, for it may tell of an archive in any. */
  const add = (at: unknown, message: PeerMessage) => {
    const time = typeof at === 'number' ? at : Infinity;
    const later = times.findIndex((each) => each > time);
    const index = later < 0 ? times.length : later;
    times.splice(index, 0, time);
    messages.splice(index, 0, message);
  };
  const logEnd = () =>
    [log, path.join(folder, 'profanity.log')]
      .filter(existsSync)
      .map((file) => readFileSync(file, 'utf8').slice(-3000))
      .join('\n');

  const goOnline = async () => {
    isReady = false;
    let failure: string | undefined;
    const started = launch(kind, { command, args, password: account.password, log }, (event) => {
      if (event['event'] === 'message')
        add(event['at'], {
          sender: String(event['sender']),
          text: String(event['text']),
          encrypted: event['encrypted'] === true,
        });
      else if (event['event'] === 'undecrypted') failures.push(String(event['error']));
      else if (event['event'] === 'failed') failure = String(event['why']);
      else if (event['event'] === 'ready') {
        fingerprint = String(event['fingerprint']);
        isReady = true;
      }
    });
    running = started;
    const hasStarted = () => {
      if (failure !== undefined || !alive.has(started.process))
        throw new Error(`${kind} did not start: ${failure ?? ''}\n${logEnd()}`);
      return isReady;
    };
    await until(`${kind} to be ready`, hasStarted, { timeoutMs: START_MS });
  };
  const goOffline = async () => {
    const stopping = running;
    running = undefined;
    if (stopping === undefined) return;
    // The end of its input is the order to log out; in the middle of a start it would not be heard.
    if (isReady) stopping.process.stdin.end();
    else stopping.process.kill('SIGTERM');
    const timer = setTimeout(() => stopping.process.kill('SIGKILL'), GRACE_MS);
    await stopping.ended;
    clearTimeout(timer);
  };
  const ask = (action: string, details: object): Promise<Line> => {
    if (running === undefined) throw new Error(`${kind} is offline`);
    return running.ask(action, details);
  };
  const stop = async () => {
    await goOffline();
    temp.remove();
  };
  try {
    await goOnline();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    jid,
    get fingerprint() {
      return fingerprint;
    },
    messages,
    failures,
    send: async (to, text) => {
      await ask('send', { to, text });
    },
    receives: async (from, text) => {
      const find = () =>
        messages.find((message) => message.sender === from && message.text === text);
      try {
        return await until(`${kind} to receive "${text}"`, find, { timeoutMs: RECEIVE_MS });
      } catch (cause) {
        const why = failures.length > 0 ? `it could not open: ${failures.join('; ')}` : logEnd();
        throw new Error(`${kind} did not receive "${text}": ${why}`, { cause });
      }
    },
    fingerprints: async (contact) => {
      const { fingerprints } = await ask('fingerprints', { jid: contact });
      return Array.isArray(fingerprints) ? fingerprints.map(String) : [];
    },
    goOffline,
    goOnline,
    startAnotherDevice: () => startPeer(kind, server, account),
    stop,
  };
}
