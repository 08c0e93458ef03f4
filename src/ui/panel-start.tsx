// Mounts the panel.
import { render } from 'preact';
import browser from 'webextension-polyfill';
import { createClient } from '../rpc/port';
import type { PopupApi } from '../rpc/popup-api';
import { Panel } from './panel';
import { createStore } from './store';

/** Shows the panel in the element `app` of the document. */
export function startPanel(): void {
  const client = createClient<PopupApi>(() => browser.runtime.connect({ name: 'panel' }), true);
  const store = createStore(client, undefined);
  const root = document.getElementById('app');
  if (root !== null) render(<Panel client={client} store={store} />, root);
}
