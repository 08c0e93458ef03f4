// What the tests ask of an XMPP server, whichever it is: Prosody, or ejabberd where the run says so (OMNEMO_SERVER).
import { startEjabberd } from './ejabberd';
import { startProsody } from './prosody';
import type { WireLog, WireRecord } from './wire';

export interface ServerPorts {
  /** XMPP, STARTTLS offered, PLAIN without it allowed. */
  readonly xmpp: number;
  /** XMPP with TLS from the start. */
  readonly xmpps: number;
  /** WebSocket, BOSH, uploads. */
  readonly http: number;
  readonly https: number;
}

export interface TestServer {
  readonly domain: string;
  readonly host: '127.0.0.1';
  readonly ports: ServerPorts;
  readonly folder: string;
  /** Certificate of the CA that TLS clients must trust. */
  readonly caFile: string;
  readonly websocketUrl: string;
  readonly boshUrl: string;
  readonly wire: WireLog;
  jid(name: string): string;
  /** Creates or resets an account. Returns its JID. */
  addAccount(name: string, password: string): Promise<string>;
  /** Puts each on every other's roster, subscription both. Call it before the accounts log in. */
  befriend(...names: string[]): Promise<void>;
  leaks(text: string, from?: number): readonly WireRecord[];
  /** Lines of the server's log about broken streams, bad input or failures in modules. */
  streamErrors(): readonly string[];
  /** Stops and starts again on the same data and ports, as an outage would. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** True in the run that has ejabberd in the place of Prosody. */
export const IS_EJABBERD = process.env['OMNEMO_SERVER'] === 'ejabberd';

/** A fresh server without accounts. */
export function startServer(): Promise<TestServer> {
  return IS_EJABBERD ? startEjabberd() : startProsody();
}
