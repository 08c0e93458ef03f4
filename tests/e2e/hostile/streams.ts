// Attempts to get a message of a protected chat out beside the session: frames, odd documents and odd stanzas (T4, T9, T20).
import { describe, expect, it } from 'vitest';
import type { HostileWorld } from '../../support/hostile-world';

const FRAME_SOCKET = `(() => {
  const frame = document.body.appendChild(document.createElement('iframe'));
  return frame.contentWindow.WebSocket;
})()`;

export function attackStreams(hostile: () => HostileWorld): void {
  describe('a stream', () => {
    it.each([
      ['of a frame of about:blank, at once', '', FRAME_SOCKET],
      [
        'of a frame of srcdoc',
        `<iframe srcdoc='<p>x</p>'></iframe>`,
        `document.querySelector('iframe').contentWindow.WebSocket`,
      ],
      [
        'of a subclass of the page',
        '',
        `class extends WebSocket { send(text) { super.send(text); } }`,
      ],
      [
        'of a socket made by Reflect.construct',
        '',
        `function (...args) { return Reflect.construct(WebSocket, args, WebSocket); }`,
      ],
      [
        'whose protocols are a list that changes',
        '',
        `function (url) {
          let reads = 0;
          return new WebSocket(url, { [Symbol.iterator]: () => ({ next: () => reads++ > 0 ? { done: true } : { value: 'xmpp', done: false } }) });
        }`,
      ],
      [
        'after document.open',
        `<script>document.open(); document.write('<p>new</p>'); document.close();</script>`,
        'WebSocket',
      ],
    ])('%s is protected like any', async (name, html, socket) => {
      const page = await hostile().page(html);
      const client = await hostile().logIn(page, { socket });
      await hostile().leavesEncrypted(client, `in a stream ${name}`);
    });

    it('that writes before the session is there waits for it', async () => {
      const page = await hostile().page();
      await page.evaluate(
        `for (let i = 0; i < 100; i++) new WebSocket('${hostile().evil.url}', 'xmpp').close()`,
      );
      const client = await hostile().logIn(page);
      await hostile().leavesEncrypted(client, 'in a crowd of sockets');
    });
  });

  describe('a message', () => {
    const body = (text: string) => `<body>${text}</body>`;
    it.each([
      [
        'behind a document type',
        (to: string, text: string) =>
          `<!DOCTYPE message [<!ENTITY x "y">]><message xmlns='jabber:client' to='${to}' type='chat' id='h'>${body(text)}</message>`,
      ],
      [
        'with a comment in it',
        (to: string, text: string) =>
          `<message xmlns='jabber:client' to='${to}' type='chat' id='h'><!-- --> ${body(text)}</message>`,
      ],
      [
        'that is not well-formed',
        (to: string, text: string) =>
          `<message xmlns='jabber:client' to='${to}' type='chat' id='h'>${body(text)}`,
      ],
      [
        'behind another one',
        (to: string, text: string) =>
          `<message xmlns='jabber:client' to='${to}' id='h'/><message xmlns='jabber:client' to='${to}' type='chat' id='h2'>${body(text)}</message>`,
      ],
      [
        'nested 10,000 deep',
        (to: string, text: string) =>
          `<message xmlns='jabber:client' to='${to}' type='chat' id='h'>${'<x>'.repeat(10_000)}${text}${'</x>'.repeat(10_000)}${body(text)}</message>`,
      ],
      [
        'of 4 MiB',
        (to: string, text: string) =>
          `<message xmlns='jabber:client' to='${to}' type='chat' id='h'>${body(text + 'x'.repeat(4 * 1024 * 1024))}</message>`,
      ],
      [
        'of 300 KiB',
        (to: string, text: string) =>
          `<message xmlns='jabber:client' to='${to}' type='chat' id='h'>${body(text + 'x'.repeat(300 * 1024))}</message>`,
      ],
    ])('%s does not leave', async (name, write) => {
      const client = await hostile().logIn(await hostile().page());
      const text = `hidden ${name}`;
      await hostile().isRefused(client, write(hostile().bobJid, text), text);
      await hostile().leavesEncrypted(client, `after a message ${name}`);
    });

    it('in another prefix leaves encrypted', async () => {
      const { bobJid, world } = hostile();
      const client = await hostile().logIn(await hostile().page());
      const mark = world.server.wire.mark();
      await client.send(
        `<c:message xmlns:c='jabber:client' to='${bobJid}' type='chat' id='prefixed'><c:body>under a prefix</c:body></c:message>`,
      );
      const sent = await world.server.wire.wait(
        'it',
        ({ dir, xml }) => dir === 'in' && xml.includes('prefixed'),
        { from: mark },
      );
      expect(sent.xml).toContain('encrypted');
      expect(world.server.leaks('under a prefix')).toEqual([]);
    });
  });
}
