// Mounts the popup, for the active tab or, opened as a page of its own, for the site named in its address.
import { render } from 'preact';
import browser from 'webextension-polyfill';
import { createClient } from '../rpc/port';
import type { PopupApi } from '../rpc/popup-api';
import { App } from './app';
import { createStore } from './store';

interface Place {
  readonly origin?: string;
  readonly tabId?: number;
}

function originOf(text: string | undefined): string | undefined {
  try {
    const { origin } = new URL(text ?? '');
    return origin === 'null' ? undefined : origin;
  } catch {
    return undefined;
  }
}

async function findPlace(): Promise<Place> {
  const named = new URLSearchParams(location.search).get('site');
  if (named !== null) {
    document.documentElement.classList.add('page');
    const origin = originOf(named);
    return origin === undefined ? {} : { origin };
  }
  const [tab] = await browser.tabs.query({ active: true, currentWindow: true });
  const origin = originOf(tab?.url);
  return {
    ...(origin !== undefined && /^https?:/.test(origin) && { origin }),
    ...(tab?.id !== undefined && { tabId: tab.id }),
  };
}

/** Shows the popup in the element `app` of the document. */
export async function startPopup(): Promise<void> {
  const client = createClient<PopupApi>(() => browser.runtime.connect({ name: 'popup' }), true);
  const { origin, tabId } = await findPlace();
  const store = createStore(client, origin);

  // The prompt may close the popup, so the wish is stored first; the request must come in the same click (design D16).
  function protect(): void {
    if (origin === undefined) return;
    const wish = { origin, ...(tabId !== undefined && { tabId }) };
    void store.act('intend', wish);
    const { protocol, hostname } = new URL(origin);
    browser.permissions.request({ origins: [`${protocol}//${hostname}/*`] }).then(
      (isGranted) => {
        if (isGranted) void store.act('protect', wish);
        else store.fail('The browser was not allowed to run Omnemo on this site.');
      },
      () => store.fail('The browser refused to ask for the permission for this site.'),
    );
  }

  // A tab of its own: the popup would close as soon as a file is chosen.
  function openPanel(): void {
    browser.tabs.create({ url: browser.runtime.getURL('panel.html') }).then(
      () => tabId !== undefined && window.close(),
      () => store.fail('The browser did not open the page for backups.'),
    );
  }

  const root = document.getElementById('app');
  if (root !== null)
    render(<App store={store} origin={origin} onProtect={protect} onPanel={openPanel} />, root);
}
