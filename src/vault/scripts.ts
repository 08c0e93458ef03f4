// Hook and bridge on the pages of protected sites. Registrations are looked after at every start of the worker and every
// change, because an update clears them (design D16). The bridge comes first: it must listen before the hook speaks.
import browser, { type Scripting } from 'webextension-polyfill';
import { log } from '../log';
import { protectedOrigins, patternOf } from './sites';
import type { Context } from './context';
import { renewWorkerGate } from './worker-gate';

type Script = Scripting.RegisteredContentScript & {
  readonly matchOriginAsFallback: boolean;
  readonly world: 'ISOLATED' | 'MAIN';
};

function script(
  id: string,
  file: string,
  world: Script['world'],
  matches: readonly string[],
): Script {
  return {
    id,
    js: [file],
    matches: [...matches],
    allFrames: true,
    matchOriginAsFallback: true,
    persistAcrossSessions: true,
    runAt: 'document_start',
    world,
  };
}

/** Does the user's grant cover this origin. */
export function hasPermission(origin: string): Promise<boolean> {
  return browser.permissions.contains({ origins: [patternOf(origin)] });
}

let running: Promise<void> = Promise.resolve();

/** What the user granted the browser to let us in, the only thing to go by while the vault is locked. */
export async function grantedPatterns(): Promise<readonly string[]> {
  return (await browser.permissions.getAll()).origins ?? [];
}

async function wantedPatterns(context: Context): Promise<readonly string[]> {
  if (!(await context.database.isOpen())) return grantedPatterns();
  const origins = await protectedOrigins(context);
  const allowed: string[] = [];
  for (const origin of origins) if (await hasPermission(origin)) allowed.push(origin);
  // What it keeps back is worth less than the scripts: they go on without it. While the vault is locked the rule stays as it was.
  await renewWorkerGate(allowed).catch(() => log('scripts', 'error', 'no-worker-gate'));
  return [...new Set(allowed.map(patternOf))];
}

async function renew(context: Context): Promise<void> {
  const matches = await wantedPatterns(context);
  const registered = await browser.scripting.getRegisteredContentScripts();
  if (matches.length > 0 && registered.length === FILES.length) {
    return isFor(registered, matches) ? undefined : update(matches);
  }
  const ids = registered.map(({ id }) => id);
  if (ids.length > 0) await browser.scripting.unregisterContentScripts({ ids });
  if (matches.length > 0) await browser.scripting.registerContentScripts(scriptsFor(matches));
}

/** In one step: a page that loaded between taking away and registering again would write in clear. */
function update(matches: readonly string[]): Promise<void> {
  return browser.scripting.updateContentScripts(scriptsFor(matches));
}

function isFor(
  registered: readonly Scripting.RegisteredContentScript[],
  matches: readonly string[],
): boolean {
  const wanted = [...matches].sort().join();
  return registered.every((each) => [...(each.matches ?? [])].sort().join() === wanted);
}

const FILES = [
  { id: 'bridge', file: 'bridge.js', world: 'ISOLATED' },
  { id: 'hook', file: 'hook.js', world: 'MAIN' },
] as const;

function scriptsFor(matches: readonly string[]): Script[] {
  return FILES.map(({ id, file, world }) => script(id, file, world, matches));
}

/** Brings the registrations in line with the protected sites; calls follow one another. */
export function renewScripts(context: Context): Promise<void> {
  running = running
    .catch(() => undefined)
    .then(() => renew(context))
    .catch((error: unknown) => {
      log('scripts', 'error', 'not-registered');
      throw error;
    });
  return running;
}

/** Loads the session into one document that has an XMPP stream. */
export async function injectSession(tabId: number, documentId: string): Promise<void> {
  const target = { tabId, documentIds: [documentId] };
  await browser.scripting.executeScript({
    target,
    files: ['session.js'],
    injectImmediately: true,
  });
}
