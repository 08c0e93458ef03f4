import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONTENT_GUARDS } from '../../src/rpc/content-guards';
import { VaultError } from '../../src/rpc/errors';
import {
  bool,
  bytes,
  integer,
  jid,
  list,
  nothing,
  oneOf,
  record,
  text,
  type Guard,
} from '../../src/rpc/guards';
import { POPUP_GUARDS } from '../../src/rpc/popup-guards';
import { CONTENT_SAMPLES, POPUP_SAMPLES } from '../vault/samples';

type Case = readonly [name: string, guard: Guard<unknown>, sample: unknown];

function casesOf(
  guards: Readonly<Record<string, Guard<unknown>>>,
  samples: Readonly<Record<string, unknown>>,
): Case[] {
  return Object.entries(guards).map(([name, guard]) => [name, guard, samples[name]]);
}

const CASES: readonly Case[] = [
  ...casesOf(CONTENT_GUARDS, CONTENT_SAMPLES),
  ...casesOf(POPUP_GUARDS, POPUP_SAMPLES),
];

/** The code of what a guard throws, `accepted` when it does not. */
function outcomeOf(guard: Guard<unknown>, input: unknown): string {
  try {
    guard(input);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof VaultError)) throw error;
    return error.code;
  }
}

type Path = readonly string[];

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}

/** Every path below a value, through arrays too. */
function pathsOf(value: unknown, path: Path = []): Path[] {
  if (!isPlain(value)) return [path];
  const below = Object.entries(value).flatMap(([name, each]) => pathsOf(each, [...path, name]));
  return path.length === 0 ? below : [path, ...below];
}

/** A copy with another value at a path; without it for undefined. */
function changed(value: unknown, path: Path, put: unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined || !isPlain(value)) return put;
  if (Array.isArray(value)) {
    return value.map((each: unknown, index) =>
      String(index) === name ? changed(each, rest, put) : each,
    );
  }
  const copy = { ...value, [name]: changed(value[name], rest, put) };
  if (copy[name] === undefined) delete copy[name];
  return copy;
}

/** A copy with a field more in every object. */
function withExtras(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withExtras);
  if (!isPlain(value)) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withExtras(v)]));
  return { ...copy, extra: 'evil', origin_: 'https://evil.example', privateKey: [1] };
}

const OPTIONAL: ReadonlySet<string> = new Set([
  'report jid',
  'decrypt request.iv',
  'decrypt request.payload',
  'bundleSeen bundle.value.identityKey',
  'bundleSeen bundle.value.identityKeyEd',
  'decrypt request.keys.0.jid',
  'listSeen labels',
  'refused jid',
  'refused peer',
  'plainSeen at',
  'smSave record.ids',
  'intend tabId',
  'setPassphrase current',
  'protect tabId',
  'decrypt request.at',
  'setRetention chat',
  'forget chat',
  'archiveSize after',
]);

describe('the guard of', () => {
  it.each(CASES)(
    '%s rebuilds a valid argument and drops every other field',
    (_name, guard, arg) => {
      expect(guard(arg)).toStrictEqual(arg);
      expect(guard(arg)).not.toBe(arg);
      expect(guard(withExtras(arg))).toStrictEqual(arg);
    },
  );

  it.each(CASES)('%s refuses a wrong type in every field', (_name, guard, arg) => {
    for (const path of pathsOf(arg)) {
      if (path.length === 0) continue;
      for (const wrong of [null, { a: 1 }, Number.NaN, 1n, -1, 1.5, Infinity, new Date(0)]) {
        const where = [path.join('.'), String(wrong)];
        expect([...where, outcomeOf(guard, changed(arg, path, wrong))]).toEqual([
          ...where,
          'bad-request',
        ]);
      }
    }
  });

  it.each(CASES)('%s refuses a missing field unless it may be missing', (name, guard, arg) => {
    for (const path of pathsOf(arg)) {
      if (path.length === 0 || /^\d+$/.test(path.at(-1) ?? '')) continue;
      const wanted = OPTIONAL.has(`${name} ${path.join('.')}`) ? 'accepted' : 'bad-request';
      const got = outcomeOf(guard, changed(arg, path, undefined));
      expect([path.join('.'), got]).toEqual([path.join('.'), wanted]);
    }
  });

  it.each(CASES)('%s refuses what is no object', (_name, guard) => {
    for (const wrong of [undefined, null, 0, '', 'text', true, 5n]) {
      expect(outcomeOf(guard, wrong)).toBe('bad-request');
    }
  });

  it.each(CASES)('%s never throws anything but bad-request', (_name, guard, arg) => {
    const allowed = ['accepted', 'bad-request'];
    const check = (input: unknown): void => {
      expect(allowed).toContain(outcomeOf(guard, input));
    };
    const parameters = { seed: 20_260_105, numRuns: 60 };
    fc.assert(fc.property(fc.jsonValue(), check), parameters);
    const paths = pathsOf(arg).filter((path) => path.length > 0);
    if (paths.length === 0) return;
    const anywhere = fc
      .tuple(fc.constantFrom(...paths), fc.oneof(fc.jsonValue(), fc.anything()))
      .map(([path, put]) => changed(arg, path, put));
    fc.assert(fc.property(anywhere, check), parameters);
  });
});

