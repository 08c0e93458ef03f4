// A private Prosody on loopback, in a folder of its own, with a log of everything it saw. Needs prosody and openssl.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeCertificates } from './certificates';
import { startChild, type Child } from './child';
import { freePorts, isListening } from './ports';
import { prosodyConfig, type ProsodySettings } from './prosody-config';
import type { ServerPorts, TestServer } from './server';
import { tempFolder } from './temp';
import { until } from './wait';
import { WireLog } from './wire';

const MODULES = path.join(import.meta.dirname, 'prosody_modules');
/** Where Debian's prosody-modules package puts the community's modules. */
const COMMUNITY_MODULES = '/usr/lib/prosody/modules';
const START_MS = 30_000;

/** The file name under which Prosody's internal storage keeps a host or user. */
function storeName(name: string): string {
  return name.replace(
    /[^A-Za-z0-9]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function luaString(text: string): string {
  return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`;
}

/** What Prosody logs when a stream breaks for more than a lost connection, or a module fails. */
const STREAM_ERROR =
  /<stream:error>|not-well-formed|invalid XML|Traceback|\terror\t|The client says it handled/;
/** What a restart of the server tells every client. */
const SHUTDOWN = /system-shutdown/;

function streamErrorLines(log: string): string[] {
  return log.split('\n').filter((line) => STREAM_ERROR.test(line) && !SHUTDOWN.test(line));
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).status === 200;
  } catch {
    return false; // not listening yet: asked again until the deadline
  }
}

export async function startProsody(options: Partial<ProsodySettings> = {}): Promise<TestServer> {
  const settings: ProsodySettings = {
    domain: 'omnemo.test',
    legacyHints: false,
    resumeSeconds: 120,
    extraModules: [],
    ...options,
  };
  const { domain } = settings;
  const temp = tempFolder('prosody');
  const inFolder = (...parts: string[]) => path.join(temp.path, ...parts);
  const [xmpp = 0, xmpps = 0, http = 0, https = 0] = await freePorts(4);
  const ports: ServerPorts = { xmpp, xmpps, http, https };
  const logFile = inFolder('prosody.log');
  const wireFile = inFolder('wire.jsonl');

  mkdirSync(inFolder('data'));
  writeFileSync(wireFile, '');
  const certificates = makeCertificates(inFolder('certs'), domain);
  writeFileSync(
    inFolder('prosody.cfg.lua'),
    prosodyConfig(
      {
        modules: [MODULES, ...(existsSync(COMMUNITY_MODULES) ? [COMMUNITY_MODULES] : [])],
        data: inFolder('data'),
        pid: inFolder('prosody.pid'),
        adminSocket: inFolder('admin.sock'),
        log: logFile,
        wire: wireFile,
        certificates: inFolder('certs'),
        certificate: certificates.certificate,
        key: certificates.key,
      },
      ports,
      settings,
    ),
  );

  let child: Child | undefined;
  const start = async () => {
    const started = startChild('prosody', ['-F', '--config', inFolder('prosody.cfg.lua')], {
      cwd: temp.path,
      output: inFolder('prosody.out'),
    });
    child = started;
    const listens = async () => {
      if (!started.isRunning())
        throw new Error(`prosody ended at once: ${readFileSync(inFolder('prosody.out'), 'utf8')}`);
      // Ports open while modules still load; once it answers, everything is there.
      return (await isListening(xmpps)) && (await answers(server.boshUrl));
    };
    await until(`prosody on ports ${Object.values(ports).join(', ')}`, listens, {
      timeoutMs: START_MS,
    });
  };
  const jid = (name: string) => `${name}@${domain}`;
  const store = (kind: string, name: string, text: string) => {
    const folder = inFolder('data', storeName(domain), kind);
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, `${storeName(name)}.dat`);
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  };

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
    addAccount: async (name, password) => {
      store('accounts', name, `return { ["password"] = ${luaString(password)}; };\n`);
      return jid(name);
    },
    befriend: async (...names) => {
      for (const name of names) {
        const items = names
          .filter((other) => other !== name)
          .map(
            (other) =>
              `\t[${luaString(jid(other))}] = { ["subscription"] = "both"; ["name"] = ${luaString(other)}; ["groups"] = {}; };`,
          );
        const head = '\t[false] = { ["version"] = 1; ["pending"] = {}; };';
        store('roster', name, ['return {', head, ...items, '};', ''].join('\n'));
      }
    },
    leaks: (text, from) => wire.leaks(text, from),
    streamErrors: () => streamErrorLines(readFileSync(logFile, 'utf8')),
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
