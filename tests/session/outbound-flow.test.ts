import { connected, JULIET, LEGACY, ROMEO } from './pep-world';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VaultError } from '../../src/rpc/errors';
import type { ContentApi, EncryptOutcome, Preparation } from '../../src/rpc/vault-api';
import { Devices } from '../../src/session/devices';
import { planOutbound, type ProtectPlan } from '../../src/session/outbound';
import { isPlainChat, sendProtected } from '../../src/session/outbound-flow';
import { parseFrame } from '../../src/xml/element';
import { ScriptedVault, type Answers } from './scripted-vault';
import { nodeIn } from './server';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

const ENCRYPTED: EncryptOutcome = {
  kind: 'encrypted',
  skipped: [],
  messages: [
    {
      version: LEGACY,
      senderDeviceId: 7,
      iv: new Uint8Array(12),
      keys: [{ deviceId: 5, bytes: new Uint8Array(40), isKeyExchange: false }],
      payload: new Uint8Array(5),
    },
  ],
};
const READY: Preparation = { kind: 'ready' };
const FETCH: Preparation = {
  kind: 'fetch',
  lists: [{ jid: ROMEO, version: LEGACY }],
  bundles: [{ jid: ROMEO, deviceId: 5, version: LEGACY }],
};

function plan(text = 'secret', id = '1'): ProtectPlan {
  const xml = `<message xmlns='jabber:client' to='${ROMEO}' id='${id}'><body>${text}</body></message>`;
  const planned = planOutbound(parseFrame(xml), () => 'new');
  if (planned.kind !== 'protect') throw new Error(planned.kind);
  return planned;
}

/** `preparations`: one answer per question, the last one for ever. */
function setUp(preparations: readonly Preparation[], answers: Answers = {}) {
  const { server, iqs } = connected();
  let asked = 0;
  const prepare = (): Preparation =>
    preparations[Math.min(asked++, preparations.length - 1)] ?? READY;
  const vault = new ScriptedVault({ prepare, encrypt: () => ENCRYPTED, ...answers });
  const devices = new Devices(iqs, vault.client, JULIET, () => undefined);
  return { server, vault, tools: { vault: vault.client, devices, jid: JULIET } };
}

describe('a message', () => {
  it('is encrypted as soon as nothing is missing', async () => {
    const { vault, tools } = setUp([READY]);
    const result = await sendProtected(tools, plan());
    expect(result.kind === 'send' && result.frame).toContain('<encrypted');
    expect(result.kind === 'send' && result.frame).not.toContain('secret');
    expect(vault.asked('encrypt')).toMatchObject([{ jid: JULIET, peer: ROMEO, text: 'secret' }]);
  });

  it('fetches all that is missing, lists before the bundles they name', async () => {
    const lists: Preparation = {
      kind: 'fetch',
      lists: [ROMEO, JULIET].map((owner) => ({ jid: owner, version: LEGACY })),
      bundles: [],
    };
    const { server, tools } = setUp([lists, FETCH, READY]);
    expect(await sendProtected(tools, plan())).toMatchObject({ kind: 'send' });
    expect(server.iqs.map((iq) => [iq.getAttribute('to'), nodeIn(iq)])).toEqual([
      [ROMEO, `${LEGACY}.devicelist`],
      [null, `${LEGACY}.devicelist`],
      [ROMEO, `${LEGACY}.devicelist`],
      [ROMEO, `${LEGACY}.bundles:5`],
    ]);
  });

  it('is given up where fetching leads nowhere', async () => {
    const { vault, tools } = setUp([FETCH]);
    const refused = { kind: 'refused', code: 'bundles-unavailable' };
    expect(await sendProtected(tools, plan())).toEqual(refused);
    expect(vault.asked('prepare')).toHaveLength(4);
    expect(vault.asked('encrypt')).toEqual([]);
  });

  it('that the user wants in clear is not encrypted', async () => {
    const { vault, tools } = setUp([{ kind: 'plain' }]);
    expect(await sendProtected(tools, plan())).toEqual({ kind: 'plain' });
    expect(vault.asked('encrypt')).toEqual([]);
  });

  it.each([
    ['prepare', 'no-devices'],
    ['encrypt', 'undecided-keys'],
  ] as const)('is refused where %s says so: %s', async (name, code) => {
    const { tools } = setUp([READY], { [name]: () => ({ kind: 'refused', code }) });
    expect(await sendProtected(tools, plan())).toEqual({ kind: 'refused', code });
  });

  it.each([
    ['prepare', 'storage', 'storage-failed'],
    ['encrypt', 'disconnected', 'extension-gone'],
    ['prepare', 'busy', 'vault-busy'],
    ['listSeen', 'not-granted', 'account-pending'],
    ['bundleSeen', 'timeout', 'vault-unavailable'],
  ] as const)('is refused where %s fails with %s: %s', async (name, code, reason) => {
    const fail = () => Promise.reject(new VaultError(code));
    const { tools } = setUp([FETCH, READY], { [name]: fail });
    expect(await sendProtected(tools, plan())).toEqual({ kind: 'refused', code: reason });
  });

  it.each(['prepare', 'encrypt', 'listSeen'] as const)(
    'is refused when it takes too long: %s',
    async (name) => {
      const never = () => new Promise<never>(() => undefined);
      const { tools } = setUp([FETCH, READY], { [name]: never });
      const sending = sendProtected(tools, plan());
      await vi.advanceTimersByTimeAsync(20_000);
      expect(await sending).toEqual({ kind: 'refused', code: 'vault-unavailable' });
    },
  );
});

