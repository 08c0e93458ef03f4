// A web site on localhost: Converse as it comes from npm, its own OMEMO left out unless asked for, and some pages that are
// no XMPP client.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { portOf } from './ports';

const DIST = path.join(import.meta.dirname, '..', '..', 'node_modules', 'converse.js', 'dist');

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
  '.mp3': 'audio/mpeg',
};

export interface Site {
  readonly origin: string;
  /** The page of one person; a reload logs the same person in again. */
  converseUrl(person: {
    jid: string;
    password: string;
    /** ws: or wss: is a WebSocket, http: or https: is BOSH. */
    url: string;
    /** Converse encrypts by itself, in every chat where it can; `silent` without telling what its user does. */
    omemo?: 'on' | 'silent';
    /** False: Converse keeps no session over a lost connection, like clients without stream management. */
    resumes?: boolean;
    /** Converse keeps one connection for all its tabs in a shared worker. */
    sharesConnection?: boolean;
  }): string;
  /** A page whose body is this HTML. */
  pageUrl(html: string): string;
  stop(): Promise<void>;
}

const CONVERSE_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Converse</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/dist/converse.min.css">
<style>body { margin: 0 }</style>
</head>
<body class="converse-fullscreen">
<div id="conversejs-bg"></div>
<!-- Converse's OMEMO looks for its library beside a script with a src; the module is still run only once. -->
<script type="module" src="/dist/converse.min.js"></script>
<script type="module">
import converse from '/dist/converse.min.js';
const query = new URLSearchParams(location.search);
const hasOmemo = query.has('omemo');
// Tells the test what Converse itself says about its connection, and opens chats.
converse.plugins.add('probe', {
  initialize() {
    const { api } = this._converse;
    const { u } = converse.env;
    const say = (state) => () => { document.documentElement.dataset.connection = state; };
    api.listen.on('connected', say('connected'));
    api.listen.on('reconnected', say('connected'));
    api.listen.on('disconnected', say('disconnected'));
    api.listen.on('will-reconnect', say('disconnected'));
    document.receivedFrames = [];
    api.listen.on('connectionInitialized', () => {
      api.connection.get().rawInput = (data) => document.receivedFrames.push(data);
    });
    document.addEventListener('test:open-chat', (event) => api.chats.open(event.detail, {}, true));
    document.addEventListener('test:send', (event) => api.send(u.toStanza(event.detail)));
    document.addEventListener('test:log-out', () => api.user.logout());
    if (!hasOmemo) return;
    api.listen.on('OMEMOInitialized', async () => {
      document.documentElement.dataset.device = await api.omemo.getDeviceID();
      document.documentElement.dataset.omemo = 'ready';
    });
    // What its own windows show: a line for each version of OMEMO and device.
    document.fingerprintsOf = async (jid) => {
      const versions = ['eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:2'];
      const shown = versions.map(async (version) => {
        const devices = await u.omemo.getDevicesForContact(jid, version);
        await Promise.all(devices.map((device) => u.omemo.generateFingerprint(device)));
        return devices.map((device) =>
          [version, device.get('id'), device.get('bundle').fingerprint].join(' '));
      });
      return (await Promise.all(shown)).flat();
    };
  },
});
converse.initialize({
  assets_path: '/dist',
  authentication: 'login',
  auto_login: true,
  auto_away: 0,
  auto_reconnect: true,
  blacklisted_plugins: hasOmemo ? [] : ['converse-omemo', 'converse-omemo-views'],
  clear_cache_on_logout: false,
  connection_options: query.has('worker') ? { worker: '/dist/shared-connection-worker.js' } : {},
  discover_connection_methods: false,
  enable_smacks: query.get('resumes') !== 'no',
  i18n: 'en',
  jid: query.get('jid'),
  keepalive: true,
  loglevel: 'warn',
  // Receipts fill the archive. Told to fetch all pages, Converse 14 forgets after the first where it was and asks for the
  // oldest: what lies between is missing, also without us.
  archived_messages_page_size: 500,
  message_archiving: 'always',
  muc_show_logs_before_join: false,
  notify_all_room_messages: false,
  ...(hasOmemo ? { omemo_default: true } : {}),
  password: query.get('password'),
  persistent_store: 'IndexedDB',
  play_sounds: false,
  send_chat_state_notifications: query.get('omemo') !== 'silent',
  show_client_info: false,
  show_desktop_notifications: false,
  theme: 'classic',
  view_mode: 'fullscreen',
  [query.get('url').startsWith('ws') ? 'websocket_url' : 'bosh_service_url']: query.get('url'),
  whitelisted_plugins: ['probe'],
});
</script>
</body>
</html>
`;

/** A worker of each kind that logs in by itself: it is told the server, the page never shows it a stanza. Answers what came of it. */
const WORKER = `
const run = (url, answer) => {
  try {
    const socket = new WebSocket(url, 'xmpp');
    socket.onopen = () => {
      socket.send("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='omnemo.test' version='1.0'/>");
      answer('open');
    };
    socket.onerror = () => answer('refused');
  } catch {
    answer('refused');
  }
};
onconnect = ({ ports: [port] }) => { port.onmessage = ({ data }) => run(data, (said) => port.postMessage(said)); };
oninstall = () => skipWaiting();
onmessage = ({ data, source }) => run(data, (said) => (source ?? self).postMessage(said));
`;

function fileFor(pathname: string): string | undefined {
  if (!pathname.startsWith('/dist/')) return undefined;
  const file = path.join(DIST, path.normalize(decodeURIComponent(pathname.slice(6))));
  if (!file.startsWith(DIST + path.sep) || !existsSync(file)) return undefined;
  return statSync(file).isFile() ? file : undefined;
}

export async function startSite(): Promise<Site> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const html =
      url.pathname === '/converse'
        ? CONVERSE_PAGE
        : url.pathname === '/page'
          ? `<!doctype html><title>page</title>${url.searchParams.get('html') ?? ''}`
          : undefined;
    if (html !== undefined) {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
      return;
    }
    if (url.pathname === '/own.js') {
      response.writeHead(200, { 'content-type': TYPES['.js'] }).end(WORKER);
      return;
    }
    const file = fileFor(url.pathname);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=3600' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://localhost:${portOf(server)}`;
  return {
    origin,
    converseUrl: ({ jid, password, url, omemo, resumes = true, sharesConnection }) => {
      const query = new URLSearchParams({ jid, password, url });
      if (omemo !== undefined) query.set('omemo', omemo);
      if (!resumes) query.set('resumes', 'no');
      if (sharesConnection === true) query.set('worker', '');
      return `${origin}/converse?${query}`;
    },
    pageUrl: (html) => `${origin}/page?${new URLSearchParams({ html })}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
