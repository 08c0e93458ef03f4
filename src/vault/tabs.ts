// Speaking to the pages of a site.
import browser from 'webextension-polyfill';
import { patternOf } from './sites';

async function tabsOf(origin: string): Promise<readonly number[]> {
  const tabs = await browser.tabs.query({ url: patternOf(origin) });
  return tabs.flatMap(({ id }) => (id === undefined ? [] : [id]));
}

/** Asks every session on pages of a site to say again who it is; pages without one do not answer. */
export async function wakeTabs(origin: string): Promise<void> {
  const ids = await tabsOf(origin);
  const wake = { omnemo: 'wake' };
  await Promise.all(ids.map((id) => browser.tabs.sendMessage(id, wake).catch(() => undefined)));
}

/** Loads every page of a site anew. */
export async function reloadTabs(origin: string): Promise<void> {
  const ids = await tabsOf(origin);
  await Promise.all(ids.map((id) => browser.tabs.reload(id).catch(() => undefined)));
}
