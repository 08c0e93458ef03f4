import { beforeEach, describe, expect, it, vi } from 'vitest';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import { fingerprint } from '../../src/omemo/identity';
import { createClient, type Client } from '../../src/rpc/port';
import { CONTENT_GUARDS } from '../../src/rpc/content-guards';
import { POPUP_GUARDS } from '../../src/rpc/popup-guards';
import type { PopupApi } from '../../src/rpc/popup-api';
import type { ContentApi } from '../../src/rpc/vault-api';
import { ownBundle } from '../../src/vault/accounts';
import type { Caller } from '../../src/vault/caller';
import type { Context } from '../../src/vault/context';
import { createDatabase } from '../../src/vault/db';
import { MAX_WAITING_REQUESTS, REQUESTS_AT_ONCE } from '../../src/limits';
import { createPresence, type Badge } from '../../src/vault/presence';
import { createService, type Service } from '../../src/vault/service';
import { callsOf, fake, resetFake } from './browser';
import { portPair, type PortPair } from './fake-port';
import { CONTENT_SAMPLES, POPUP_SAMPLES } from './samples';
import {
  accountOf,
  contextOver,
  dump,
  freshName,
  jid,
  lockOver,
  ORIGIN,
  person,
  START,
} from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const ENDPOINT = 'xmpp.example.org';
const OTHER = 'https://other.example.org';

interface World {
  readonly name: string;
  readonly context: Context;
  readonly service: Service;
  readonly badges: Map<number, Badge>;
  readonly popup: Client<PopupApi>;
  content(origin?: string, tabId?: number): Client<ContentApi> & { readonly pair: PortPair };
}

function worldOn(name: string, context: Context): World {
  const badges = new Map<number, Badge>();
  const service = createService(
    context,
    (changed) => createPresence((tabId, badge) => void badges.set(tabId, badge), changed),
    lockOver(context),
  );
  const pairFor = (caller: Caller): PortPair => {
    const pair = portPair();
    service.accept(pair.far, caller);
    return pair;
  };
  return {
    name,
    context,
    service,
    badges,
    popup: createClient<PopupApi>(() => pairFor({ kind: 'popup' }).near),
    content(origin = ORIGIN, tabId = 5) {
      const pair = pairFor({ kind: 'content', origin, tabId });
      return { ...createClient<ContentApi>(() => pair.near), pair };
    },
  };
}

function world(): World {
  const name = freshName();
  return worldOn(name, contextOver(createDatabase(name), { seed: name }));
}

/** A world with a site that is protected and Juliet granted there, her device published. */
async function granted(): Promise<World> {
  const juliet = await person(JULIET);
  const made = worldOn(juliet.name, juliet.context);
  fake.permitted.add('https://chat.example.org/*');
  await made.popup.request('protect', { origin: ORIGIN });
  await made.content().request('attach', { stream: 1, jid: JULIET, endpoint: ENDPOINT });
  await made.popup.request('decideAccount', {
    origin: ORIGIN,
    jid: JULIET,
    endpoint: ENDPOINT,
    decision: 'grant',
  });
  return made;
}

const codeOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  );

/** Asks for any name, typed or not. */
async function askRaw(pair: PortPair, name: string, arg: unknown): Promise<unknown> {
  pair.near.postMessage({ id: 1, name, arg });
  await vi.waitFor(() => expect(pair.near.received.length).toBeGreaterThan(0), { interval: 1 });
  return pair.near.received[0];
}

const CONTENT_NAMES = Object.keys(CONTENT_GUARDS) as (keyof ContentApi)[];
const POPUP_NAMES = Object.keys(POPUP_GUARDS) as (keyof PopupApi)[];
const FORBIDDEN = { id: 1, ok: false, code: 'forbidden' };

beforeEach(resetFake);

