// A private ejabberd on loopback, in a folder of its own, with a log of everything it saw. Needs ejabberd, as Debian packages
// it, and openssl. Without a name of the Erlang node no epmd is started and nothing is shared with another ejabberd.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeCertificates } from './certificates';
import { startChild, type Child } from './child';
import { ejabberdConfig, type EjabberdSettings } from './ejabberd-config';
import { freePorts, isListening } from './ports';
import type { ServerPorts, TestServer } from './server';
import { tempFolder } from './temp';
import { until } from './wait';
import { WireLog } from './wire';

const WIRELOG = path.join(import.meta.dirname, 'ejabberd_modules', 'mod_wirelog.erl');
/** Debian's script for administrators, which knows where the package is. */
const CONTROL = '/usr/sbin/ejabberdctl';
const START_MS = 60_000;

/** What ejabberd logs when a module fails or a client is refused. */
const FAILURE = /\[(error|critical)\]|CRASH REPORT|Failed c2s/;
/** A stream error on the wire, unless it is what a stop of the server tells every client. */
const STREAM_ERROR = /^<stream:error(?!.*<system-shutdown)/;

function libraries(): string {
  const found = /^ERL_LIBS='([^']+)'/m.exec(readFileSync(CONTROL, 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${CONTROL} does not name the folder of ejabberd`);
  return found;
}

export async function startEjabberd(options: Partial<EjabberdSettings> = {}): Promise<TestServer> {
  const settings: EjabberdSettings = { domain: 'omnemo.test', resumeSeconds: 120, ...options };
  const { domain } = settings;
  const temp = tempFolder('ejabberd');
  const inFolder = (...parts: string[]) => path.join(temp.path, ...parts);
  const [xmpp = 0, xmpps = 0, http = 0, https = 0] = await freePorts(4);
  const ports: ServerPorts = { xmpp, xmpps, http, https };
  const wireFile = inFolder('wire.jsonl');
  const logFile = inFolder('ejabberd.log');
  const outputFile = inFolder('ejabberd.out');

  mkdirSync(inFolder('beam'));
  writeFileSync(wireFile, '');
  const certificates = makeCertificates(inFolder('certs'), domain);
  const { certificate, key } = certificates;
  const config = ejabberdConfig({ wire: wireFile, certificate, key }, ports, settings);
  writeFileSync(inFolder('ejabberd.yml'), config);
  const env = {
    ...process.env,
    HOME: temp.path,
    ERL_LIBS: libraries(),
    ERL_CRASH_DUMP: inFolder('crash.dump'),
    EJABBERD_CONFIG_PATH: inFolder('ejabberd.yml'),
    EJABBERD_LOG_PATH: logFile,
  };
  execFileSync('erlc', ['-o', inFolder('beam'), WIRELOG], { env, stdio: 'pipe' });

  let child: Child | undefined;
  const start = async () => {
    const args = ['-noinput', '-pa', inFolder('beam'), '-mnesia', 'dir', `"${inFolder('data')}"`];
    const started = startChild('erl', [...args, '-s', 'ejabberd'], {
      cwd: temp.path,
      output: outputFile,
      env,
    });
    child = started;
    const listens = async () => {
      if (!started.isRunning())
        throw new Error(`ejabberd ended at once: ${readFileSync(outputFile, 'utf8')}`);
      const open = await Promise.all(Object.values(ports).map(isListening));
      return open.every((isOpen) => isOpen);
    };
    await until(`ejabberd on ports ${Object.values(ports).join(', ')}`, listens, {
      timeoutMs: START_MS,
    });
  };
  const command = async (name: string, input: Record<string, string>) => {
    const url = `http://127.0.0.1:${http}/api/${name}`;
    const reply = await fetch(url, { method: 'POST', body: JSON.stringify(input) });
    const text = await reply.text();
    if (reply.status !== 200) throw new Error(`ejabberd: ${name} failed: ${text}`);
    return text;
  };
  const jid = (name: string) => `${name}@${domain}`;

  const wire = new WireLog(wireFile);
  const server: TestServer = {
    domain,
    host: '127.0.0.1',
    ports,
    folder: temp.path,
    caFile: certificates.ca,
    websocketUrl: `ws://127.0.0.1:${http}/xmpp-websocket`,
    boshUrl: `http://127.0.0.1:${http}/http-bind`,
    wire,
    jid,
    addAccount: async (user, password) => {
      const isKnown = (await command('check_account', { user, host: domain })) === '0';
      if (isKnown) await command('change_password', { user, host: domain, newpass: password });
      else await command('register', { user, host: domain, password });
      return jid(user);
    },
    befriend: async (...names) => {
      const hosts = { localhost: domain, host: domain };
      const rest = { group: '', subs: 'both' };
      for (const localuser of names)
        for (const user of names.filter((name) => name !== localuser))
          await command('add_rosteritem', { ...hosts, ...rest, localuser, user, nick: user });
    },
    leaks: (text, from) => wire.leaks(text, from),
    streamErrors: () => [
      ...readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => FAILURE.test(line)),
      ...wire.records().flatMap(({ xml }) => (STREAM_ERROR.test(xml) ? [xml] : [])),
    ],
    restart: async () => {
      await child?.stop();
      await start();
    },
    stop: async () => {
      await child?.stop();
      temp.remove();
    },
  };
  try {
    await start();
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}