describe('a stanza', () => {
  const [message] = ENCRYPTED.messages;
  /** Sent with a payload and an id of so many bytes. */
  const sent = (payload: number, id: number) => {
    const messages = [{ ...message, payload: new Uint8Array(payload) }] as const;
    const { tools } = setUp([READY], { encrypt: () => ({ ...ENCRYPTED, messages }) });
    return sendProtected(tools, plan('secret', 'i'.repeat(id)));
  };

  it('leaves with up to 262,144 bytes, and is refused with one more', async () => {
    const small = await sent(3, 1);
    const rest = 262_144 - (small.kind === 'send' ? small.frame.length : 0);
    // 4 characters of base64 for every 3 bytes; what is left over is for the id.
    const payload = 3 + 3 * Math.floor(rest / 4);
    const largest = await sent(payload, 1 + (rest % 4));
    expect(largest.kind === 'send' && largest.frame.length).toBe(262_144);
    expect(await sent(payload, 2 + (rest % 4))).toEqual({ kind: 'refused', code: 'too-large' });
  });
});

describe('the name of a request', () => {
  const nameOf = async (planned: ProtectPlan): Promise<string> => {
    const { vault, tools } = setUp([READY]);
    await sendProtected(tools, planned);
    const [asked] = vault.asked('encrypt') as readonly ContentApi['encrypt']['arg'][];
    return asked?.requestId ?? '';
  };

  it('is the same for the same message, so that a resend gets the same bytes (I-31)', async () => {
    expect(await nameOf(plan())).toBe(await nameOf(plan()));
  });

  it('differs by id, by text and by contact', async () => {
    const others = [plan(), plan('secret', '2'), plan('secrets'), { ...plan(), peer: JULIET }];
    expect(new Set(await Promise.all(others.map(nameOf))).size).toBe(4);
  });

  it('does not show the text, and fits whatever id the page uses', async () => {
    const name = await nameOf(plan('secret', 'x'.repeat(100_000)));
    expect(name).not.toContain('secret');
    expect(name.length).toBeLessThanOrEqual(8192);
  });
});

describe('a chat in clear', () => {
  it.each([
    [{ kind: 'plain' }, true],
    [READY, false],
    [FETCH, false],
    [{ kind: 'refused', code: 'no-devices' }, false],
  ] as const)('is one the vault calls so: %j', async (preparation, isPlain) => {
    const { tools } = setUp([preparation]);
    expect(await isPlainChat(tools, ROMEO)).toBe(isPlain);
  });

  it('is not assumed where the vault fails', async () => {
    const { tools } = setUp([], { prepare: () => Promise.reject(new VaultError('timeout')) });
    await expect(isPlainChat(tools, ROMEO)).rejects.toMatchObject({ code: 'timeout' });
  });
});
