// Attempts to load, frame, open or speak to our own pages and files from a page (T5, T6).
import { describe, expect, it } from 'vitest';
import type { HostileWorld } from '../../support/hostile-world';

export function attackPages(hostile: () => HostileWorld): void {
  const base = () => hostile().alice.browser.extensionBase;

  describe('our own pages and files', () => {
    it.each(['iframe', 'object', 'embed', 'frame'])('do not load in an <%s>', async (tag) => {
      const page = await hostile().page('<div id="here"></div>');
      await page.evaluate(
        (name, url) => {
          const element = document.createElement(name);
          element.setAttribute(name === 'object' ? 'data' : 'src', url);
          document.body.append(element);
        },
        tag,
        `${base()}popup.html`,
      );
      await new Promise((resolve) => setTimeout(resolve, 200));
      const texts = await Promise.all(
        page
          .frames()
          .map((frame) => frame.evaluate(() => document.body?.innerText ?? '').catch(() => '')),
      );
      expect(texts.join()).not.toMatch(/Protect this site|Omnemo/);
      expect(page.frames().map((frame) => frame.url())).not.toContain(`${base()}popup.html`);
    });

    it('cannot be framed by another of our own pages either', async () => {
      const popup = await hostile().alice.browser.popup(hostile().origin);
      const isBlocked = await popup.evaluate(
        () =>
          new Promise<boolean>((resolve) => {
            const frame = document.createElement('iframe');
            frame.onload = () => {
              try {
                resolve(
                  frame.contentDocument?.querySelector('script') === null ||
                    frame.contentDocument === null,
                );
              } catch {
                resolve(true);
              }
            };
            frame.src = '/popup.html';
            document.body.append(frame);
            setTimeout(() => resolve(true), 1000);
          }),
      );
      await popup.close();
      expect(isBlocked).toBe(true);
    });

    it('are not opened by a page, in a window or in its place', async () => {
      const page = await hostile().page('<p>here</p>');
      const before = (await hostile().alice.browser.browser.pages()).length;
      await page.evaluate((url) => void window.open(url), `${base()}popup.html`);
      await page.evaluate(
        (url) => void setTimeout(() => (location.href = url)),
        `${base()}popup.html`,
      );
      await new Promise((resolve) => setTimeout(resolve, 400));
      const urls = (await hostile().alice.browser.browser.pages()).map((each) => each.url());
      expect(urls.filter((url) => url.startsWith(base()))).toEqual([]);
      for (const each of (await hostile().alice.browser.browser.pages()).slice(before))
        await each.close();
    });

    it.each([
      'hook.js',
      'bridge.js',
      'session.js',
      'background.js',
      'popup.html',
      'panel.html',
      'manifest.json',
      'icon/on-16.png',
    ])('are not read by a page: %s', async (file) => {
      const page = await hostile().page();
      const loaded = await page.evaluate(async (url) => {
        const by = (tag: 'img' | 'script' | 'link') =>
          new Promise<string>((resolve) => {
            const element = document.createElement(tag);
            element.onload = () => resolve('loaded');
            element.onerror = () => resolve('refused');
            if (element instanceof HTMLLinkElement) {
              element.rel = 'stylesheet';
              element.href = url;
            } else element.src = url;
            document.head.append(element);
          });
        const fetched = fetch(url).then(
          () => 'loaded',
          () => 'refused',
        );
        return Promise.all([fetched, by('img'), by('script'), by('link')]);
      }, base() + file);
      expect(loaded).toEqual(['refused', 'refused', 'refused', 'refused']);
    });

    it('are not spoken to by the id of the extension', async () => {
      const page = await hostile().page();
      const said = await page.evaluate(async (id) => {
        const runtime: unknown = Reflect.get(Reflect.get(window, 'chrome') ?? {}, 'runtime');
        if (typeof runtime !== 'object' || runtime === null) return 'no runtime';
        const send: unknown = Reflect.get(runtime, 'sendMessage');
        if (typeof send !== 'function') return 'no runtime';
        try {
          return String(await Reflect.apply(send, runtime, [id, { omnemo: 'load-session' }]));
        } catch {
          return 'refused';
        }
      }, new URL(base()).hostname);
      expect(['no runtime', 'refused', 'undefined']).toContain(said);
    });

    it('run no code from strings and no script written into them', async () => {
      const popup = await hostile().alice.browser.popup(hostile().origin);
      const ran = await popup.evaluate(() => {
        const script = document.createElement('script');
        script.textContent = 'document.inline = true';
        document.head.append(script);
        return Reflect.has(document, 'inline');
      });
      // Later, because what the test itself runs may evaluate.
      const evaluated = await popup.evaluate(
        () =>
          new Promise((resolve) => {
            setTimeout(() => {
              try {
                resolve(Reflect.construct(Function, ['return 1'])());
              } catch {
                resolve('refused');
              }
            });
          }),
      );
      await popup.close();
      expect(ran).toBe(false);
      expect(evaluated).toBe('refused');
    });
  });
}
