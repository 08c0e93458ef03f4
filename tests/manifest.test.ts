// The permissions and the content policy of the extension, so that no change of them goes unseen (design D16, D20).
import { expect, it } from 'vitest';
import config from '../wxt.config';

function manifest(): Readonly<Record<string, unknown>> {
  const value: unknown = config.manifest;
  if (typeof value !== 'object' || value === null)
    throw new Error('the manifest is no plain object');
  return Object.fromEntries(Object.entries(value));
}

it('asks for exactly these permissions', () => {
  expect(manifest()['permissions']).toEqual([
    'storage',
    'unlimitedStorage',
    'scripting',
    'activeTab',
  ]);
});

it('reaches no site at install, and only https and this machine when granted', () => {
  expect(manifest()['host_permissions']).toBeUndefined();
  expect(manifest()['optional_host_permissions']).toEqual([
    'https://*/*',
    'http://localhost/*',
    'http://127.0.0.1/*',
  ]);
});

it('declares no content script and nothing that pages could load', () => {
  expect(manifest()['content_scripts']).toBeUndefined();
  expect(manifest()['web_accessible_resources']).toBeUndefined();
  expect(manifest()['externally_connectable']).toBeUndefined();
});

it('allows its own pages no eval, no inline and no foreign script', () => {
  const { extension_pages: policy } = Object(manifest()['content_security_policy']);
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

it('lets byte arrays cross runtime ports', () => {
  expect(manifest()['message_serialization']).toBe('structured_clone');
});
