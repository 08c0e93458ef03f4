// The browser of this run: OMNEMO_BROWSER says firefox, else it is Chromium.
import { BUILD, startChromium, type BrowserOptions, type TestBrowser } from './chromium';
import { FIREFOX_BUILD, startFirefox } from './firefox';

export const IS_FIREFOX = process.env['OMNEMO_BROWSER'] === 'firefox';

/** The production build for it. */
export const EXTENSION = IS_FIREFOX ? FIREFOX_BUILD : BUILD;

export function startBrowser(options: BrowserOptions): Promise<TestBrowser> {
  return IS_FIREFOX ? startFirefox(options) : startChromium(options);
}