describe('a content script', () => {
  it.each(POPUP_NAMES)(
    'cannot ask %s, not even of a site that is its own (I-130)',
    async (name) => {
      const made = await granted();
      const before = await dump(made.name);
      const calls = fake.calls.length;
      expect(await askRaw(made.content().pair, name, POPUP_SAMPLES[name])).toEqual(FORBIDDEN);
      expect(await dump(made.name)).toEqual(before);
      expect(fake.calls).toHaveLength(calls);
    },
  );

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'nothing', ''])(
    'cannot ask %s',
    async (name) => {
      expect(await askRaw(world().content().pair, name, {})).toEqual(FORBIDDEN);
    },
  );

  it('gets bad-request for an argument the guard refuses', async () => {
    const made = await granted();
    expect(await askRaw(made.content().pair, 'encrypt', { jid: JULIET })).toEqual({
      id: 1,
      ok: false,
      code: 'bad-request',
    });
  });
});

describe('our own pages', () => {
  it.each(CONTENT_NAMES)('cannot ask %s', async (name) => {
    const made = await granted();
    const before = await dump(made.name);
    const pair = portPair();
    made.service.accept(pair.far, { kind: 'popup' });
    expect(await askRaw(pair, name, CONTENT_SAMPLES[name])).toEqual(FORBIDDEN);
    expect(await dump(made.name)).toEqual(before);
  });

  it('share no request name with content scripts', () => {
    expect(CONTENT_NAMES.filter((name) => Object.hasOwn(POPUP_GUARDS, name))).toEqual([]);
  });
});

/** Requests that need no account: what they answer is about the origin alone. */
const WITHOUT_GRANT: ReadonlySet<string> = new Set([
  'hello',
  'report',
  'refused',
  'smLoad',
  'smSave',
  'smDrop',
  'smOff',
  // What a site brought goes back to it, whatever is decided about the account.
  'hold',
  'held',
  'heldShown',
]);

describe('an origin without grant', () => {
  it.each(CONTENT_NAMES.filter((name) => !WITHOUT_GRANT.has(name)))(
    'gets not-granted for %s, and nothing is stored',
    async (name) => {
      const made = await granted();
      const before = await dump(made.name);
      const asked = askRaw(made.content(OTHER).pair, name, CONTENT_SAMPLES[name]);
      expect(await asked).toEqual({ id: 1, ok: false, code: 'not-granted' });
      expect(await dump(made.name)).toEqual(before);
    },
  );

  it('is not protected, shows no stream, and sees no positions of another', async () => {
    const made = await granted();
    const other = made.content(OTHER);
    expect(await other.request('hello', {})).toEqual({ protect: false });
    await other.request('report', { stream: 1, endpoint: ENDPOINT, state: 'ready' });
    expect(made.badges.size).toBe(0);
    await made.content().request('smSave', CONTENT_SAMPLES.smSave);
    expect(await other.request('smLoad', { id: 'id' })).toBe(null);
    await other.request('smDrop', { id: 'id' });
    expect(await made.content().request('smLoad', { id: 'id' })).toEqual(
      CONTENT_SAMPLES.smSave.record,
    );
  });

  it('is also a granted one after it was unprotected or the account forgotten', async () => {
    const made = await granted();
    const content = made.content();
    const ask = () => codeOf(content.request('ownBundle', { jid: JULIET, version: LEGACY }));
    expect(await ask()).toBe('answered');
    const decide = { origin: ORIGIN, jid: JULIET, endpoint: ENDPOINT };
    await made.popup.request('decideAccount', { ...decide, decision: 'forget' });
    expect(await ask()).toBe('not-granted');
    await content.request('attach', { stream: 1, jid: JULIET, endpoint: ENDPOINT });
    await made.popup.request('decideAccount', { ...decide, decision: 'grant' });
    expect(await ask()).toBe('answered');
    await made.popup.request('unprotect', { origin: ORIGIN });
    expect(await ask()).toBe('not-granted');
    expect(callsOf('reload')).toContain(5);
    expect(callsOf('permissions.remove')).toEqual([{ origins: ['https://chat.example.org/*'] }]);
  });

  it('cannot use another account of the same site', async () => {
    const made = await granted();
    const asked = made.content().request('ownBundle', { jid: ROMEO, version: LEGACY });
    expect(await codeOf(asked)).toBe('not-granted');
  });
});

