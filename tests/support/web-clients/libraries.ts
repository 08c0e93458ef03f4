// Clients that are a library under a small window of ours: strophe.js, @xmpp/client, stanza.
import path from 'node:path';
import { saysConnection, type ClientKind, type ShownText } from './client';

const HTML = `<main>
<header><h1></h1><button id="log-out">Log out</button></header>
<ol id="messages"></ol>
<form autocomplete="off"><input name="text" aria-label="Message" disabled><button disabled>Send</button></form>
</main>
<style>
body { margin: 0; font: 15px/1.4 sans-serif; background: #e8ebf0 }
main { display: flex; flex-direction: column; height: 100vh; max-width: 42em; margin: auto; background: white }
header { display: flex; justify-content: space-between; align-items: center; padding: 0 1em; background: #24476b; color: white }
h1 { font-size: 1.1em }
ol { flex: 1; overflow: auto; list-style: none; margin: 0; padding: 1em; display: flex; flex-direction: column; gap: .5em }
li { max-width: 75%; padding: .4em .8em; border-radius: .8em; background: #e8ebf0; align-self: start; white-space: pre-wrap }
li[data-direction='sent'] { align-self: end; background: #cfe3f7 }
li[data-error] { background: #f7d4d0 }
form { display: flex; gap: .5em; padding: 1em }
input { flex: 1; font: inherit; padding: .4em }
</style>
<script src="/client.js"></script>`;

function library(name: string, script: string, resumes: boolean): ClientKind {
  return {
    name,
    transport: 'websocket',
    resumes,
    folders: {},
    html: HTML,
    script: path.join(import.meta.dirname, 'pages', script),
    drive: (page) => ({
      page,
      ready: () => saysConnection(page, 'connected'),
      disconnected: () => saysConnection(page, 'disconnected'),
      send: async (text) => {
        await page.bringToFront();
        await page.click('input');
        await page.evaluate((typed) => document.execCommand('insertText', false, typed), text);
        await page.keyboard.press('Enter');
      },
      texts: () =>
        page.$$eval('#messages li', (items) =>
          items.map((item): ShownText => {
            const { direction, error } = item instanceof HTMLElement ? item.dataset : {};
            return {
              text: item.textContent ?? '',
              direction: direction === 'sent' ? 'sent' : 'received',
              ...(error === undefined ? {} : { error }),
            };
          }),
        ),
      logOut: async () => {
        await page.click('#log-out');
        await saysConnection(page, 'disconnected');
      },
    }),
  };
}

export const STROPHE = library('strophe.js 5.0.0', 'strophe.js', false);
export const XMPP_CLIENT = library('@xmpp/client 0.14.0', 'xmpp-client.js', true);
export const STANZA = library('stanza 12.22.1', 'stanza.js', true);
