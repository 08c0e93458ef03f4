// The direction of every import in src and entrypoints, and the packages that may be used where.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, layerViolations } from './support/layers';

const ROOT = path.join(import.meta.dirname, '..');

function sources(): Map<string, string> {
  const files = ['src', 'entrypoints'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file))
      .map((file) => path.posix.join(folder, file.split(path.sep).join('/'))),
  );
  return new Map(files.map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')]));
}

function tree(files: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(files));
}

describe('import directions', () => {
  it('hold in all files', () => {
    const files = sources();
    expect(files.size).toBeGreaterThan(5);
    expect(layerViolations(files)).toEqual([]);
  });
});

describe('the check itself', () => {
  it('reads every form of import', () => {
    const source = [
      "import a from './a';",
      "import type { B } from './b';",
      "import { type C, type D } from './c';",
      "import { type E, f } from './e';",
      'import {',
      '  g,',
      "} from './g';",
      "export * from './h';",
      "import './i.css';",
      "const lazy = () => import('./j');",
      "// import no from './comment';",
    ].join('\n');
    expect(importsOf(source)).toEqual([
      { target: './a', isTypeOnly: false },
      { target: './b', isTypeOnly: true },
      { target: './c', isTypeOnly: true },
      { target: './e', isTypeOnly: false },
      { target: './g', isTypeOnly: false },
      { target: './h', isTypeOnly: false },
      { target: './i.css', isTypeOnly: false },
      { target: './j', isTypeOnly: false },
    ]);
  });

  const base = {
    'src/vault/db.ts': "import { openDB } from 'idb';",
    'src/rpc/api.ts': "import type { Bundle } from '../omemo/types';",
    'src/omemo/types.ts': 'export type Bundle = 1;',
    'src/jid.ts': '',
    'src/log.ts': '',
  };

  it('accepts what the table allows', () => {
    const files = tree({
      ...base,
      'src/vault/service.ts': "import { open } from './db'; import { b } from '../omemo/types';",
      'src/crypto/kdf.ts': "import { hkdf } from '@noble/hashes/hkdf.js';",
      'src/stream/hook/lane.ts': "import type { Bundle } from '../../rpc/api';",
      'entrypoints/background.ts': "import { x } from '../src/vault/service';",
    });
    expect(layerViolations(files)).toEqual([]);
  });

  it.each([
    ['src/session/a.ts', "import { open } from '../vault/db';"],
    ['src/crypto/a.ts', "import { bareJid } from '../jid';"],
    ['src/omemo/a.ts', "import { log } from '../log';"],
    ['src/rpc/a.ts', "import { Bundle } from '../omemo/types';"],
    ['src/stream/hook/a.ts', "import { Bundle } from '../../rpc/api';"],
    ['src/stream/hook/a.ts', "import { log } from '../../log';"],
    ['src/stream/bridge/a.ts', "import browser from 'webextension-polyfill';"],
    ['src/session/a.ts', "import { $msg } from 'strophe.js';"],
    ['src/omemo/a.ts', "import { gcm } from '@noble/ciphers/aes.js';"],
    ['src/vault/a.ts', "import { openDB } from 'idb';"],
    ['src/ui/a.tsx', "import _ from 'lodash';"],
    ['src/jid.ts', "import { log } from './log';"],
    ['src/vault/a.ts', "export { gone } from './nowhere';"],
  ])('refuses in %s: %s', (file, source) => {
    expect(layerViolations(tree({ ...base, [file]: source }))).toHaveLength(1);
  });

  it('finds a circle', () => {
    const files = tree({
      'src/vault/a.ts': "import { b } from './b';",
      'src/vault/b.ts': "import { a } from './a';",
    });
    expect(layerViolations(files)).toEqual([
      'circle: src/vault/a.ts → src/vault/b.ts → src/vault/a.ts',
    ]);
  });
});
