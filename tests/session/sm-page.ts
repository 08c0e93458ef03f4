// A page that uses stream management as XEP-0198 says, over one connection after the other, and complains about numbers
// that cannot be.
import { parseFrame } from '../../src/xml/element';
import { NS } from '../../src/xml/ns';
import { until, type Connection } from './stream-world';

function isStanza(text: string): boolean {
  return /^<(?:message|presence|iq)[\s/>]/.test(text);
}

/** How it logs in: with Bind 2, enabling and resuming stand inside `<authenticate/>` (I-34). */
export type Login = 'bind' | 'bind 2';

const authenticate = (content: string): string =>
  `<authenticate xmlns='${NS.sasl2}' mechanism='PLAIN'>${content}</authenticate>`;

/** One page of a web client. */
export class SmPage {
  /** Stanzas it got, over all connections. */
  readonly received: string[] = [];
  readonly complaints: string[] = [];
  /** Sent and not acknowledged. */
  unacked: string[] = [];
  /** Was the last resumption refused. */
  isResumeRefused = false;
  #handled = 0;
  #acked = 0;
  #isCounting = false;
  #isReady = false;
  #connection: Connection | undefined;

  get connection(): Connection {
    if (this.#connection === undefined) throw new Error('no connection');
    return this.#connection;
  }

  /** A new stream, bound and counted. */
  async begin(connection: Connection, login: Login = 'bind'): Promise<void> {
    this.#use(connection);
    this.#isCounting = false;
    if (login === 'bind') await connection.bind();
    await this.enable(login);
  }

  async enable(login: Login = 'bind'): Promise<void> {
    const waiting = this.unacked;
    this.unacked = [];
    this.isResumeRefused = false;
    const enable = `<enable xmlns='${NS.sm}' resume='true'/>`;
    const bind = `<bind xmlns='${NS.bind2}'>${enable}</bind>`;
    this.connection.send(login === 'bind' ? enable : authenticate(bind));
    this.#isCounting = true;
    this.#acked = 0;
    await until(() => this.#isReady, 'enabling');
    waiting.forEach((text) => this.send(text));
  }

  /** The stream of before on a new socket. */
  async resume(connection: Connection, login: Login = 'bind'): Promise<void> {
    this.#use(connection);
    const resume = `<resume xmlns='${NS.sm}' previd='sm-1' h='${this.#handled}'/>`;
    connection.send(login === 'bind' ? resume : authenticate(resume));
    await until(() => this.#isReady || this.isResumeRefused, 'resuming');
  }

  #use(connection: Connection): void {
    this.#connection = connection;
    this.#isReady = false;
    connection.onPage = (text) => this.#receive(connection, text);
  }

  send(text: string): void {
    if (this.#isCounting && isStanza(text)) this.unacked.push(text);
    this.connection.send(text);
  }

  /** Asks the server for its number. */
  ask(): void {
    this.connection.send(`<r xmlns='${NS.sm}'/>`);
  }

  #receive(connection: Connection, text: string): void {
    if (connection !== this.#connection) return;
    if (isStanza(text)) {
      this.#handled += 1;
      this.received.push(text);
      return;
    }
    const root = parseFrame(text);
    const inner = ['enabled', 'resumed'].flatMap((name) => [
      ...Array.from(root.getElementsByTagNameNS(NS.sm, name)),
    ]);
    const frame = root.localName === 'success' ? (inner[0] ?? root) : root;
    const h = Number(frame.getAttribute('h'));
    if (frame.localName === 'r') connection.send(`<a xmlns='${NS.sm}' h='${this.#handled}'/>`);
    if (frame.localName === 'a') this.#confirm(h);
    if (frame.localName === 'failed') this.isResumeRefused = true;
    if (frame.localName === 'enabled') this.#handled = 0;
    if (frame.localName === 'enabled' || frame.localName === 'resumed') this.#isReady = true;
    if (frame.localName !== 'resumed') return;
    this.#confirm(h);
    this.unacked.forEach((waiting) => connection.send(waiting));
  }

  #confirm(h: number): void {
    const newly = h - this.#acked;
    if (!(newly >= 0 && newly <= this.unacked.length)) {
      this.complaints.push(`h=${h} after ${this.#acked} of ${this.unacked.length} more`);
    }
    this.unacked.splice(0, newly);
    this.#acked = h;
  }
}
