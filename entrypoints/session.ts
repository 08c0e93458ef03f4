// Isolated world, loaded by the background once a protected document has an XMPP stream: one StreamSession per stream.
import browser from 'webextension-polyfill';
import { defineUnlistedScript } from 'wxt/utils/define-unlisted-script';
import { startSession } from '../src/session/start';

export default defineUnlistedScript(() =>
  startSession({
    connect: () => browser.runtime.connect({ name: 'session' }),
    onMessage: (listener) => browser.runtime.onMessage.addListener(listener),
    onRestored: (listener) =>
      addEventListener('pageshow', ({ persisted }) => {
        if (persisted) listener();
      }),
  }),
);
