// The extension's page for backups, driven by its test ids.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'puppeteer-core';
import type { TestBrowser } from './chromium';
import { until } from './wait';

const testId = (id: string): string => `[data-testid="${id}"]`;
const WAIT_MS = 30_000;

export interface Panel {
  readonly page: Page;
  text(): Promise<string>;
  texts(id: string): Promise<readonly string[]>;
  click(id: string): Promise<void>;
  /** Makes a backup and saves its file; answers its code and where it is. */
  backUp(): Promise<{ readonly code: string; readonly file: string }>;
  /** Looks into a backup; ends with what it would change, or the sentence why not. */
  lookInto(file: string, code: string): Promise<string>;
  /** Does what was looked at. */
  restore(): Promise<string>;
  close(): Promise<void>;
}

/** The file that was saved, once all of it is there. */
function savedIn(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder);
  const [name] = files.filter((each) => each.endsWith('.backup'));
  if (name === undefined || files.length > 1) return undefined;
  const file = path.join(folder, name);
  return readFileSync(file).length > 0 ? file : undefined;
}

/** Opens the panel as a tab. */
export async function openPanel(browser: TestBrowser): Promise<Panel> {
  const page = await browser.newPage(`${browser.extensionBase}panel.html`);
  const wait = (selector: string) => page.waitForSelector(selector, { timeout: WAIT_MS });
  const click = async (id: string) => {
    await wait(testId(id));
    await page.click(testId(id));
  };
  const texts = (id: string) =>
    page.$$eval(testId(id), (elements) => elements.map((element) => element.textContent.trim()));
  const textOf = async (id: string) => {
    await wait(testId(id));
    return (await texts(id))[0] ?? '';
  };
  return {
    page,
    click,
    texts,
    text: () => page.evaluate(() => document.body.innerText),
    backUp: async () => {
      await click('backup-make');
      await click('confirm-backup');
      const code = await textOf('backup-code');
      await click('backup-file');
      const file = await until('the file of the backup', () => savedIn(browser.downloads));
      await click('backup-saved');
      return { code, file };
    },
    lookInto: async (file, code) => {
      const input = await wait(testId('restore-file'));
      await (await input?.toElement('input'))?.uploadFile(file);
      await page.$eval(testId('restore-code'), (element) => {
        if (element instanceof HTMLInputElement) element.value = '';
      });
      await page.type(testId('restore-code'), code);
      await click('restore-look');
      await wait(`${testId('restore-review')}, ${testId('restore-failed')}`);
      return (await texts('restore-failed'))[0] ?? (await textOf('restore-review'));
    },
    restore: async () => {
      await click('restore-apply');
      return textOf('restore-done');
    },
    close: () => page.close(),
  };
}
