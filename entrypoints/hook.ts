// hook.js, page world, document_start: puts the WebSocket of the page behind the bridge.
import { defineUnlistedScript } from 'wxt/utils/define-unlisted-script';
import { openChannel } from '../src/stream/hook/channel';
import { captureNatives, hideProxies } from '../src/stream/hook/natives';
import { installWebSocket } from '../src/stream/hook/websocket';

export default defineUnlistedScript(() => {
  const natives = captureNatives(globalThis);
  installWebSocket(globalThis, natives, openChannel(globalThis, natives));
  hideProxies(globalThis);
});
