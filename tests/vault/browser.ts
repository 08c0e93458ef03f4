// The part of the extension API the vault uses, for `vi.mock('webextension-polyfill')`. State is plain and can be looked at.
interface Script {
  readonly id: string;
}

interface FakeState {
  /** Of `storage`, by area. */
  session: Map<string, unknown>;
  local: Map<string, unknown>;
  permitted: Set<string>;
  scripts: Script[];
  /** Calls with effect, in order: what was called and with what. */
  calls: [string, unknown][];
  /** Dynamic rules of `declarativeNetRequest`. */
  rules: readonly { readonly id: number }[];
  /** Registering rejects while set. */
  isBroken: boolean;
}

/** One that has been loaded for a while. */
const fresh = (): FakeState => ({
  session: new Map([['isLoaded', true]]),
  local: new Map(),
  permitted: new Set(),
  scripts: [],
  calls: [],
  rules: [],
  isBroken: false,
});

export const fake: FakeState = fresh();

/** As at the start of a test. */
export function resetFake(): void {
  Object.assign(fake, fresh());
}

function called(name: string) {
  return async (arg: unknown): Promise<undefined> => {
    fake.calls.push([name, arg]);
  };
}

/** Arguments of every call of a name. */
export function callsOf(name: string): unknown[] {
  return fake.calls.filter(([called]) => called === name).map(([, arg]) => arg);
}

type Listener = (...args: never[]) => unknown;

function event(name: string) {
  return { addListener: (listener: Listener) => void listeners.set(name, listener) };
}

const listeners = new Map<string, Listener>();

/** Calls the listener of an event and returns what it answers. */
export function fire(name: string, ...args: readonly unknown[]): unknown {
  const listener = listeners.get(name);
  if (listener === undefined) throw new Error(`no listener for ${name}`);
  return Reflect.apply(listener, undefined, args);
}

/** As the browser has it: values are cloned; what it does not know has no entry. */
function area(name: 'session' | 'local') {
  return {
    onChanged: event(`${name}.onChanged`),
    get: async (key: string | null) => {
      const keys = key === null ? [...fake[name].keys()] : [key];
      const known = keys.filter((each) => fake[name].has(each));
      return structuredClone(Object.fromEntries(known.map((each) => [each, fake[name].get(each)])));
    },
    set: async (values: Record<string, unknown>) => {
      for (const [key, value] of Object.entries(structuredClone(values)))
        fake[name].set(key, value);
    },
    remove: async (keys: string | string[]) => {
      for (const key of [keys].flat()) fake[name].delete(key);
    },
    setAccessLevel: called('setAccessLevel'),
  };
}

export const browser = {
  runtime: {
    id: 'our-id',
    getURL: (path: string) => `chrome-extension://our-id/${path}`,
    onConnect: event('onConnect'),
    onMessage: event('onMessage'),
    onInstalled: event('onInstalled'),
    onStartup: event('onStartup'),
  },
  declarativeNetRequest: {
    updateDynamicRules: async ({
      removeRuleIds,
      addRules,
    }: {
      removeRuleIds: number[];
      addRules: { id: number }[];
    }) => {
      const kept = fake.rules.filter(({ id }) => !removeRuleIds.includes(id));
      if (addRules.some(({ id }) => kept.some((rule) => rule.id === id)))
        throw new Error('Duplicate rule ID');
      fake.rules = [...kept, ...addRules];
    },
  },
  storage: { session: area('session'), local: area('local') },
  idle: {
    onStateChanged: event('onStateChanged'),
    setDetectionInterval: (seconds: number) =>
      void fake.calls.push(['setDetectionInterval', seconds]),
  },
  action: { setIcon: called('setIcon'), setTitle: called('setTitle') },
  permissions: {
    onAdded: event('onAdded'),
    onRemoved: event('onRemoved'),
    contains: async ({ origins }: { origins: string[] }) =>
      origins.every((origin) => fake.permitted.has(origin)),
    getAll: async () => ({ origins: [...fake.permitted] }),
    remove: called('permissions.remove'),
  },
  scripting: {
    getRegisteredContentScripts: async () => fake.scripts,
    unregisterContentScripts: async ({ ids }: { ids: string[] }) => {
      fake.calls.push(['unregister', ids]);
      fake.scripts = fake.scripts.filter(({ id }) => !ids.includes(id));
    },
    registerContentScripts: async (scripts: Script[]) => {
      if (fake.isBroken) throw new Error('no');
      const known = new Set(fake.scripts.map(({ id }) => id));
      if (scripts.some(({ id }) => known.has(id))) throw new Error('Duplicate script ID');
      fake.calls.push(['register', scripts.map(({ id }) => id)]);
      fake.scripts = [...fake.scripts, ...scripts];
    },
    updateContentScripts: async (scripts: Script[]) => {
      if (fake.isBroken) throw new Error('no');
      const known = new Set(fake.scripts.map(({ id }) => id));
      if (!scripts.every(({ id }) => known.has(id))) throw new Error('Nonexistent script ID');
      fake.calls.push(['update', scripts.map(({ id }) => id)]);
      fake.scripts = fake.scripts.map((old) => scripts.find(({ id }) => id === old.id) ?? old);
    },
    executeScript: called('executeScript'),
  },
  tabs: {
    /** Patterns know no ports: pages of another one are among those found. */
    query: async () => [
      { id: 5, url: 'https://chat.example.org/inbox' },
      {},
      { id: 6, url: 'https://chat.example.org/' },
      { id: 8, url: 'https://chat.example.org:8443/' },
    ],
    sendMessage: async (id: number) => {
      fake.calls.push(['wake', id]);
      throw new Error('Receiving end does not exist.');
    },
    reload: called('reload'),
  },
};
