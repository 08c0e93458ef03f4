// The production build: what it asks for, what it weighs in every page, and what must not be in it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BUILD } from '../support/chromium';

const read = (file: string) => readFileSync(path.join(BUILD, file), 'utf8');

function scripts(): string[] {
  return readdirSync(BUILD, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.js'),
  );
}

describe('the built manifest', () => {
  const manifest: Record<string, unknown> = JSON.parse(read('manifest.json'));

  it('has exactly the permissions of the configuration', () => {
    expect(manifest['permissions']).toEqual([
      'storage',
      'unlimitedStorage',
      'scripting',
      'activeTab',
      'declarativeNetRequestWithHostAccess',
      'idle',
    ]);
  });

  it.each(['host_permissions', 'content_scripts', 'web_accessible_resources'])(
    'has no %s',
    (key) => {
      expect(manifest[key]).toBeUndefined();
    },
  );

  it('names files that exist', () => {
    const { service_worker: worker } = Object(manifest['background']);
    const { default_popup: popup } = Object(manifest['action']);
    for (const file of [worker, popup, 'hook.js', 'bridge.js', 'session.js'])
      expect(existsSync(path.join(BUILD, String(file))), String(file)).toBe(true);
  });
});

describe('the built scripts', () => {
  it('hold no eval, no code from strings and no address of foreign code', () => {
    expect(scripts().length).toBeGreaterThan(4);
    for (const file of scripts()) {
      expect(read(file), file).not.toMatch(
        /\beval\(|new Function\(|importScripts\(|import\(['"]http/,
      );
    }
  });

  it.each(['hook.js', 'bridge.js'])('run strictly, as their modules did: %s', (file) => {
    expect(read(file)).toMatch(/^"use strict";\(function\(\)/);
  });

  it('keep the hook under 8 kB gzip', () => {
    expect(gzipSync(read('hook.js')).length).toBeLessThan(8192);
  });

  // The browser's own parser makes the `responseXML` a page reads of an answer that is changed; nothing is decided by it.
  it('keep extension API, XML library and keys out of the hook', () => {
    expect(read('hook.js')).not.toMatch(/\bchrome\.|\bbrowser\.|indexedDB|Strophe/);
  });
});
