// Stand-in for the browser's WebSocket: brand checks, states and events of the native, driven by the test. Real sockets
// in a real browser are covered by the end to end tests.
const trusted = new WeakSet<Event>();

/** What `event.isTrusted` would be in a browser: only while the browser itself dispatches. */
export const isTrusted = (event: Event): boolean => trusted.has(event);

export class FakeCloseEvent extends Event {
  readonly #init: CloseEventInit;
  constructor(type: string, init: CloseEventInit = {}) {
    super(type);
    this.#init = init;
  }
  get code(): number {
    return this.#init.code ?? 0;
  }
  get reason(): string {
    return this.#init.reason ?? '';
  }
  get wasClean(): boolean {
    return this.#init.wasClean ?? false;
  }
}

export class FakeSocket extends EventTarget {
  readonly #url: string;
  #state = 0;
  #protocol = '';
  readonly sent: unknown[] = [];
  readonly closed: unknown[][] = [];

  constructor(url: string, _protocols?: unknown) {
    super();
    this.#url = url;
  }
  get url(): string {
    return this.#url;
  }
  get protocol(): string {
    return this.#protocol;
  }
  get readyState(): number {
    return this.#state;
  }
  get bufferedAmount(): number {
    void this.#state;
    return 0;
  }
  send(data: unknown): void {
    if (this.#state === 0)
      throw new DOMException('Still in CONNECTING state.', 'InvalidStateError');
    if (typeof data === 'symbol') throw new TypeError('native: no conversion');
    if (this.#state === 1) this.sent.push(data);
  }
  close(...args: unknown[]): void {
    const state = this.#state;
    const [code] = args;
    if (code !== undefined && code !== 1000 && !(Number(code) >= 3000 && Number(code) <= 4999)) {
      throw new DOMException('The close code is wrong.', 'InvalidAccessError');
    }
    if (state > 1) return;
    this.closed.push(args);
    this.#state = 2;
  }

  emit(event: Event): void {
    trusted.add(event);
    this.dispatchEvent(event);
    trusted.delete(event);
  }
  accept(protocol: string): void {
    this.#protocol = protocol;
    this.#state = 1;
    this.emit(new Event('open'));
  }
  receive(data: unknown): void {
    this.emit(new MessageEvent('message', { data, origin: 'wss://xmpp.example.org' }));
  }
  end(code = 1006): void {
    this.#state = 3;
    if (code === 1006) this.emit(new Event('error'));
    this.emit(new FakeCloseEvent('close', { code, reason: 'bye', wasClean: code === 1000 }));
  }
}
