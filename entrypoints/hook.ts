// hook.js, page world, document_start: puts the WebSocket and the BOSH requests of the page behind the bridge, and streams of
// its workers out of reach.
import { defineUnlistedScript } from 'wxt/utils/define-unlisted-script';
import { openChannel } from '../src/stream/hook/channel';
import { captureNatives, hideProxies } from '../src/stream/hook/natives';
import { installBeacon, installFetch } from '../src/stream/hook/fetch';
import { captureFetch } from '../src/stream/hook/natives-fetch';
import { captureHttp } from '../src/stream/hook/natives-http';
import { createRequests } from '../src/stream/hook/requests';
import { installWebSocket } from '../src/stream/hook/websocket';
import { installWorkers } from '../src/stream/hook/workers';
import { installXhr } from '../src/stream/hook/xhr';

export default defineUnlistedScript(() => {
  const natives = captureNatives(globalThis);
  const http = captureHttp(globalThis, natives);
  const channel = openChannel(globalThis, natives);
  installWebSocket(globalThis, natives, channel);
  installWorkers(globalThis, natives, channel);
  const requests = createRequests(channel, http);
  installXhr(natives, http, requests);
  installFetch(globalThis, natives, captureFetch(globalThis), requests);
  installBeacon(http, requests);
  hideProxies(globalThis);
});
