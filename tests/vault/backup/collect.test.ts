// Files that open and are not what a vault would have written: whoever made them, nothing of them is taken (M85).
import { describe, expect, it } from 'vitest';
import {
  MAX_BACKUP_DEVICES,
  MAX_BACKUP_HELD,
  MAX_BACKUP_KEYS,
  MAX_BACKUP_TEXT,
} from '../../../src/limits';
import { generateIdentity } from '../../../src/omemo/identity';
import { createCollector } from '../../../src/vault/backup/collect';
import { createBackupWriter } from '../../../src/vault/backup/file';
import { createRestoration } from '../../../src/vault/backup/restore';
import { createDatabase } from '../../../src/vault/db';
import { encode } from '../../../src/vault/cbor';
import { contextOver, freshName, seeded } from '../world';

const SECRET = new Uint8Array(16).fill(3);
const ORIGIN = 'https://chat.example.org';
const JULIET = 'juliet@example.org';
const KEY = new Uint8Array(32).fill(1);
const IDENTITY = await generateIdentity(seeded('identity'));

const ABOUT = { kind: 'about', createdAt: 5 };
const SITE = { kind: 'site', origin: ORIGIN, policy: 'ask', accounts: [] };
const ACCOUNT = {
  kind: 'account',
  origin: ORIGIN,
  jid: JULIET,
  deviceId: 7,
  ...IDENTITY,
  createdAt: 5,
  prekeys: [],
};
const PEER = {
  kind: 'peer',
  origin: ORIGIN,
  jid: JULIET,
  peer: 'romeo@example.net',
  encryption: 'on',
  keys: [{ identityKey: KEY, trust: 'trusted', firstSeen: 1 }],
  devices: [{ deviceId: 9, firstSeen: 1, lastSeen: 2, listedIn: [], identityKey: KEY }],
  isWrittenTo: true,
};
const ARCHIVE = { kind: 'archive', origin: ORIGIN, jid: JULIET };
const TEXT = { kind: 'text', digest: KEY, peer: 'romeo@example.net', at: 3, text: 'hello' };
const end = (records: number) => ({ kind: 'end', records });

function collect(entries: readonly unknown[]) {
  const writer = createBackupWriter(SECRET, seeded('file'));
  const file = Buffer.concat([writer.header, writer.frame(encode(entries), true)]);
  const collector = createCollector(SECRET);
  const texts = collector.read(file, true);
  return { texts, collected: collector.collected() };
}

const refused = (code = 'bad-backup') => expect.objectContaining({ code });
const many = <T>(count: number, item: T): readonly T[] => Array.from({ length: count }, () => item);

