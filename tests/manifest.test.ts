// The permissions and the content policy of the extension, so that no change of them goes unseen (design D16, D20).
import { describe, expect, it } from 'vitest';
import { manifestFor } from '../manifest';

const manifestOf = (browser: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(manifestFor(browser)));

describe.each(['chrome', 'firefox'])('the manifest for %s', (browser) => {
  const manifest = manifestOf(browser);
  it('asks for exactly these permissions', () => {
    expect(manifest['permissions']).toEqual([
      'storage',
      'unlimitedStorage',
      'scripting',
      'activeTab',
      // Puts a header on answers of granted sites; of others it reaches nothing, and the browser warns of nothing.
      'declarativeNetRequestWithHostAccess',
      // The vault locks itself when nobody is there (M70).
      'idle',
    ]);
  });

  it('can get no permission later but those for sites', () => {
    expect(manifest['optional_permissions']).toBeUndefined();
  });

  it('reaches no site at install, and only https and this machine when granted', () => {
    expect(manifest['host_permissions']).toBeUndefined();
    expect(manifest['optional_host_permissions']).toEqual([
      'https://*/*',
      'http://localhost/*',
      'http://127.0.0.1/*',
    ]);
  });

  it('keeps out of private windows, which would share keys and past with the others (I-44)', () => {
    expect(manifest.incognito).toBe('not_allowed');
  });

  it('declares no content script and nothing that pages could load', () => {
    expect(manifest['content_scripts']).toBeUndefined();
    expect(manifest['web_accessible_resources']).toBeUndefined();
    expect(manifest['externally_connectable']).toBeUndefined();
  });

  it('allows its own pages no eval, no inline and no foreign script', () => {
    const { extension_pages: policy } = Object(manifest['content_security_policy']);
    const directives = new Map(
      String(policy)
        .split(';')
        .map((directive) => directive.trim().split(/\s+/))
        .map(([name = '', ...values]) => [name, values]),
    );
    expect(directives.get('default-src')).toEqual(["'none'"]);
    expect(directives.get('script-src')).toEqual(["'self'"]);
    expect(String(policy)).not.toMatch(/unsafe|wasm|https?:|data:|blob:/);
  });
});

it('lets byte arrays cross runtime ports in Chromium; Firefox does so by itself', () => {
  expect(manifestOf('chrome')['message_serialization']).toBe('structured_clone');
  expect(manifestOf('firefox')['message_serialization']).toBeUndefined();
});

it('names the oldest browser of each kind, and no other', () => {
  expect(manifestOf('chrome')['minimum_chrome_version']).toBe('148');
  expect(manifestOf('chrome')['browser_specific_settings']).toBeUndefined();
  expect(manifestOf('firefox')['minimum_chrome_version']).toBeUndefined();
  expect(manifestOf('firefox')['browser_specific_settings']).toEqual({
    gecko: {
      id: 'omnemo@extension',
      strict_min_version: '153.0',
      data_collection_permissions: { required: ['none'] },
    },
  });
});
