// bridge.js, isolated world, document_start, before hook.js. No polyfill here: this runs in every page of a protected site.
import { defineUnlistedScript } from 'wxt/utils/define-unlisted-script';
import { startBridge } from '../src/stream/bridge/bridge';
import { loadSession } from '../src/stream/bridge/load-session';

export default defineUnlistedScript(() => {
  startBridge({ scope: globalThis, document, loadSession: () => loadSession(globalThis) });
});
