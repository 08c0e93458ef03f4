// What a page may replace in its own world before it opens a stream. Each runs as a script of the page, passes calls on, and
// notes what it is handed: `note(...things)` stands for sending it to the attacker.

/** Replaces functions of an object by ones that note `this` and the arguments. */
const WRAP = `
  const seen = [];
  const define = Object.defineProperty;
  const note = (...things) => { for (let i = 0; i < things.length; i++) define(seen, count++, { __proto__: null, value: things[i] }); };
  let count = 0;
  const wrap = (owner, names) => {
    for (const name of names) {
      const native = owner[name];
      Object.defineProperty(owner, name, {
        configurable: true, writable: true,
        value: function (...args) { note(this, ...args); return apply(native, this, args); },
      });
    }
  };
  const watchGetter = (owner, name) => {
    const { get } = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, {
      configurable: true,
      get() { const value = apply(get, this, []); note(this, value); return value; },
    });
  };
  const trap = (names) => {
    for (const name of names) {
      Object.defineProperty(Object.prototype, name, {
        configurable: true,
        get() { note(this); return undefined; },
        set(value) {
          note(this, value);
          define(this, name, { __proto__: null, value, configurable: true, enumerable: true, writable: true });
        },
      });
    }
  };
  const { apply, construct } = Reflect;
`;

/** Name → script. */
export const POISONS: Readonly<Record<string, string>> = {
  'Array.prototype': `wrap(Array.prototype, ['push', 'pop', 'shift', 'unshift', 'splice', 'slice', 'map', 'forEach', 'filter', 'find', 'concat', 'join', 'includes', 'indexOf', 'at', 'flatMap', 'some', 'every', 'reduce', 'values', Symbol.iterator]);`,
  'setters of array indices': `for (const index of ['0', '1', '2']) {
    Object.defineProperty(Array.prototype, index, { configurable: true, set(value) {
      note(this, value); define(this, index, { __proto__: null, value, configurable: true, enumerable: true, writable: true });
    } });
  }`,
  Promise: `wrap(Promise.prototype, ['then', 'catch', 'finally']); wrap(Promise, ['resolve', 'all', 'race', 'reject']);
    const NativePromise = Promise;
    window.Promise = class extends NativePromise { constructor(run) { super(run); note(this, run); } };`,
  MessagePort: `wrap(MessagePort.prototype, ['postMessage', 'start', 'close']);
    const on = Object.getOwnPropertyDescriptor(MessagePort.prototype, 'onmessage');
    define(MessagePort.prototype, 'onmessage', { configurable: true, get: on.get, set(value) { note(this); apply(on.set, this, [value]); } });
    window.MessageChannel = new Proxy(MessageChannel, { construct(target, args) { const made = construct(target, args); note(made.port1); return made; } });`,
  EventTarget: `wrap(EventTarget.prototype, ['addEventListener', 'removeEventListener', 'dispatchEvent']);
    wrap(Event.prototype, ['stopImmediatePropagation', 'stopPropagation', 'preventDefault', 'composedPath']);`,
  'getters of events': `for (const name of ['data', 'ports', 'source', 'origin']) watchGetter(MessageEvent.prototype, name);
    for (const name of ['target', 'currentTarget', 'type']) watchGetter(Event.prototype, name);`,
  JSON: `wrap(JSON, ['parse', 'stringify']);`,
  'Function.prototype': `wrap(Function.prototype, ['call', 'apply', 'bind', 'toString', Symbol.hasInstance].filter((name) => Object.getOwnPropertyDescriptor(Function.prototype, name).configurable));`,
  Reflect: `wrap(Reflect, ['apply', 'construct', 'get', 'set', 'has', 'defineProperty', 'getOwnPropertyDescriptor', 'setPrototypeOf', 'ownKeys']);`,
  'String.prototype': `wrap(String.prototype, ['includes', 'indexOf', 'startsWith', 'endsWith', 'charCodeAt', 'slice', 'split', 'trim', 'match', 'replace', 'concat', 'toString', 'valueOf', Symbol.iterator]);`,
  'RegExp.prototype': `wrap(RegExp.prototype, ['exec', 'test', Symbol.match, Symbol.replace, Symbol.split]);`,
  'WeakMap, Map and Set': `for (const { prototype } of [WeakMap, Map, Set, WeakSet]) wrap(prototype, ['get', 'set', 'has', 'add', 'delete'].filter((name) => name in prototype));`,
  'Object.prototype': `trap(['t', 's', 'dir', 'frames', 'text', 'id', 'prefix', 'at', 'page', 'wire', 'url', 'next', 'item', 'ports', 'omnemo', 'then', 'apply', 'construct', 'get', 'head', 'out', 'in', 'socket', 'bytes', 'forward']);`,
  Object: `wrap(Object, ['defineProperty', 'setPrototypeOf', 'getOwnPropertyDescriptor', 'keys', 'entries', 'assign', 'freeze', 'create', 'getPrototypeOf'].filter((name) => name !== 'defineProperty'));`,
  'TextEncoder, TextDecoder, Blob and URL': `wrap(TextEncoder.prototype, ['encode']); wrap(TextDecoder.prototype, ['decode']); wrap(Blob.prototype, ['text', 'slice', 'arrayBuffer']);
    for (const name of ['Blob', 'URL', 'TextEncoder', 'TextDecoder']) {
      const native = window[name];
      window[name] = new Proxy(native, { construct(target, args, to) { note(...args); return construct(target, args, to); } });
    }`,
  'timers and microtasks': `for (const name of ['setTimeout', 'queueMicrotask', 'requestAnimationFrame', 'structuredClone', 'postMessage']) wrap(window, [name]);`,
  'Number, String and Symbol': `for (const name of ['Number', 'String', 'Symbol', 'Boolean', 'BigInt']) {
      const native = window[name];
      window[name] = new Proxy(native, { apply(target, self, args) { note(self, ...args); return apply(target, self, args); } });
    }`,
  Proxy: `window.Proxy = new Proxy(Proxy, { construct(target, args) { note(...args); return construct(target, args); } });`,
};

/**
 * Expression that puts a poison in place. \`document.caught()\` afterwards names what it got that no page may have: a port to
 * the bridge, a stanza that is not the page's, or an object of the hook.
 */
export function poisonScript(script: string): string {
  return `(() => { ${WRAP} ${script}
    const ownSocket = (thing) => document.attack !== undefined && thing === document.attack.socket;
    document.caught = () => {
      const found = [];
      const last = count;
      for (let index = 0; index < last; index++) {
        const thing = seen[index];
        const isObject = typeof thing === 'object' && thing !== null;
        if (thing instanceof MessagePort) found[found.length] = 'a port';
        else if (typeof thing === 'string' && /pubsub|axolotl|urn:xmpp:omemo/.test(thing)) found[found.length] = 'a stanza: ' + thing.slice(0, 80);
        else if (isObject && !ownSocket(thing) && ['release', 'tryPass', 'inject', 'postMessage'].some((name) => Object.hasOwn(thing, name))) found[found.length] = 'an object of the hook';
      }
      return found;
    };
  })()`;
}