describe('limits', () => {
  const { attach, encrypt, decrypt, listSeen, bundleSeen } = CONTENT_GUARDS;
  const { capsSeen, optedOut, smLoad } = CONTENT_GUARDS;
  const sample = CONTENT_SAMPLES;
  const key = { deviceId: 1, bytes: new Uint8Array(1), isKeyExchange: false };

  it.each<[string, Guard<unknown>, unknown, Path, unknown, unknown]>([
    ['endpoint', attach, sample.attach, ['endpoint'], 'x'.repeat(300), 'x'.repeat(301)],
    ['text', encrypt, sample.encrypt, ['text'], 'x'.repeat(262_144), 'x'.repeat(262_145)],
    ['requestId', encrypt, sample.encrypt, ['requestId'], 'x'.repeat(8192), 'x'.repeat(8193)],
    [
      'keys',
      decrypt,
      sample.decrypt,
      ['request', 'keys'],
      Array(16).fill(key),
      Array(17).fill(key),
    ],
    [
      'key',
      decrypt,
      sample.decrypt,
      ['request', 'keys', '0', 'bytes'],
      new Uint8Array(16_384),
      new Uint8Array(16_385),
    ],
    ['caps', capsSeen, sample.capsSeen, ['key'], 'x'.repeat(1024), 'x'.repeat(1025)],
    ['answer', capsSeen, sample.capsSeen, ['query'], 'x'.repeat(16_384), 'x'.repeat(16_385)],
    ['reason', optedOut, sample.optedOut, ['reason'], 'x'.repeat(4096), 'x'.repeat(4097)],
    ['stream', smLoad, sample.smLoad, ['id'], 'x'.repeat(4096), 'x'.repeat(4097)],
    [
      'label',
      listSeen,
      sample.listSeen,
      ['labels', '0', 'label'],
      'x'.repeat(200),
      'x'.repeat(201),
    ],
    [
      'payload',
      decrypt,
      sample.decrypt,
      ['request', 'payload'],
      new Uint8Array(524_304),
      new Uint8Array(524_305),
    ],
    [
      'list',
      listSeen,
      sample.listSeen,
      ['list', 'value'],
      Array(10_000).fill(1),
      Array(10_001).fill(1),
    ],
    ['device id', listSeen, sample.listSeen, ['list', 'value', '0'], 0xffff_ffff, 0x1_0000_0000],
    [
      'identity key',
      bundleSeen,
      sample.bundleSeen,
      ['bundle', 'value', 'identityKey'],
      new Uint8Array(32),
      new Uint8Array(33),
    ],
    [
      'version',
      decrypt,
      sample.decrypt,
      ['request', 'version'],
      'eu.siacs.conversations.axolotl',
      'urn:xmpp:omemo:1',
    ],
  ])('of %s are kept', (_name, guard, arg, path, allowed, refused) => {
    expect(outcomeOf(guard, changed(arg, path, allowed))).toBe('accepted');
    expect(outcomeOf(guard, changed(arg, path, refused))).toBe('bad-request');
  });
});

describe('a fetched answer', () => {
  it.each(['absent', 'hidden', 'failed'])('that is %s carries no value', (kind) => {
    const arg = { ...CONTENT_SAMPLES.listSeen, list: { kind, value: ['evil'] } };
    expect(CONTENT_GUARDS.listSeen(arg)).toStrictEqual({
      ...CONTENT_SAMPLES.listSeen,
      list: { kind },
    });
  });
});

describe('a guard for', () => {
  it('a JID takes only the prepared bare form', () => {
    expect(jid('romeo@example.net')).toBe('romeo@example.net');
    const wrong = ['Romeo@example.net', 'romeo@example.net/r', ' romeo@example.net', '', '@', 'a@'];
    for (const each of [...wrong, 'a\nb@c', 'a@b@c', 7, ['a@b']]) {
      expect([each, outcomeOf(jid, each)]).toEqual([each, 'bad-request']);
    }
  });

  it('bytes copies them and takes no other view', () => {
    const given = Uint8Array.of(1, 2, 3);
    const rebuilt = bytes(0, 3)(given);
    given[0] = 9;
    expect(rebuilt).toEqual(Uint8Array.of(1, 2, 3));
    for (const wrong of [new ArrayBuffer(2), new Uint16Array(2), [1, 2], 'ab', new Uint8Array(4)]) {
      expect(outcomeOf(bytes(0, 3), wrong)).toBe('bad-request');
    }
  });

  it('integers, booleans, texts and choices takes nothing that only looks alike', () => {
    expect([0, 5].map(integer(0, 5))).toEqual([0, 5]);
    for (const wrong of [-1, 6, 0.5, '1', Number.NaN, null, [1]]) {
      expect(outcomeOf(integer(0, 5), wrong)).toBe('bad-request');
    }
    expect(bool(false)).toBe(false);
    for (const wrong of [0, 'true', null]) expect(outcomeOf(bool, wrong)).toBe('bad-request');
    expect(text(2)('ab')).toBe('ab');
    for (const wrong of ['abc', 1, ['ab'], new String('ab')]) {
      expect(outcomeOf(text(2), wrong)).toBe('bad-request');
    }
    expect(oneOf('a', 'b')('b')).toBe('b');
    expect(oneOf('')('')).toBe('');
    for (const wrong of ['c', ['a'], 0]) {
      expect(outcomeOf(oneOf('a', 'b'), wrong)).toBe('bad-request');
    }
  });

  it('lists refuses holes and array-likes', () => {
    expect(list(bool, 2)([true, false])).toEqual([true, false]);
    for (const wrong of [[true, true, true], [1], { length: 1, 0: true }, [undefined], Array(1)]) {
      expect([wrong, outcomeOf(list(bool, 2), wrong)]).toEqual([wrong, 'bad-request']);
    }
  });

  it('records takes no inherited field and none named __proto__', () => {
    const guard = record({ a: bool }, { b: bool });
    expect(outcomeOf(guard, Object.create({ a: true }))).toBe('bad-request');
    const odd: unknown = JSON.parse('{"a":true,"__proto__":{"b":true}}');
    expect(guard(odd)).toStrictEqual({ a: true });
    expect(nothing(odd)).toStrictEqual({});
  });
});
