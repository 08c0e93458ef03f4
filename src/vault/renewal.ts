// Pages that were open while the extension was updated, loaded anew or switched on again (I-126, M19): what of ours runs in
// them belongs to one that is gone, so they are loaded anew, as where a site is protected. After an update of the extension
// this holds also for pages the browser brought back at its start: an update clears the registrations.
import browser from 'webextension-polyfill';
import type { Context } from './context';
import { grantedPatterns, hasPermission, renewScripts } from './scripts';
import { protectedOrigins } from './sites';
import { dropStreams } from './streams';
import { reloadAllTabs, reloadTabs } from './tabs';

/** Kept by the browser as long as this very extension is loaded, over every sleep of the worker. */
const MARK = 'isLoaded';

/** The browser says within this time after the first start what it was started for. */
const WAIT_MS = 1000;

/** What the browser tells at a start; the listeners must be there at once. */
export interface Renewal {
  /** `runtime.onInstalled`. */
  installed(reason: string): void;
  /** `runtime.onStartup`: pages that load now get our scripts as ever. */
  startedUp(): void;
}

async function isFirstStart(): Promise<boolean> {
  const { [MARK]: isLoaded } = await browser.storage.session.get(MARK);
  return isLoaded !== true;
}

async function reloadPages(context: Context): Promise<void> {
  await renewScripts(context);
  // An update locks a vault with a passphrase: what the browser memorised of it is gone, positions of streams too.
  if (!(await context.database.isOpen())) return reloadAllTabs(await grantedPatterns());
  // Streams went on without anybody who could store how the two sides count: the pages bind anew (I-30).
  await dropStreams(context);
  for (const origin of await protectedOrigins(context)) {
    if (await hasPermission(origin)) await reloadTabs(origin);
  }
}

/** Loads the pages anew where this start needs it; `failed` gets why it could not. */
export function startRenewal(context: Context, failed: (error: unknown) => void): Renewal {
  let isUpdate = false;
  let isBrowserStart = false;

  async function run(): Promise<void> {
    if (!(await isFirstStart())) return;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    if (isUpdate || !isBrowserStart) await reloadPages(context);
    // At last: a worker that dies before is followed up by the next.
    await browser.storage.session.set({ [MARK]: true });
  }

  run().catch(failed);
  return {
    installed: (reason) => {
      if (reason === 'update') isUpdate = true;
    },
    startedUp: () => {
      isBrowserStart = true;
    },
  };
}
