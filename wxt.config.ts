// Build of the extension for Chromium and, with `-b firefox`, for Firefox.
import type { PluginOption } from 'vite';
import { defineConfig } from 'wxt';
import { manifestFor } from './manifest';

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
  vite: ({ mode }) => {
    // What the shell says would decide: with `development` or `test`, the build names its own folder and is another on every machine.
    process.env['NODE_ENV'] = mode;
    return { build: { sourcemap: false, target: 'es2022' }, plugins: [strictScripts] };
  },
  manifest: ({ browser }) => manifestFor(browser),
  // Firefox keeps an add-on over a restart only as an archive; the sources are no part of it.
  zip: { artifactTemplate: 'omnemo-{{browser}}.zip', zipSources: false },
});
