// The console of a page is open to the page's owner and to whoever looks over the user's shoulder: nothing of a chat is in it (I-129).
import { chat, fails, makeWorld, quiet, ready, ROMEO, until } from './stream-world';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NS } from '../../src/xml/ns';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

const METHODS = ['debug', 'log', 'info', 'warn', 'error', 'trace', 'dir'] as const;
let lines: string[];
beforeEach(() => {
  lines = [];
  for (const method of METHODS) {
    vi.spyOn(console, method).mockImplementation((...all: readonly unknown[]) => {
      lines.push(all.map(String).join(' '));
    });
  }
});
afterEach(() => vi.restoreAllMocks());

/** Area, code and numbers. */
const LINE = /^omnemo [a-z0-9-]+ [A-Za-z0-9-]+(?: [A-Za-z]+=-?[0-9.]+)*$/;

describe('the console (I-129)', () => {
  it.each(['attach', 'ownBundle', 'listSeen', 'encrypt', 'decrypt', 'capsKnown'] as const)(
    'gets codes only where %s fails',
    async (name) => {
      const world = await makeWorld();
      world.vault.faults.set(name, fails('internal'));
      const page = world.connect();
      await page.bind();
      await quiet();
      page.send("<presence xmlns='jabber:client'/>");
      page.send(chat('1', 'a text nobody else reads'));
      page.send('<message id="2"><body>not well-formed');
      world.server.send(
        `<message xmlns='jabber:client' from='${ROMEO}/x' id='3'><encrypted xmlns='${NS.legacy}'><header sid='1'/></encrypted></message>`,
      );
      world.server.send(
        `<message xmlns='jabber:client' from='${ROMEO}'><event xmlns='${NS.pubsubEvent}'><items node='${NS.legacy}.devicelist'><item><list xmlns='urn:x'/></item></items></event></message>`,
      );
      await quiet(200);
      expect(lines.filter((line) => !LINE.test(line))).toEqual([]);
    },
  );

  it('gets a line at all: what is tested here is not silence', async () => {
    const world = await makeWorld();
    world.vault.faults.set('attach', fails('storage'));
    const page = world.connect();
    await page.bind();
    await until(() => lines.length > 0, 'a line');
    expect(lines).toEqual(['omnemo stream storage-failed']);
  });

  it('gets nothing where all goes well', async () => {
    const world = await makeWorld();
    const page = await ready(world);
    page.send(chat('1', 'hello'));
    await until(() => world.server.messages.length > 0, 'sending');
    await quiet();
    expect(lines).toEqual([]);
  });

  it('is written to in one file only, and never in the world of the page', () => {
    const sources = (folder: string): readonly string[] =>
      readdirSync(folder).flatMap((name) => {
        const file = path.join(folder, name);
        return statSync(file).isDirectory() ? sources(file) : [file];
      });
    const root = path.join(import.meta.dirname, '..', '..');
    const files = ['src', 'entrypoints'].flatMap((folder) => sources(path.join(root, folder)));
    const writing = files.filter((file) => /\bconsole\b\s*[.[]/.test(readFileSync(file, 'utf8')));
    expect(files.length).toBeGreaterThan(50);
    expect(writing.map((file) => path.relative(root, file))).toEqual(['src/log.ts']);
  });
});
