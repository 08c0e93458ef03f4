// Frames that cannot be parsed, or hold more than one stanza.
import { chat, makeWorld, quiet, ready, until } from './stream-world';
import { beforeEach, describe, expect, it, vi } from 'vitest';

vi.mock('webextension-polyfill', async () => ({
  default: (await import('../vault/browser')).browser,
}));

const SECRET = chat('1', 'secret');

describe('a frame of the page that nobody can read', () => {
  it.each([
    ['an entity', SECRET.replace('secret', 'secret&nbsp;')],
    ['a DOCTYPE', `<!DOCTYPE x [<!ENTITY a 'b'>]>${SECRET}`],
    ['a comment before', `<!-- -->${SECRET}`],
    ['no end', SECRET.slice(0, -3)],
    ['a declaration and an open tag', `<?xml version='1.0'?><message to='a@b' id="1">secret`],
    ['too many levels', SECRET.replace('<body>', '<a>'.repeat(40)).replace('</body>', '')],
    ['too many characters', SECRET.replace('secret', `secret${' '.repeat(1024 * 1024)}`)],
    ['a prefix', `<c:message xmlns:c='jabber:client' id='1'><c:body>secret</body></c:message>`],
    ['two messages', SECRET + SECRET],
  ])('does not leave, and the page is told: %s', async (_name, frame) => {
    const world = await makeWorld();
    const page = await ready(world);
    page.send(frame);
    await until(() => page.errorFor('1') !== undefined, 'a refusal');
    expect(world.server.got.join()).not.toContain('secret');
  });

  it.each([
    ['a presence', "<presence xmlns='jabber:client'/>"],
    ['a presence with text', "<presence xmlns='jabber:client'><status>x</status></presence>"],
    ['a request', "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>"],
    ['an empty request', "<iq xmlns='jabber:client' type='result' id='p'/>"],
    ['an acknowledgement', "<r xmlns='urn:xmpp:sm:3'/>"],
    ['a prefixed presence', "<c:presence xmlns:c='jabber:client'></c:presence>"],
  ])('does not take a message along: behind %s', async (_name, first) => {
    const world = await makeWorld();
    const page = await ready(world);
    page.send(`${first}\n${SECRET}`);
    await until(() => page.errorFor('1') !== undefined, 'a refusal');
    expect(world.server.got.join()).not.toContain('secret');
  });

  it.each([
    ['an entity beside the word message', "<iq type='set' id='q'><x>message&nbsp;</x></iq>"],
    [
      'more than we read',
      `<iq type='set' id='q'><x a='urn:xmpp:omemo'>message${' '.repeat(1024 * 1024)}</x></iq>`,
    ],
  ])('passes if it is surely no message: %s', async (_name, frame) => {
    const world = await makeWorld();
    const page = await ready(world);
    page.send(frame);
    await until(() => world.server.got.includes(frame), 'sending');
  });
});

describe('a frame of the server that nobody can read', () => {
  const unread = (attributes: string) =>
    `<message xmlns='jabber:client' ${attributes}><body>&nbsp;</body></message>`;

  it('is shown as that, from the one who sent it', async () => {
    const page = await ready(await makeWorld());
    page.push(unread("from='romeo@example.net/x' id='2' type='chat'"));
    await until(() => page.seen.some((text) => text.includes('malformed')), 'a remark');
    const shown = page.seen.find((text) => text.includes('malformed'));
    expect(shown).toMatch(/from="romeo@example.net\/x"/);
    expect(shown).toContain('[OMEMO]');
  });

  it.each(["from='juliet@example.org'", ''])(
    'says nothing in anyone’s name when it may be a wrapper: %s',
    async (attributes) => {
      const page = await ready(await makeWorld());
      const before = page.seen.length;
      page.push(unread(attributes));
      await quiet();
      expect(page.seen.slice(before)).toEqual([]);
    },
  );

  it('that is no message passes', async () => {
    const page = await ready(await makeWorld());
    const frame = "<iq type='result' id='urn:xmpp:mam:2'><x>&nbsp;</x></iq>";
    page.push(frame);
    await until(() => page.seen.includes(frame), 'receiving');
  });
});

beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined));
