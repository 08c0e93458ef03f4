// The popup of the extension, opened as a tab for one site, driven by its test ids.
import type { Page } from 'puppeteer-core';
import type { TestBrowser } from './chromium';
import type { Person, World } from './people';
import type { TestServer } from './server';
import { until } from './wait';
import type { WireRecord } from './wire';

export interface DeviceShown {
  readonly deviceId: number;
  readonly fingerprint: string;
  readonly trust: string;
}

export interface Popup {
  readonly page: Page;
  /** The words about this site and its streams. */
  state(): Promise<string>;
  /** Ends when the popup gives this state of the site or its first stream. */
  reaches(state: string): Promise<void>;
  text(): Promise<string>;
  /** Does the popup call the first stream of this site ready? */
  isReady(): Promise<boolean>;
  /** The user's way: the button, then the browser's permission (seeded); ends when the site is protected. */
  protect(): Promise<void>;
  grantPending(): Promise<void>;
  ownFingerprint(): Promise<string>;
  /** Devices of one contact, as soon as there are some. */
  devices(jid: string): Promise<readonly DeviceShown[]>;
  setTrust(jid: string, deviceId: number, trust: string): Promise<void>;
  setPolicy(policy: string): Promise<void>;
  /** What it says of devices that were added to an account. */
  newDevices(): Promise<string>;
  /** They are the user's own. */
  acknowledgeDevices(): Promise<void>;
  /** Starts a new session with a device and confirms it. */
  resetSession(jid: string, deviceId: number): Promise<void>;
  /** The sentence about the last refusal, as soon as there is one. */
  refusal(): Promise<string>;
  /** Switches encryption off for one contact and confirms it. */
  allowPlain(jid: string): Promise<void>;
  /** Has OMEMO 2 preferred for one contact, whose devices leave the choice. */
  preferOmemo2(jid: string): Promise<void>;
  /** Has the texts of one contact forgotten, and confirms it. */
  forget(jid: string): Promise<void>;
  close(): Promise<void>;
}

function testId(id: string): string {
  return `[data-testid="${id}"]`;
}

function siteInState(state: string): string {
  return `${testId('site-state')}[data-state="${state}"]`;
}

function contactSelector(jid: string): string {
  return `${testId('contact')}[data-jid="${jid}"]`;
}

const WAIT_MS = 20_000;