describe('attach', () => {
  it('asks the user once, and again for another endpoint (I-122)', async () => {
    const made = await granted();
    const attach = (endpoint: string, account = JULIET) =>
      made.content().request('attach', { stream: 1, jid: account, endpoint });
    expect(await attach(ENDPOINT)).toMatchObject({ kind: 'granted' });
    expect(await attach('evil.example')).toEqual({ kind: 'pending' });
    expect(await attach('evil.example')).toEqual({ kind: 'pending' });
    const view = await made.popup.request('site', { origin: ORIGIN });
    expect(view.pending).toEqual([{ jid: JULIET, endpoint: 'evil.example' }]);
    const decide = { origin: ORIGIN, jid: JULIET, endpoint: 'evil.example' };
    await made.popup.request('decideAccount', { ...decide, decision: 'ignore' });
    expect(await attach('evil.example')).toEqual({ kind: 'ignored' });
    expect(await attach(ENDPOINT)).toMatchObject({ kind: 'granted' });
  });
});

describe('what a content script saw', () => {
  it('makes a chat ready, encrypts, and can be looked at without any secret', async () => {
    const made = await granted();
    const romeo = await person(ROMEO);
    const { bundle } = await ownBundle(romeo.context, romeo.scope, LEGACY);
    const { deviceId } = romeo;
    const content = made.content();
    const list = { kind: 'present', value: [deviceId] } as const;
    await content.request('listSeen', { jid: JULIET, owner: ROMEO, version: LEGACY, list });
    await content.request('listSeen', {
      jid: JULIET,
      owner: JULIET,
      version: LEGACY,
      list: { kind: 'absent' },
    });
    for (const owner of [ROMEO, JULIET]) {
      const none = { jid: JULIET, owner, version: OMEMO2, list: { kind: 'absent' } } as const;
      await content.request('listSeen', none);
    }
    const seen = { jid: JULIET, owner: ROMEO, deviceId, version: LEGACY };
    const signature = bundle.signedPrekey.signature.map((byte) => byte ^ 1);
    const forged = { ...bundle, signedPrekey: { ...bundle.signedPrekey, signature } };
    const bad = content.request('bundleSeen', {
      ...seen,
      bundle: { kind: 'present', value: forged },
    });
    expect(await codeOf(bad)).toBe('bad-bundle');
    const prepare = () => content.request('prepare', { jid: JULIET, peer: ROMEO });
    expect(await prepare()).toEqual({ kind: 'refused', code: 'bundles-unavailable' });
    await content.request('bundleSeen', { ...seen, bundle: { kind: 'present', value: bundle } });
    expect(await prepare()).toEqual({ kind: 'ready' });
    const ask = { jid: JULIET, peer: ROMEO, requestId: 'r', text: 'hello', envelope: '<e/>' };
    expect(await content.request('encrypt', ask)).toMatchObject({ kind: 'encrypted' });

    const view = await made.popup.request('site', { origin: ORIGIN });
    const [account] = view.accounts;
    const shown = fingerprint((await accountOf(romeo)).identity.publicKey);
    expect(account?.contacts).toMatchObject([
      { jid: ROMEO, devices: [{ deviceId, fingerprint: shown, trust: 'trusted', active: true }] },
    ]);
    const text = JSON.stringify(view);
    for (const secret of ['rivate', 'hello', 'bundle', 'chainKey'])
      expect(text).not.toContain(secret);
  });

  it('of a device more of its own is shown until answered for, also after the worker died (M32)', async () => {
    const made = await granted();
    const see = (value: readonly number[]) =>
      made.content().request('listSeen', {
        jid: JULIET,
        owner: JULIET,
        version: LEGACY,
        list: { kind: 'present', value },
      });
    const ready = { stream: 1, endpoint: ENDPOINT, state: 'ready', jid: JULIET } as const;
    const newIn = async ({ popup }: World) => {
      const { accounts } = await popup.request('site', { origin: ORIGIN });
      const devices = accounts.flatMap(({ ownDevices }) => ownDevices);
      return devices.filter(({ isNew }) => isNew).map(({ deviceId }) => deviceId);
    };
    await made.content().request('report', ready);
    await see([1]);
    expect([await newIn(made), made.badges.get(5)]).toEqual([[], 'on']);
    await see([1, 2]);
    expect([await newIn(made), made.badges.get(5)]).toEqual([[2], 'attention']);
    const next = worldOn(made.name, made.context);
    await next.content().request('report', ready);
    expect([await newIn(next), next.badges.get(5)]).toEqual([[2], 'attention']);
    await next.popup.request('acknowledgeDevices', {
      origin: ORIGIN,
      jid: JULIET,
      deviceIds: [2],
    });
    expect([await newIn(next), next.badges.get(5)]).toEqual([[], 'on']);
  });

  it('of 101 devices is refused with limit and changes nothing', async () => {
    const made = await granted();
    const before = await dump(made.name);
    const value = Array.from({ length: 101 }, (_, index) => index + 1);
    const list = { kind: 'present', value } as const;
    const asked = made
      .content()
      .request('listSeen', { jid: JULIET, owner: ROMEO, version: LEGACY, list });
    expect(await codeOf(asked)).toBe('limit');
    expect(await dump(made.name)).toEqual(before);
  });

  it('in plain is marked and counted only since the chat is encrypted', async () => {
    const made = await granted();
    const content = made.content();
    const plain = (at: number) => content.request('plainSeen', { jid: JULIET, peer: ROMEO, at });
    expect(await plain(START)).toEqual({ mark: false });
    const setEncryption = { origin: ORIGIN, jid: JULIET, peer: ROMEO } as const;
    await made.popup.request('setEncryption', { ...setEncryption, encryption: 'on' });
    expect(await plain(START)).toEqual({ mark: false });
    const romeo = await person(ROMEO);
    const { bundle } = await ownBundle(romeo.context, romeo.scope, LEGACY);
    const seen = { jid: JULIET, owner: ROMEO, version: LEGACY };
    const list = { kind: 'present', value: [romeo.deviceId] } as const;
    await content.request('listSeen', { ...seen, list });
    const fetched = { kind: 'present', value: bundle } as const;
    await content.request('bundleSeen', { ...seen, deviceId: romeo.deviceId, bundle: fetched });
    await content.request('encrypt', {
      jid: JULIET,
      peer: ROMEO,
      requestId: 'r',
      text: 'x',
      envelope: '<e/>',
    });
    expect(await plain(START - 1)).toEqual({ mark: false });
    expect(await plain(START)).toEqual({ mark: true });
    const counted = await made.popup.request('site', { origin: ORIGIN });
    expect(counted.accounts[0]?.contacts[0]?.plainCount).toBe(1);
    // What comes now comes after it, whatever the clock says (I-127).
    expect(await content.request('plainSeen', { jid: JULIET, peer: ROMEO })).toEqual({
      mark: true,
    });
    await made.popup.request('setEncryption', { ...setEncryption, encryption: 'off' });
    expect(await plain(START)).toEqual({ mark: false });
    expect(await content.request('prepare', { jid: JULIET, peer: ROMEO })).toEqual({
      kind: 'plain',
    });
  });

  it('and refused is shown with its contact or with the site, until it leaves encrypted', async () => {
    const made = await granted();
    const content = made.content();
    await content.request('report', { stream: 1, jid: JULIET, endpoint: ENDPOINT, state: 'ready' });
    expect(made.badges.get(5)).toBe('on');
    await content.request('refused', { jid: JULIET, peer: ROMEO, code: 'no-devices' });
    await content.request('refused', { code: 'account-unknown' });
    expect(made.badges.get(5)).toBe('attention');
    const view = await made.popup.request('site', { origin: ORIGIN });
    expect(view.refusal).toEqual({ code: 'account-unknown', at: START });
    expect(view.accounts[0]?.contacts[0]?.refusal).toEqual({ code: 'no-devices', at: START });
    content.pair.die();
    expect(made.badges.get(5)).toBe('off');
  });
});