describe('what a file holds', () => {
  it('is taken where all of it belongs together', () => {
    const { texts, collected } = collect([ABOUT, SITE, ACCOUNT, PEER, ARCHIVE, TEXT, end(1)]);
    expect(texts).toEqual([{ ...TEXT, origin: ORIGIN, jid: JULIET }]);
    expect(collected).toEqual({
      createdAt: 5,
      sites: [SITE],
      accounts: [ACCOUNT],
      peers: [PEER],
      texts: 1,
    });
  });

  it.each<[string, readonly unknown[]]>([
    ['nothing', []],
    ['no beginning', [SITE, end(0)]],
    ['no end', [ABOUT]],
    ['two beginnings', [ABOUT, ABOUT, end(0)]],
    ['something behind its end', [ABOUT, end(0), SITE]],
    ['two ends', [ABOUT, end(0), end(0)]],
    ['another number of texts', [ABOUT, ACCOUNT, ARCHIVE, TEXT, end(2)]],
    ['a text of nobody', [ABOUT, ACCOUNT, TEXT, end(1)]],
    ['texts of an account that is not in it', [ABOUT, ARCHIVE, TEXT, end(1)]],
    ['a person of an account that is not in it', [ABOUT, PEER, end(0)]],
    ['a site twice', [ABOUT, SITE, SITE, end(0)]],
    ['an account twice', [ABOUT, ACCOUNT, ACCOUNT, end(0)]],
    ['a person twice', [ABOUT, ACCOUNT, PEER, PEER, end(0)]],
    ['a record of another kind', [ABOUT, { ...SITE, kind: 'session' }, end(0)]],
    ['a record of a kind every object has', [ABOUT, { ...SITE, kind: 'constructor' }, end(0)]],
    ['a record that is none', [ABOUT, 7, end(0)]],
    ['a site that cannot be protected', [ABOUT, { ...SITE, origin: 'http://example.org' }, end(0)]],
    ['a site that is no origin', [ABOUT, { ...SITE, origin: `${ORIGIN}/inbox` }, end(0)]],
    ['a policy of another name', [ABOUT, { ...SITE, policy: 'none' }, end(0)]],
    ['a key that is too short', [ABOUT, { ...ACCOUNT, privateKey: new Uint8Array(31) }, end(0)]],
    ['the device 0', [ABOUT, { ...ACCOUNT, deviceId: 0 }, end(0)]],
    ['an address with a resource', [ABOUT, { ...ACCOUNT, jid: `${JULIET}/tab` }, end(0)]],
    [
      'a trust of another name',
      [ABOUT, ACCOUNT, { ...PEER, keys: [{ ...PEER.keys[0], trust: 'sure' }] }, end(0)],
    ],
    [
      'more keys',
      [ABOUT, ACCOUNT, { ...PEER, keys: many(MAX_BACKUP_KEYS + 1, PEER.keys[0]) }, end(0)],
    ],
    [
      'more devices',
      [ABOUT, ACCOUNT, { ...PEER, devices: many(MAX_BACKUP_DEVICES + 1, PEER.devices[0]) }, end(0)],
    ],
    [
      'a longer text',
      [ABOUT, ACCOUNT, ARCHIVE, { ...TEXT, text: 'x'.repeat(MAX_BACKUP_TEXT + 1) }, end(1)],
    ],
    ['a time before all', [ABOUT, ACCOUNT, ARCHIVE, { ...TEXT, at: -1 }, end(1)]],
  ])('is refused with %s', (_name, entries) => {
    expect(() => collect(entries)).toThrow(refused());
  });

  it('is taken up to each limit', () => {
    const peer = {
      ...PEER,
      keys: many(MAX_BACKUP_KEYS, PEER.keys[0]),
      devices: many(MAX_BACKUP_DEVICES, PEER.devices[0]),
    };
    const text = { ...TEXT, text: 'x'.repeat(MAX_BACKUP_TEXT) };
    const { texts } = collect([ABOUT, ACCOUNT, peer, ARCHIVE, text, end(1)]);
    expect(texts).toHaveLength(1);
  });

  it('is held up to a number of records, and refused with one more', () => {
    const sites = Array.from({ length: MAX_BACKUP_HELD }, (_, index) => ({
      ...SITE,
      origin: `https://s${index}.example.org`,
    }));
    const inFrames = (entries: readonly unknown[]) => {
      const writer = createBackupWriter(SECRET, seeded('file'));
      const collector = createCollector(SECRET);
      collector.read(writer.header, false);
      for (let at = 0; at < entries.length; at += 1000)
        collector.read(writer.frame(encode(entries.slice(at, at + 1000)), false), false);
      collector.read(writer.frame(encode([end(0)]), true), true);
      return collector.collected().sites.length;
    };
    expect(inFrames([ABOUT, ...sites])).toBe(MAX_BACKUP_HELD);
    const more = [ABOUT, ...sites, { ...SITE, origin: 'https://more.example.org' }];
    expect(() => inFrames(more)).toThrow(refused('limit'));
  });

  it('counts as texts what has one', () => {
    const { text: _none, ...empty } = TEXT;
    const all = [ABOUT, ACCOUNT, ARCHIVE, TEXT, { ...empty, digest: new Uint8Array(32) }, end(2)];
    expect(collect(all).collected.texts).toBe(1);
  });

  it('drops what nobody asked for', () => {
    const { collected } = collect([ABOUT, { ...SITE, isProtected: true }, end(0)]);
    expect(collected.sites).toEqual([SITE]);
  });
});

it('an identity of two keys is refused before it is shown', async () => {
  const reviewOf = (publicKey: Uint8Array) => {
    const writer = createBackupWriter(SECRET, seeded('file'));
    const entries = [ABOUT, { ...ACCOUNT, publicKey }, end(0)];
    const restoration = createRestoration(contextOver(createDatabase(freshName())), SECRET);
    restoration.read(Buffer.concat([writer.header, writer.frame(encode(entries), true)]), true);
    return restoration.review();
  };
  expect((await reviewOf(IDENTITY.publicKey)).identities).toHaveLength(1);
  await expect(reviewOf(KEY)).rejects.toMatchObject({ code: 'bad-backup' });
});
