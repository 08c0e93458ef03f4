// Attacks on the vault from the isolated world of a page: what an attacker has who took over its renderer (T1, T2, T9).
import { describe, expect, it } from 'vitest';
import { CONTENT_GUARDS } from '../../../src/rpc/content-guards';
import { POPUP_GUARDS } from '../../../src/rpc/popup-guards';
import type { HostileWorld } from '../../support/hostile-world';
import { CONTENT_SAMPLES, POPUP_SAMPLES } from '../../vault/samples';

/** About an origin alone; what they answer is tested below. */
const WITHOUT_ACCOUNT = new Set([
  ...['hello', 'report', 'refused', 'smLoad', 'smSave', 'smDrop', 'smOff'],
]);

export function attackWorker(hostile: () => HostileWorld): void {
  describe('the vault', () => {
    it.each(Object.keys(POPUP_GUARDS))(
      'does not answer a page that asks %s (I-130)',
      async (name) => {
        const world = await hostile().contentWorld(await hostile().page());
        const sample: unknown = Reflect.get(POPUP_SAMPLES, name);
        for (const port of ['session', 'popup', 'background'])
          expect(await world.ask([[name, sample]], port)).toEqual([
            { ok: false, code: 'forbidden' },
          ]);
      },
    );

    it.each(['__proto__', 'constructor', 'toString', 'then', ''])(
      'has no request "%s"',
      async (name) => {
        const world = await hostile().contentWorld(await hostile().page());
        expect(await world.ask([[name, {}]])).toEqual([{ ok: false, code: 'forbidden' }]);
      },
    );

    it('answers nothing about the account to another site, whatever it says it is', async () => {
      const { alice, origin } = hostile();
      const world = await hostile().contentWorld(await hostile().page('', hostile().other));
      const names = Object.keys(CONTENT_GUARDS).filter((name) => !WITHOUT_ACCOUNT.has(name));
      expect(names.length).toBeGreaterThan(8);
      const answers = await world.ask(
        names.map((name) => {
          const sample: unknown = Reflect.get(CONTENT_SAMPLES, name);
          const claimed = { origin, sender: { origin }, tabId: 1, jid: alice.jid };
          return [name, { ...Object(sample), ...claimed }];
        }),
      );
      // Bytes do not survive JSON on the way here, so some are refused for their form.
      expect(answers.filter(({ ok }) => ok)).toEqual([]);
      const codes = new Set(answers.map(({ code }) => code));
      // Of keeping something for later it is told that the vault is not locked.
      const harmless = new Set(['not-granted', 'bad-request', 'stale']);
      expect([...codes].filter((code = '') => !harmless.has(code))).toEqual([]);
      expect(codes.has('not-granted')).toBe(true);
    });

    it('tells the other site that it is not protected, and shows no position of a stream', async () => {
      const world = await hostile().contentWorld(await hostile().page('', hostile().other));
      expect(
        await world.ask([
          ['hello', {}],
          ['smLoad', { id: 'sm-1' }],
        ]),
      ).toEqual([
        { ok: true, result: { protect: false } },
        { ok: true, result: null },
      ]);
    });

    it('answers no message beside the one that loads a session', async () => {
      const world = await hostile().contentWorld(await hostile().page());
      const answers = await world.run(async () => {
        const messages = [
          { omnemo: 'protect' },
          { omnemo: 'wake' },
          { name: 'sites', arg: {}, id: 1 },
          'x',
          null,
        ];
        return Promise.all(
          messages.map((message) =>
            chrome.runtime.sendMessage(message).then(
              (got) => got ?? 'none',
              () => 'none',
            ),
          ),
        );
      });
      expect(answers).toEqual(['none', 'none', 'none', 'none', 'none']);
    });

    it('refuses what is odd, huge, cyclic or has names of prototypes, and lives on', async () => {
      const { alice } = hostile();
      const world = await hostile().contentWorld(await hostile().page());
      const codes = await world.run(async (jid: string) => {
        const cyclic: Record<string, unknown> = { jid };
        cyclic['jid'] = cyclic;
        let deep: unknown = 'end';
        for (let level = 0; level < 500; level++) deep = [deep];
        const odd: unknown[] = [
          cyclic,
          { jid: deep, peer: jid },
          { jid, peer: 'x'.repeat(10_000_000) },
          { jid, peer: { length: 1, 0: 'a' } },
          { jid: [jid], peer: jid },
          JSON.parse(`{"__proto__": {"jid": "${jid}", "peer": "${jid}"}}`),
          { constructor: { prototype: { jid } } },
          new Map([['jid', jid]]),
          new Date(),
          'text',
          null,
          7,
        ];
        const port = chrome.runtime.connect({ name: 'session' });
        const answers: unknown[] = [];
        await new Promise<void>((resolve) => {
          port.onMessage.addListener((answer) => {
            if (answers.push(Object(answer).code) === odd.length) resolve();
          });
          setTimeout(resolve, 5000);
          odd.forEach((arg, id) => port.postMessage({ id, name: 'prepare', arg }));
        });
        port.disconnect();
        return answers;
      }, alice.jid);
      expect(codes).toEqual(Array.from({ length: 12 }, () => 'bad-request'));
      expect(await world.ask([['hello', {}]])).toEqual([{ ok: true, result: { protect: true } }]);
    });

    it.each([3000, 20_000])(
      'refuses part of %i requests at once, and lets no other site wait for it',
      async (count) => {
        const { alice } = hostile();
        const flooding = await hostile().contentWorld(await hostile().page());
        const other = await hostile().contentWorld(await hostile().page('', hostile().other));
        const flood = flooding.run(
          async ({ jid, total }: { jid: string; total: number }) => {
            const port = chrome.runtime.connect({ name: 'session' });
            const codes: unknown[] = [];
            await new Promise<void>((resolve) => {
              port.onMessage.addListener((answer) => {
                if (codes.push(Object(answer).code ?? 'answered') === total) resolve();
              });
              setTimeout(resolve, 30_000);
              for (let id = 0; id < total; id++)
                port.postMessage({ id, name: 'chores', arg: { jid } });
            });
            port.disconnect();
            return codes;
          },
          { jid: alice.jid, total: count },
        );
        for (let again = 0; again < 3; again++)
          expect(await other.ask([['hello', {}]])).toEqual([
            { ok: true, result: { protect: false } },
          ]);
        const codes = await flood;
        expect(codes).toHaveLength(count);
        const answered = codes.filter((code) => code === 'answered').length;
        expect(codes.filter((code) => code === 'busy')).toHaveLength(count - answered);
        expect(answered).toBeGreaterThanOrEqual(1000);
        expect(answered).toBeLessThan(Math.min(count, 5000));
        expect(await flooding.ask([['hello', {}]])).toEqual([
          { ok: true, result: { protect: true } },
        ]);
      },
    );

    it('refuses nothing of a thousand requests one after the other, as a page of history and the devices of a large room bring', async () => {
      const { alice } = hostile();
      const world = await hostile().contentWorld(await hostile().page());
      const codes = await world.run(async (jid: string) => {
        const port = chrome.runtime.connect({ name: 'session' });
        const found: unknown[] = [];
        await new Promise<void>((resolve) => {
          const next = () => {
            if (found.length === 1000) return resolve();
            port.postMessage({ id: found.length, name: 'chores', arg: { jid } });
          };
          port.onMessage.addListener((answer) => {
            found.push(Object(answer).code ?? 'answered');
            next();
          });
          next();
        });
        port.disconnect();
        return found;
      }, alice.jid);
      expect(codes.filter((code) => code !== 'answered')).toEqual([]);
    });

    it('keeps of 200 claimed accounts no more than 20 to be confirmed', async () => {
      const world = await hostile().contentWorld(await hostile().page());
      const claims = Array.from(
        { length: 200 },
        (_, index) =>
          [
            'attach',
            { stream: 1, jid: `claim${index}@evil.test`, endpoint: '<img src=x onerror=alert(1)>' },
          ] as const,
      );
      const answers = await world.ask(claims);
      expect(answers.every(({ ok }) => ok)).toBe(true);
      const popup = await hostile().alice.popup();
      await popup.page.waitForSelector('[data-testid="pending-grant"]');
      const { grants, images } = await popup.page.evaluate(() => ({
        grants: document.querySelectorAll('[data-testid="pending-grant"]').length,
        images: document.querySelectorAll('img[src="x"]').length,
      }));
      const text = await popup.text();
      await popup.close();
      expect(grants).toBeLessThanOrEqual(20);
      expect(images).toBe(0);
      expect(text).toContain('<img src=x');
    });

    it('has no store that the isolated world of a page can open', async () => {
      const world = await hostile().contentWorld(await hostile().page());
      const found = await world.run(async () => ({
        databases: (await indexedDB.databases()).map(({ name }) => name),
        session: await chrome.storage.session.get(null).then(
          () => 'open',
          () => 'closed',
        ),
        privileged: ['tabs', 'permissions', 'action', 'windows'].filter((name) => name in chrome),
      }));
      expect(found.databases).not.toContain('omnemo');
      expect(found).toMatchObject({ session: 'closed', privileged: [] });
    });
  });
}
