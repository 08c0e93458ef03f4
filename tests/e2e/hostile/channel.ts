// Attacks of a page's own script on the channel between hook and bridge (T7, T4).
import type { Page } from 'puppeteer-core';
import { describe, expect, it } from 'vitest';
import type { HostileWorld } from '../../support/hostile-world';
import { POISONS, poisonScript } from '../../support/poisons';

const HANDSHAKE = 'omnemo:port';

export function attackChannel(hostile: () => HostileWorld): void {
  /** Has a function of the page called from within the hook: while a text is converted, and as a held frame comes. */
  async function letItBeCalled(page: Page, name: string): Promise<void> {
    const client = await hostile().logIn(page);
    await page.evaluate(`(() => {
      document.attack.socket.addEventListener('message', ${name});
      document.attack.socket.send({ toString: ${name} });
    })()`);
    await client.sees('called');
  }

  describe('the channel of a page', () => {
    it('shows nothing of itself in globals, document, storage and databases', async () => {
      const page = await hostile().page('<p>text</p>');
      const look = async () => ({
        html: document.documentElement.outerHTML,
        storage: localStorage.length + sessionStorage.length,
        databases: (await indexedDB.databases()).map(({ name }) => name),
      });
      const before = await page.evaluate(look);
      await hostile().logIn(page);
      expect(await page.evaluate(look)).toEqual(before);
      expect(before.databases).not.toContain('omnemo');
      const traces = await page.evaluate(() => ({
        symbols: Object.getOwnPropertySymbols(globalThis).map(String),
        named: Reflect.ownKeys(globalThis)
          .map(String)
          .filter((key) => /omnemo|bridge|vault|^hook$/i.test(key)),
        bridge: Reflect.has(globalThis, Symbol.for('omnemo.bridge')),
      }));
      expect(traces.symbols.filter((key) => !key.startsWith('Symbol(Symbol.'))).toEqual([]);
      expect(traces).toMatchObject({ named: [], bridge: false });
    });

    it('is handed over before the first script of the page, which hears nothing of it', async () => {
      const page = await hostile().page(
        `<script>document.heard = [];
          for (const target of [document, window])
            for (const phase of [true, false])
              target.addEventListener('${HANDSHAKE}', (event) => document.heard.push(event.type), phase);
        </script>`,
      );
      const client = await hostile().logIn(page);
      await hostile().leavesEncrypted(client, 'while a script listens for the port');
      expect(await page.evaluate('document.heard')).toEqual([]);
      // The listener works: it hears an event of that name.
      await page.evaluate((name) => void document.dispatchEvent(new Event(name)), HANDSHAKE);
      expect(await page.evaluate('document.heard.length')).toBeGreaterThan(0);
    });

    it('takes no second port: the bridge answers none that the page offers', async () => {
      const page = await hostile().page();
      const client = await hostile().logIn(page);
      const answers = await page.evaluate(async (name) => {
        const { port1, port2 } = new MessageChannel();
        const got: unknown[] = [];
        port1.onmessage = ({ data }) => got.push(data);
        document.dispatchEvent(new MessageEvent(name, { ports: [port2] }));
        const at = { page: 0, wire: 0 };
        const text = `<message xmlns='jabber:client' to='x@y'><body>mine</body></message>`;
        port1.postMessage({ t: 'opened', s: 1, url: 'wss://evil.test/' });
        for (const dir of ['out', 'in']) port1.postMessage({ t: 'frame', s: 1, dir, text, at });
        await new Promise((resolve) => setTimeout(resolve, 300));
        return got;
      }, HANDSHAKE);
      expect(answers).toEqual([]);
      await hostile().leavesEncrypted(client, 'after a second port was offered');
    });

    it('listens to no message of the window', async () => {
      const page = await hostile().page();
      const client = await hostile().logIn(page);
      const got = await page.evaluate(async () => {
        const seen: unknown[] = [];
        addEventListener('message', ({ data, source }) => {
          if (source !== window) seen.push(data);
        });
        for (const message of [
          { omnemo: 'load-session' },
          { omnemo: 'wake' },
          { t: 'off' },
          { t: 'release', s: 1, dir: 'out', frames: ['<message/>'] },
          { id: 1, name: 'hello', arg: {} },
        ]) {
          window.postMessage(message, '*');
          new BroadcastChannel('omnemo').postMessage(message);
          document.dispatchEvent(new CustomEvent('omnemo', { detail: message }));
        }
        await new Promise((resolve) => setTimeout(resolve, 200));
        return seen;
      });
      expect(got).toEqual([]);
      await hostile().leavesEncrypted(client, 'after messages to the window');
    });

    it.each(Object.entries(POISONS))('gives nothing to a poisoned %s', async (_name, script) => {
      const page = await hostile().page(`<script>${poisonScript(script)}</script>`);
      const client = await hostile().logIn(page);
      await hostile().leavesEncrypted(client, `with a poisoned ${_name}`);
      expect(await page.evaluate('document.caught()')).toEqual([]);
    });

    it('is not found by walking up the callers of a function of the page', async () => {
      // No strict mode here: `caller` exists only without it.
      const page = await hostile().page(`<script>
        document.found = [];
        document.climb = function () {
          let at = document.climb.caller;
          for (let steps = 0; at && steps < 20; steps++) {
            document.found.push(Function.prototype.toString.call(at).slice(0, 80));
            try { at = at.caller; } catch { at = null; }
          }
          return "<iq xmlns='jabber:client' type='get' id='called'><query xmlns='jabber:iq:roster'/></iq>";
        };
      </script>`);
      await letItBeCalled(page, 'document.climb');
      const found = await page.evaluate('document.found');
      expect(found).toEqual([]);
    });

    it('is not found in the call sites of a stack', async () => {
      const page = await hostile().page(`<script>
        document.found = [];
        document.calls = 0;
        document.look = function () {
          document.calls++;
          Error.prepareStackTrace = (_, sites) => sites;
          const sites = new Error('here').stack;
          delete Error.prepareStackTrace;
          for (const site of sites) {
            const file = String(site.getFileName());
            if (file.startsWith(location.origin)) continue;
            const held = site.getFunction();
            if (held !== undefined) document.found.push(Function.prototype.toString.call(held).slice(0, 80));
          }
          return "<iq xmlns='jabber:client' type='get' id='called'><query xmlns='jabber:iq:roster'/></iq>";
        };
      </script>`);
      await letItBeCalled(page, 'document.look');
      expect(await page.evaluate('document.calls')).toBeGreaterThan(1);
      expect(await page.evaluate('document.found')).toEqual([]);
    });
  });
}