describe('changes', () => {
  it('are told to our own pages once in a while, and never to content scripts', async () => {
    const made = await granted();
    const own = portPair();
    made.service.accept(own.far, { kind: 'popup' });
    const gone = portPair();
    made.service.accept(gone.far, { kind: 'popup' });
    gone.die();
    const content = made.content();
    for (const id of [1, 2, 3]) {
      await content.request('attach', { stream: id, jid: JULIET, endpoint: `e${id}` });
    }
    await vi.waitFor(() => expect(own.near.received).not.toEqual([]), { interval: 5 });
    expect(own.near.received.every((each) => JSON.stringify(each) === '{"event":"changed"}')).toBe(
      true,
    );
    expect(own.near.received.length).toBeLessThanOrEqual(2);
    expect(gone.near.received).toEqual([]);
    expect(JSON.stringify(content.pair.near.received)).not.toContain('event');
  });
});

describe('a site that asks without end', () => {
  it('is refused what is too much, and no other site waits for it', async () => {
    const made = await granted();
    const { pair } = made.content();
    const atOnce = REQUESTS_AT_ONCE + MAX_WAITING_REQUESTS;
    const arg = { jid: JULIET, version: LEGACY };
    for (let id = 0; id < atOnce + 3; id++) pair.near.postMessage({ id, name: 'ownBundle', arg });
    expect(await made.content(OTHER).request('hello', {})).toEqual({ protect: false });
    expect(pair.near.received.length).toBeLessThan(atOnce / 2);
    expect(await made.content(OTHER).request('hello', {})).toEqual({ protect: false });
    await vi.waitFor(() => expect(pair.near.received).toHaveLength(atOnce + 3), 20_000);
    const refused = pair.near.received.filter((each) => Object(each).ok === false);
    expect(refused).toEqual(
      [0, 1, 2].map((more) => ({ id: atOnce + more, ok: false, code: 'busy' })),
    );
  });
});

