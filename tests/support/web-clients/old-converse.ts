// Converse 7 as it comes from npm, its own OMEMO left out: an older line of what Converse 14 is.
import path from 'node:path';
import { saysConnection, type ClientKind, type ShownText } from './client';

const DIST = path.join(
  import.meta.dirname,
  ...['..', '..', '..', 'node_modules', 'converse-old', 'dist'],
);

const HTML = `<link rel="stylesheet" href="/dist/converse.min.css">
<script src="/dist/converse.min.js"></script>
<body class="converse-fullscreen">
<script>
const { jid, password, url, contact } = Object.fromEntries(new URLSearchParams(location.search));
const say = (state) => () => { document.documentElement.dataset.connection = state; };
converse.plugins.add('probe', {
  initialize() {
    const { api } = this._converse;
    for (const event of ['connected', 'reconnected']) api.listen.on(event, say('connected'));
    for (const event of ['disconnected', 'will-reconnect']) api.listen.on(event, say('disconnected'));
    document.addEventListener('test:open-chat', () => api.chats.open(contact, {}, true));
    document.addEventListener('test:log-out', () => api.user.logout());
  },
});
converse.initialize({
  assets_path: '/dist/',
  authentication: 'login',
  auto_login: true,
  auto_reconnect: true,
  blacklisted_plugins: ['converse-omemo'],
  clear_cache_on_logout: false,
  discover_connection_methods: false,
  enable_smacks: true,
  i18n: 'en',
  jid,
  keepalive: true,
  loglevel: 'warn',
  message_archiving: 'always',
  notify_all_room_messages: false,
  password,
  play_sounds: false,
  show_desktop_notifications: false,
  view_mode: 'fullscreen',
  websocket_url: url,
  whitelisted_plugins: ['probe'],
});
</script>`;

const TEXT = 'textarea.chat-textarea';

export const OLD_CONVERSE: ClientKind = {
  name: 'Converse 7.0.6',
  transport: 'websocket',
  resumes: true,
  // It counts no IQ it sends as sent.
  usual: /Higher reported acknowledge count/,
  folders: { dist: DIST },
  html: HTML,
  drive: (page) => ({
    page,
    ready: async () => {
      await saysConnection(page, 'connected');
      await page.evaluate(() => document.dispatchEvent(new CustomEvent('test:open-chat')));
      await page.waitForSelector(TEXT, { timeout: 60_000 });
    },
    disconnected: () => saysConnection(page, 'disconnected'),
    send: async (text) => {
      await page.bringToFront();
      await page.focus(TEXT);
      await page.evaluate((typed) => document.execCommand('insertText', false, typed), text);
      await page.keyboard.press('Enter');
    },
    texts: () =>
      page.$$eval('.chat-msg', (items) =>
        items.map((item): ShownText => {
          const error = item.querySelector('.chat-msg__error')?.textContent?.trim();
          return {
            text: item.querySelector('.chat-msg__text')?.textContent?.trim() ?? '',
            direction: item.querySelector('.chat-msg__content--me') ? 'sent' : 'received',
            ...(error ? { error } : {}),
          };
        }),
      ),
    logOut: async () => {
      await page.evaluate(() => document.dispatchEvent(new CustomEvent('test:log-out')));
      await saysConnection(page, 'disconnected');
    },
  }),
};
