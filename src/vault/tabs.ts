// Speaking to the pages of a site.
import browser from 'webextension-polyfill';
import { patternOf } from './sites';

/** Patterns know no ports, so the pages of other ones are left out here. */
async function tabsOf(origin: string): Promise<readonly number[]> {
  const tabs = await browser.tabs.query({ url: patternOf(origin) });
  const isOfSite = (url = ''): boolean => url === origin || url.startsWith(`${origin}/`);
  return tabs.flatMap(({ id, url }) => (id === undefined || !isOfSite(url) ? [] : [id]));
}

/** Asks every session on pages of a site to say again who it is; pages without one do not answer. */
export async function wakeTabs(origin: string): Promise<void> {
  await wake(await tabsOf(origin));
}

async function wake(ids: readonly number[]): Promise<void> {
  const message = { omnemo: 'wake' };
  await Promise.all(ids.map((id) => browser.tabs.sendMessage(id, message).catch(() => undefined)));
}

async function tabsMatching(patterns: readonly string[]): Promise<readonly number[]> {
  if (patterns.length === 0) return [];
  const tabs = await browser.tabs.query({ url: [...patterns] });
  return tabs.flatMap(({ id }) => (id === undefined ? [] : [id]));
}

/** Asks every session there is, of pages that match one of the patterns. */
export async function wakeAllTabs(patterns: readonly string[]): Promise<void> {
  await wake(await tabsMatching(patterns));
}

async function reload(ids: readonly number[]): Promise<void> {
  await Promise.all(ids.map((id) => browser.tabs.reload(id).catch(() => undefined)));
}

/** Loads every page anew that matches one of the patterns. */
export async function reloadAllTabs(patterns: readonly string[]): Promise<void> {
  await reload(await tabsMatching(patterns));
}

/** Loads every page of a site anew, and the tab named beside it: its page may have a frame of the site. */
export async function reloadTabs(origin: string, tabId?: number): Promise<void> {
  const ids = new Set(await tabsOf(origin));
  if (tabId !== undefined) ids.add(tabId);
  await reload([...ids]);
}
