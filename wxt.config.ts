// Build of the extension. No host permission and no content script stands in the manifest: sites are granted one by
// one at run time and the scripts are registered by us (design D16).
import type { PluginOption } from 'vite';
import { defineConfig } from 'wxt';

function iconsOf(state: string, sizes: readonly number[]): Record<string, string> {
  return Object.fromEntries(sizes.map((size) => [String(size), `icon/${state}-${size}.png`]));
}

/**
 * Scripts are bundled without the strict mode their modules had. In the page's world that shows: a page finds functions of
 * ours by the `caller` of its own and in call sites.
 */
const strictScripts: PluginOption = {
  name: 'strict-scripts',
  enforce: 'post',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk' || !['hook.js', 'bridge.js'].includes(chunk.fileName)) continue;
      chunk.code = `"use strict";${chunk.code}`;
    }
  },
};

export default defineConfig({
  imports: false,
  manifestVersion: 3,
  publicDir: 'public',
  vite: () => ({
    build: { sourcemap: false, target: 'es2022' },
    plugins: [strictScripts],
  }),
  manifest: {
    name: 'Omnemo',
    short_name: 'Omnemo',
    description: 'OMEMO end-to-end encryption for web XMPP clients that have none.',
    minimum_chrome_version: '148',
    permissions: ['storage', 'unlimitedStorage', 'scripting', 'activeTab'],
    optional_host_permissions: ['https://*/*', 'http://localhost/*', 'http://127.0.0.1/*'],
    // Byte arrays cross runtime ports intact; without it Chromium turns them into plain objects.
    ...({ message_serialization: 'structured_clone' } as object),
    content_security_policy: {
      extension_pages:
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
    },
    icons: iconsOf('on', [16, 32, 48, 128]),
    action: {
      default_title: 'Omnemo',
      default_popup: 'popup.html',
      default_icon: iconsOf('off', [16, 32, 48]),
    },
  },
});
