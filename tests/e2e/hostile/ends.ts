// Streams that end in odd ways: the page goes into the browser's cache and comes back, or a number of stanzas is wrong, after
// which the site does without stream management.
import { describe, expect, it } from 'vitest';
import type { HostileWorld } from '../../support/hostile-world';
import { until } from '../../support/wait';

export function endStreams(hostile: () => HostileWorld): void {
  describe('a stream of a page', () => {
    it('that comes back from the cache of the browser is gone, and the next one is protected (I-128)', async () => {
      const page = await hostile().page();
      const client = await hostile().logIn(page);
      await hostile().leavesEncrypted(client, 'before the page goes');
      await page.evaluate(`document.attack.isKept = true, undefined`);
      await page.goto(hostile().world.site.pageUrl('<p>elsewhere</p>'));
      await page.goBack();
      // The very page of before, not one loaded anew.
      expect(await page.evaluate(`document.attack?.isKept`)).toBe(true);
      const state = () => page.evaluate(`document.attack.socket.readyState`).then(Number);
      await until('the old socket to be closed', async () => (await state()) === 3);
      const next = await hostile().logIn(page);
      await hostile().leavesEncrypted(next, 'after the page came back');
    });

    it('is offered no stream management after a wrong number, and goes on encrypting (I-26, I-36)', async () => {
      const sm = `xmlns='urn:xmpp:sm:3'`;
      const client = await hostile().logIn(await hostile().page());
      expect(await client.sees('<stream:features')).toContain('stream:features');
      expect((await client.frames()).join()).toContain('urn:xmpp:sm:3');
      await client.send(`<enable ${sm} resume='true'/>`);
      await client.sees('<enabled');
      // More than any server has sent: the page's mistake here, but the server says the same of ours.
      await client.send(`<a ${sm} h='9999'/>`);
      await client.sees('<stream:error');

      const next = await hostile().logIn(await hostile().page());
      expect((await next.frames()).join()).not.toContain('urn:xmpp:sm:3');
      await next.send(`<enable ${sm} resume='true'/>`);
      expect(await next.sees('<failed')).toContain('unexpected-request');
      await hostile().leavesEncrypted(next, 'without numbers');
      const popup = await hostile().alice.popup();
      await popup.page.waitForSelector('[data-testid="without-sm"]');
      await popup.close();
    });
  });
}
