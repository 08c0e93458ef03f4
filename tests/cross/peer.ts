// A peer library behind a driver of ours (tests/cross/peers): one JSON request per line, one answer per line, in order.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { forgetPid, notePid } from '../support/pids';
import type { Facts } from './facts';
import { bytesOf, hexOf } from './hex';
import type { Side, WireBundle, WireKey } from './side';

export interface PeerKind {
  readonly name: string;
  readonly facts: Facts;
  /** Builds what must be built and answers the command; version and seed are appended. */
  command(): readonly string[];
}

type Line = Readonly<Record<string, unknown>>;

interface Driver {
  ask(action: string, details?: object): Promise<Line>;
  stop(): Promise<void>;
}

const alive = new Set<ChildProcessWithoutNullStreams>();
process.prependOnceListener('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

function parse(line: string): Line {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new TypeError('answer: want an object');
  return Object.fromEntries(Object.entries(value));
}

/** Starts a driver. It ends with the end of its input. */
function launch(command: readonly string[]): Driver {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { detached: true });
  alive.add(child);
  notePid(child.pid, args.at(-1) ?? program);
  const waiting: { resolve(line: Line): void; reject(error: Error): void }[] = [];
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors = (errors + data.toString()).slice(-4000);
  });
  const ended = new Promise<void>((resolve) => {
    const done = (why: string) => {
      alive.delete(child);
      forgetPid(child.pid);
      const error = new Error(`${program} has ended (${why}): ${errors}`);
      for (const { reject } of waiting.splice(0)) reject(error);
      resolve();
    };
    child.once('close', (code) => done(`exit code ${code}`));
    child.once('error', (error) => done(error.message));
  });
  // Writing to a driver that just ended: the request is refused by its end.
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    waiting.shift()?.resolve(parse(line));
  });
  return {
    ask: (action, details = {}) =>
      new Promise((resolve, reject) => {
        if (!alive.has(child)) return reject(new Error(`${program} is not running: ${errors}`));
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify({ do: action, ...details })}\n`);
      }),
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function text(line: Line, name: string): string {
  const value = line[name];
  if (typeof value !== 'string') throw new TypeError(`${name}: want a string`);
  return value;
}

function number(line: Line, name: string): number {
  const value = line[name];
  if (typeof value !== 'number') throw new TypeError(`${name}: want a number`);
  return value;
}

function list(line: Line, name: string): readonly unknown[] {
  const value = line[name];
  if (!Array.isArray(value)) throw new TypeError(`${name}: want a list`);
  return value;
}

function readBundle(line: Line): WireBundle {
  return {
    identityKey: bytesOf(text(line, 'identityKey')),
    signedPrekey: {
      id: number(line, 'signedPrekeyId'),
      key: bytesOf(text(line, 'signedPrekey')),
      signature: bytesOf(text(line, 'signature')),
    },
    prekeys: list(line, 'prekeys').map((item) => {
      const prekey = Object.fromEntries(Object.entries(item ?? {}));
      return { id: number(prekey, 'id'), key: bytesOf(text(prekey, 'key')) };
    }),
  };
}

function writeBundle({ identityKey, signedPrekey, prekeys }: WireBundle): object {
  return {
    identityKey: hexOf(identityKey),
    signedPrekeyId: signedPrekey.id,
    signedPrekey: hexOf(signedPrekey.key),
    signature: hexOf(signedPrekey.signature),
    prekeys: prekeys.map(({ id, key }) => ({ id, key: hexOf(key) })),
  };
}

function readKey(line: Line): WireKey {
  return { bytes: bytesOf(text(line, 'bytes')), isKeyExchange: line['isKeyExchange'] === true };
}

/**
 * A fresh device of a peer, which knows the bundle of `other` as a client does before it opens anything. The seed fixes its
 * keys where the library takes its randomness from the driver.
 */
export async function startPeer(kind: PeerKind, other: Side, seed: number): Promise<Side> {
  const { version } = other;
  const command = kind.command();
  let processes = 0;
  const next = () => launch([...command, version, `${seed}.${processes++}`]);
  let driver = next();
  await driver.ask('create', writeBundle(await other.bundle()));
  const save = async () => (await driver.ask('save'))['state'];
  return {
    name: kind.name,
    version,
    facts: kind.facts,
    bundle: async () => readBundle(await driver.ask('bundle')),
    start: async (bundle, keyMaterial) => {
      const details = { ...writeBundle(bundle), keyMaterial: hexOf(keyMaterial) };
      return readKey(await driver.ask('start', details));
    },
    encrypt: async (keyMaterial) =>
      readKey(await driver.ask('encrypt', { keyMaterial: hexOf(keyMaterial) })),
    decrypt: async ({ bytes, isKeyExchange }) => {
      const answer = await driver.ask('decrypt', { bytes: hexOf(bytes), isKeyExchange });
      return answer['refused'] === undefined
        ? { kind: 'opened', keyMaterial: bytesOf(text(answer, 'keyMaterial')) }
        : { kind: 'refused', code: text(answer, 'refused') };
    },
    rotate: async () => {
      await driver.ask('rotate');
    },
    sessions: async () => list(await driver.ask('sessions'), 'sessions').map(String),
    save: async () => JSON.stringify(await save()),
    restart: async (inProcess) => {
      const state = await save();
      if (!inProcess) {
        await driver.stop();
        driver = next();
      }
      await driver.ask('restore', { state });
    },
    stop: () => driver.stop(),
  };
}
