// What is handed out is what this tree says (M83): two checkouts build the same archives, byte for byte, a changed byte is named, and
// the packages in the build are those README.md lists.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { strToU8, unzipSync, zipSync, type Zippable } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagesInReadme } from '../support/packages-table';
import { tempFolder } from '../support/temp';

const ROOT = path.join(import.meta.dirname, '..', '..');
const BROWSERS = ['chrome', 'firefox'] as const;
/** Nothing a clone would have. */
const NOT_CHECKED_OUT = new Set(['node_modules', '.git', '.output', '.wxt', '.artifacts']);
/** No other: each one more would be another right, or another way in. */
const KEYS = [
  ...['manifest_version', 'name', 'short_name', 'description', 'version', 'icons', 'action'],
  ...['permissions', 'optional_host_permissions', 'content_security_policy'],
  ...['incognito', 'background'],
];
const KEYS_OF = {
  chrome: ['minimum_chrome_version', 'message_serialization'],
  firefox: ['browser_specific_settings'],
} as const;
const run = promisify(execFile);
const folder = tempFolder('supply');
afterAll(() => folder.remove());

type Browser = (typeof BROWSERS)[number];
type Archives = Readonly<Record<Browser, Buffer>>;

/** A checkout below `name`, its packages from the lockfile, and what it builds for both browsers. */
async function archivesOf(name: string, umask: string, env: object): Promise<Archives> {
  const cwd = path.join(folder.path, name);
  mkdirSync(cwd, { recursive: true });
  cpSync(ROOT, cwd, {
    recursive: true,
    filter: (source) => !NOT_CHECKED_OUT.has(path.relative(ROOT, source)),
  });
  const commands = [
    `umask ${umask}`,
    'npm ci --ignore-scripts --no-audit --no-fund --prefer-offline',
    'npx --no-install wxt zip',
    'npx --no-install wxt zip -b firefox',
  ];
  await run('sh', ['-c', commands.join(' && ')], { cwd, env: { ...process.env, ...env } });
  const read = (browser: Browser) => readFileSync(path.join(cwd, `.output/omnemo-${browser}.zip`));
  return { chrome: read('chrome'), firefox: read('firefox') };
}

/** What `npm run verify-zip` says of an archive, and its exit code. */
async function verify(bytes: Uint8Array): Promise<{ code: number; lines: string[] }> {
  const file = path.join(folder.path, 'given.zip');
  writeFileSync(file, bytes);
  const script = path.join(ROOT, 'tests', 'run', 'verify-zip.mjs');
  const done = await run(process.execPath, [script, file], { cwd: folder.path }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: unknown) => ({ code: Object(error).code, stdout: String(Object(error).stdout) }),
  );
  return { code: done.code, lines: done.stdout.trim().split('\n') };
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const repacked = (files: Zippable) => zipSync(files, { mtime: new Date(1980, 0, 1) });

let first: Archives;
let second: Archives;
beforeAll(async () => {
  [first, second] = await Promise.all([
    archivesOf('one', '022', { TZ: 'UTC', NODE_ENV: 'test' }),
    archivesOf('another one/deeper', '077', { TZ: 'Asia/Tokyo', NODE_ENV: 'development' }),
  ]);
});

describe.each(BROWSERS)('the archive for %s', (browser) => {
  it('is the same from two checkouts, byte for byte', () => {
    console.log(`${browser}: ${hashOf(first[browser])} and ${hashOf(second[browser])}`);
    expect(hashOf(second[browser])).toBe(hashOf(first[browser]));
  });

  it('says nothing of the folder it was built in', () => {
    const files = Object.entries(unzipSync(first[browser]));
    expect(files.length).toBeGreaterThan(15);
    for (const [name, bytes] of files)
      for (const trace of [folder.path, ROOT, 'node_modules', 'file://', 'sourceMappingURL'])
        expect(Buffer.from(bytes).includes(trace), `${name}: ${trace}`).toBe(false);
  });

  it('has a manifest of these keys and permissions only, which allows no eval', () => {
    const text = Buffer.from(unzipSync(first[browser])['manifest.json'] ?? []).toString();
    const manifest: Readonly<Record<string, unknown>> = JSON.parse(text);
    expect(Object.keys(manifest).sort()).toEqual([...KEYS, ...KEYS_OF[browser]].sort());
    expect(manifest).toMatchObject({
      permissions: [
        'storage',
        'unlimitedStorage',
        'scripting',
        'activeTab',
        'declarativeNetRequestWithHostAccess',
        'idle',
      ],
      optional_host_permissions: ['https://*/*', 'http://localhost/*', 'http://127.0.0.1/*'],
    });
    const { extension_pages: policy, ...others } = Object(manifest['content_security_policy']);
    expect(others).toEqual({});
    expect(String(policy).split('; ')).toEqual(
      expect.arrayContaining(["default-src 'none'", "script-src 'self'"]),
    );
    expect(String(policy)).not.toMatch(/unsafe|wasm/);
  });

  it('is told to be what the tree builds', async () => {
    expect(await verify(second[browser])).toEqual({
      code: 0,
      lines: [
        `given ${hashOf(first[browser])}`,
        `built ${hashOf(first[browser])} (${browser})`,
        'the same, byte for byte',
      ],
    });
  });
});

describe('an archive that is not what the tree builds', () => {
  it('has each changed, added and missing file named', async () => {
    const files = unzipSync(first.chrome);
    const changed = Buffer.from(files['background.js'] ?? []);
    changed[100] = (changed[100] ?? 0) ^ 1;
    const { 'icon/on-16.png': _gone, ...rest } = files;
    const given = repacked({ ...rest, 'background.js': changed, 'more.js': strToU8('1') });
    const { code, lines } = await verify(given);
    expect(code).toBe(1);
    expect(lines.slice(0, -3)).toEqual([
      `background.js: differs from byte 100 on (${changed.length} bytes, built ${changed.length})`,
      'icon/on-16.png: missing',
      'more.js: not built from this tree',
    ]);
    expect(lines.at(-1)).toBe('NOT THE SAME');
  });

  it('is found by a byte that belongs to no file', async () => {
    const { code, lines } = await verify(Buffer.concat([first.firefox, Buffer.from([0])]));
    expect(code).toBe(1);
    expect(lines[0]).toBe(
      `the archive: every file is the same, but it is packed differently from byte ${first.firefox.length} on`,
    );
  });

  it('is refused where it is no archive', async () => {
    expect(await verify(strToU8('no archive'))).toMatchObject({ code: 2 });
  });
});

describe('the packages in the build', () => {
  it('are those README.md lists, with the size it tells', async () => {
    const script = path.join(ROOT, 'tests', 'run', 'packages.mjs');
    const { stdout } = await run(process.execPath, [script]);
    const found: readonly { name: string; version: string; license: string; bytes: number }[] =
      JSON.parse(stdout);
    const rows = packagesInReadme();
    expect(found.map(({ name, version, license }) => [name, version, license])).toEqual(
      rows.map(({ name, version, licence }) => [name, version, licence]),
    );
    for (const { name, bytes } of found) {
      const told = rows.find((row) => row.name === name)?.kilobytes ?? 0;
      // Names that the minifier shortens differ by what else is in the script.
      expect(Math.abs(told - bytes / 1000), `${name}: ${bytes} bytes`).toBeLessThan(
        0.1 + told * 0.05,
      );
    }
  });
});
