// XMPP in a worker is out of our reach (I-12, M15): a shared worker whose name gives it away, and any worker that the page
// hands the opening of a stream, is refused with an error the page can show. Workers of other kinds work as ever.
import type { HookChannel } from './channel';
import {
  apply,
  construct,
  createTable,
  disguise,
  isArray,
  matchIn,
  replaceMethod,
  replaceValue,
  type Instead,
  type Natives,
} from './natives';

/** The error a page gets, and may show. */
export const IN_WORKER = 'Omnemo cannot encrypt an XMPP connection in a worker. It was refused.';

/** Strophe, and with it Converse, calls its shared worker "Strophe XMPP Connection". */
const NAME = /(xmpp)/i;
/** The last part of the path; hosts and folders are often called so. */
const SCRIPT = /(?:^|\/)[^/?#]*(xmpp|strophe|shared-connection-worker)[^/?#]*(?:[?#]|$)/i;
/** RFC 7395 §3.3, RFC 6120 §4.2, XEP-0124 §7. */
const OPENING = /^\s*<(open|stream:stream|body)[\s/>]/;
const NAMESPACE =
  /(urn:ietf:params:xml:ns:xmpp-framing|http:\/\/etherx\.jabber\.org\/streams|http:\/\/jabber\.org\/protocol\/httpbind)/;
/** Strophe posts `['send', frame]`. */
const MAX_DEPTH = 3;

/** Is the opening of a stream in what is posted? Only texts and arrays are looked at: reading more could be seen. */
function hasOpening(value: unknown, depth: number): boolean {
  if (typeof value === 'string') {
    return matchIn(OPENING, value) !== undefined && matchIn(NAMESPACE, value) !== undefined;
  }
  if (depth === 0 || !isArray(value)) return false;
  for (let index = 0; index < value.length; index++) {
    if (hasOpening(value[index], depth - 1)) return true;
  }
  return false;
}

function matches(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && matchIn(pattern, value) !== undefined;
}

/** Puts the hook in place. Must run before any script of the page. */
export function installWorkers(
  scope: typeof globalThis,
  natives: Natives,
  channel: HookChannel,
): void {
  /** Whom the page tried to give a stream: nothing more of it gets there. */
  const refused = createTable<true>();
  /** Ports of shared workers; what the page does with others is its own affair. */
  const ports = createTable<true>();
  let count = 0;

  const refuse = (): never => {
    channel.post({ t: 'worker', s: ++count });
    throw natives.notSupported(IN_WORKER);
  };
  const guard =
    (isGuarded: (self: unknown) => boolean): Instead =>
    (native, self, args) => {
      if (!isGuarded(self)) return apply(native, self, args);
      if (refused.get(self) === undefined && !hasOpening(args[0], MAX_DEPTH)) {
        return apply(native, self, args);
      }
      if (typeof self === 'object' && self !== null) refused.set(self, true);
      return refuse();
    };

  const { Worker, SharedWorker } = natives;
  if (Worker !== undefined)
    replaceMethod(
      Worker.prototype,
      'postMessage',
      guard(() => true),
    );
  if (SharedWorker === undefined) return;
  const isPort = (self: unknown) => ports.get(self) !== undefined;
  replaceMethod(scope.MessagePort.prototype, 'postMessage', guard(isPort));
  const replacement = disguise(SharedWorker, {
    construct: (native, args, newTarget) => {
      if (matches(SCRIPT, args[0]) || matches(NAME, args[1])) return refuse();
      const worker: object = construct(native, args, newTarget);
      ports.set(natives.portOf(worker), true);
      return worker;
    },
  });
  replaceValue(SharedWorker.prototype, 'constructor', replacement);
  replaceValue(scope, 'SharedWorker', replacement);
}
