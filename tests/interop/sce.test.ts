// The drivers of OMEMO 2 refuse an envelope that is not as the profile has it: that they open ours says something.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PYTHON } from '../run/python-peers.mjs';

const SENDER = 'alice@omnemo.example';
const RECIPIENT = 'paul@omnemo.example';
const BODY = "<body xmlns='jabber:client'>text</body>";
const PARTS = {
  content: `<content>${BODY}</content>`,
  rpad: '<rpad>padding</rpad>',
  from: `<from jid='${SENDER}'/>`,
  to: `<to jid='${RECIPIENT}'/>`,
  time: "<time stamp='2026-11-25T01:02:03.456Z'/>",
};
const PROGRAM = [
  'import sys, sce',
  'try: print(sce.open_envelope(sys.argv[1].encode(), sys.argv[2], sys.argv[3]))',
  "except sce.EnvelopeRefused as refused: print('refused:', refused)",
].join('\n');

async function open(changes: Partial<typeof PARTS>): Promise<string> {
  const parts = Object.values({ ...PARTS, ...changes }).join('');
  const envelope = `<envelope xmlns='urn:xmpp:sce:1'>${parts}</envelope>`;
  const args = ['-B', '-c', PROGRAM, envelope, SENDER, RECIPIENT];
  const cwd = path.join(import.meta.dirname, 'peers');
  const { stdout } = await promisify(execFile)(PYTHON, args, { cwd });
  return stdout.trim();
}

describe('the envelope of the drivers', () => {
  it('gives the text of a right one', async () => {
    expect(await open({})).toBe('text');
  });

  it.each([
    ['from somebody else', { from: "<from jid='mallory@omnemo.example'/>" }, 'another sender'],
    ['from a device', { from: `<from jid='${SENDER}/phone'/>` }, 'another sender'],
    ['without a sender', { from: '' }, '0 elements from'],
    ['to somebody else', { to: `<to jid='${SENDER}'/>` }, 'another recipient'],
    ['without padding', { rpad: '' }, '0 elements rpad'],
    ['with two paddings', { rpad: PARTS.rpad.repeat(2) }, '2 elements rpad'],
    ['without a time', { time: '' }, '0 elements time'],
    ['with no time in UTC', { time: "<time stamp='2026-11-25T01:02:03'/>" }, 'not in UTC'],
    ['with two bodies', { content: `<content>${BODY}${BODY}</content>` }, '2 bodies'],
    [
      'with a hint for servers',
      { content: `<content>${BODY}<store xmlns='urn:xmpp:hints'/></content>` },
      'an element for servers',
    ],
  ])('is refused %s', async (_what, changes, reason) => {
    const answer = await open(changes);
    expect(answer).toMatch(/^refused: /);
    expect(answer).toContain(reason);
  });
});