describe('protecting a site', () => {
  it('needs the permission, and an origin we may protect', async () => {
    const { popup, name, context } = world();
    await context.database.list('sites', '');
    const before = await dump(name);
    expect(await codeOf(popup.request('protect', { origin: ORIGIN }))).toBe('forbidden');
    fake.permitted.add('http://chat.example.org/*');
    for (const origin of ['http://chat.example.org', `${ORIGIN}/path`, 'not an origin']) {
      expect(await codeOf(popup.request('protect', { origin }))).toBe('bad-request');
      expect(await codeOf(popup.request('intend', { origin }))).toBe('bad-request');
    }
    expect(await dump(name)).toEqual(before);
    expect(fake.calls).toEqual([]);
  });

  it('ends the intent, registers our scripts and loads the tab anew', async () => {
    const { popup, context } = world();
    await popup.request('intend', { origin: ORIGIN, tabId: 7 });
    expect(await popup.request('sites', {})).toEqual([]);
    expect(await context.database.get('sites', ORIGIN)).toMatchObject({
      intentAt: START,
      intentTabId: 7,
      isProtected: false,
    });
    fake.permitted.add('https://chat.example.org/*');
    await popup.request('protect', { origin: ORIGIN, tabId: 7 });
    expect(fake.calls).toEqual([
      ['register', ['bridge', 'hook']],
      // Every page of the site writes in clear until it is loaded anew, not only that of the tab.
      ['reload', 5],
      ['reload', 6],
      ['reload', 7],
    ]);
    const site = await context.database.get('sites', ORIGIN);
    expect(site).toMatchObject({ isProtected: true });
    expect(site).not.toHaveProperty('intentAt');
    expect(await popup.request('sites', {})).toEqual([{ origin: ORIGIN, protected: true }]);
    // The permission prompt tells the background, too.
    await popup.request('protect', { origin: ORIGIN, tabId: 7 });
    expect(callsOf('reload')).toHaveLength(3);
  });

  it('keeps the permission while another port of the host is protected', async () => {
    const made = await granted();
    const second = `${ORIGIN}:8443`;
    await made.popup.request('protect', { origin: second });
    await made.popup.request('unprotect', { origin: second });
    expect(callsOf('permissions.remove')).toEqual([]);
    await made.popup.request('unprotect', { origin: ORIGIN });
    expect(callsOf('permissions.remove')).toHaveLength(1);
    expect(fake.scripts).toEqual([]);
  });
});