function drivePopup(page: Page): Popup {
  const wait = (selector: string) => page.waitForSelector(selector, { timeout: WAIT_MS });
  const click = async (selector: string) => {
    await wait(selector);
    await page.click(selector);
  };
  const textOf = async (selector: string) => {
    await wait(selector);
    return page.$eval(selector, (element) => element.textContent?.trim() ?? '');
  };
  /** Opens what is folded up on the way to an element. */
  const unfold = async (selector: string) => {
    await wait(selector);
    await page.$eval(selector, (element) => {
      for (
        let node = element.closest('details');
        node;
        node = node.parentElement?.closest('details') ?? null
      )
        node.open = true;
    });
  };
  const readDevices = (jid: string) =>
    page.$$eval(`${contactSelector(jid)} [data-testid="device"]`, (elements) =>
      elements.map((element) => {
        const trust = element.querySelector('[data-testid="device-trust"]');
        return {
          deviceId: Number(element.getAttribute('data-device-id')),
          fingerprint:
            element.querySelector('[data-testid="device-fingerprint"]')?.textContent?.trim() ?? '',
          trust:
            trust instanceof HTMLSelectElement ? trust.value : (trust?.textContent ?? '').trim(),
        };
      }),
    );
  return {
    page,
    state: () => textOf(testId('site-state')),
    reaches: async (state) => {
      await wait(siteInState(state));
    },
    text: () => page.evaluate(() => document.body.innerText),
    isReady: async () => {
      await wait(testId('site-state'));
      return (await page.$(siteInState('ready'))) !== null;
    },
    protect: async () => {
      await click(testId('protect'));
      await until(
        'the popup to call the site protected',
        async () => (await page.$(testId('protect'))) === null,
      );
    },
    grantPending: () => click(testId('pending-grant')),
    ownFingerprint: () => textOf(testId('own-fingerprint')),
    devices: (jid) =>
      until(`the popup to show devices of ${jid}`, async () => {
        const devices = await readDevices(jid);
        return devices.some(({ fingerprint }) => fingerprint !== '') && devices;
      }),
    setTrust: async (jid, deviceId, trust) => {
      const device = `${contactSelector(jid)} ${testId('device')}[data-device-id="${deviceId}"]`;
      const select = `${device} ${testId('device-trust')}`;
      await unfold(select);
      await page.select(select, trust);
      if (trust === 'verified') {
        const confirm = await page
          .waitForSelector(testId('confirm-verify'), { timeout: 2000 })
          .catch(() => null);
        await confirm?.click();
      }
      await until(`trust ${trust} of device ${deviceId}`, async () =>
        (await readDevices(jid)).some(
          (shown) => shown.deviceId === deviceId && shown.trust === trust,
        ),
      );
    },
    setPolicy: async (policy) => {
      await unfold(testId('policy'));
      await page.select(testId('policy'), policy);
      await until(`policy ${policy}`, async () => {
        const shown = await page.$$eval(testId('policy'), (elements) =>
          elements.map((element) => element instanceof HTMLSelectElement && element.value),
        );
        return shown.includes(policy);
      });
    },
    newDevices: () => textOf(testId('new-devices')),
    acknowledgeDevices: async () => {
      await click(testId('acknowledge-devices'));
      await until(
        'the popup to be done with added devices',
        async () => (await page.$(testId('new-devices'))) === null,
      );
    },
    resetSession: async (jid, deviceId) => {
      const device = `${contactSelector(jid)} ${testId('device')}[data-device-id="${deviceId}"]`;
      await unfold(`${device} ${testId('reset-session')}`);
      await page.click(`${device} ${testId('reset-session')}`);
      await click(testId('confirm-reset'));
    },
    refusal: () =>
      until('a refusal in the popup', async () => {
        const shown = await page.$$eval(testId('refusal'), (elements) =>
          elements.map((element) => element.textContent?.trim() ?? ''),
        );
        return shown.find((sentence) => sentence !== '');
      }),
    allowPlain: async (jid) => {
      const encryption = `${contactSelector(jid)} ${testId('encryption-switch')}`;
      await unfold(encryption);
      await page.click(encryption);
      await click(testId('confirm-plain'));
    },
    preferOmemo2: async (jid) => {
      const preference = `${contactSelector(jid)} ${testId('prefer-omemo2')}`;
      await unfold(preference);
      await page.click(preference);
      await wait(`${preference}:checked`);
    },
    forget: async (jid) => {
      const forget = `${contactSelector(jid)} ${testId('forget')}`;
      await unfold(forget);
      await page.click(forget);
      await click(testId('confirm-forget'));
      await wait(forget);
    },
    close: () => page.close(),
  };
}

export async function openPopup(browser: TestBrowser, origin: string): Promise<Popup> {
  return drivePopup(await browser.popup(origin));
}

/** Somebody with a page in a browser with the extension. */
interface PageOwner {
  readonly name: string;
  readonly jid: string;
  readonly page: Page;
  popup(): Promise<Popup>;
  /** Does what makes the extension load the page anew; ends when the new one is connected. */
  loadsAnew(work: () => Promise<void>): Promise<void>;
}

/** Everything a new user does: protect the site, which loads its page anew, confirm the account; ends when the device list is published. */
export async function protectPage(
  server: Pick<TestServer, 'wire'>,
  { name, jid, page, popup: open, loadsAnew }: PageOwner,
): Promise<void> {
  const popup = await open();
  const mark = server.wire.mark();
  await loadsAnew(popup.protect);
  await popup.page.bringToFront();
  await popup.grantPending();
  await published(server, jid, mark);
  await until(`the keys of ${name} to be published`, popup.isReady, { timeoutMs: 30_000 });
  await popup.close();
  await page.bringToFront();
}

/** The same on the page of a person. */
export async function protect({ server }: World, person: Person): Promise<void> {
  const { name, jid, popup } = person;
  const { page, loadsAnew } = person.converse;
  await protectPage(server, { name, jid, page, popup, loadsAnew });
}

/** Waits until the account has published a device list and the server has given it back. */
async function published(
  { wire }: Pick<TestServer, 'wire'>,
  jid: string,
  from: number,
): Promise<void> {
  const isAboutList = ({ jid: by, xml }: WireRecord) =>
    by.startsWith(`${jid}/`) && xml.includes('eu.siacs.conversations.axolotl.devicelist');
  const sent = await wire.wait(
    `the device list of ${jid}`,
    (record) => record.dir === 'in' && isAboutList(record) && record.xml.includes('<publish '),
    { from, timeoutMs: 30_000 },
  );
  await wire.wait(
    `the device list of ${jid} to be read back`,
    (record) =>
      record.dir === 'out' &&
      record.t >= sent.t &&
      isAboutList(record) &&
      /^<iq\b/.test(record.xml),
    { from, timeoutMs: 30_000 },
  );
}
