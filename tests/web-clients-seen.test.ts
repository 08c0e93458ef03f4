// The runs of web clients are judged by what these say: they must tell a difference where there is one, and only there.
import { describe, expect, it } from 'vitest';
import { countsOf, framesAtServer, isBalanced, type Frame } from './support/web-clients/frames';
import { asSeen, withoutOurs } from './support/web-clients/same';

const out = (xml: string): Frame => ({ dir: 'out', xml });
const got = (xml: string): Frame => ({ dir: 'in', xml });
const SM = "xmlns='urn:xmpp:sm:3'";

describe('the counts of a stream', () => {
  const session = [
    out('<iq/>'),
    out(`<enable ${SM} resume='true'/>`),
    out('<presence/>'),
    got(`<enabled ${SM} id='x'/>`),
    got('<presence/>'),
    out('<message/>'),
    got(`<r ${SM}/>`),
  ];
  const all = [...session, out(`<a ${SM} h='1'/>`), got(`<a h="2" ${SM}/>`)];

  it('begin with its stream management', () => {
    expect(countsOf(all)).toEqual({ sent: 2, acknowledged: 2, received: 1, confirmed: 1 });
    expect(isBalanced(countsOf(all))).toBe(true);
  });

  it.each([
    ['sent and not acknowledged', [...all, out('<message/>')]],
    ['got and not confirmed', [...all, got('<message/>')]],
    ['acknowledged and never sent', [...session, out(`<a ${SM} h='1'/>`), got(`<a ${SM} h='3'/>`)]],
    ['confirmed and never got', [...session, out(`<a ${SM} h='2'/>`), got(`<a ${SM} h='2'/>`)]],
  ])('do not agree where one was %s', (_what, frames) => {
    expect(isBalanced(countsOf(frames))).toBe(false);
  });

  it('go on where the session is resumed', () => {
    const resumed = [out(`<resume ${SM} h='7' previd='x'/>`), got(`<resumed ${SM} h='9'/>`)];
    expect(countsOf([...all, ...resumed, out('<iq/>'), got('<iq/>')])).toEqual({
      ...{ sent: 10, acknowledged: 9 },
      ...{ received: 8, confirmed: 7 },
    });
  });

  it('have a stanza once that the log of the server has twice', () => {
    const record = { t: 1, jid: 'a@b/c', via: 'websocket', dir: 'out' } as const;
    const records = ["<iq id='1'/>", "<iq id='1'/>", "<iq id='2'/>"].map((xml) => ({
      ...record,
      xml,
    }));
    expect(framesAtServer(records)).toEqual([got("<iq id='1'/>"), got("<iq id='2'/>")]);
  });
});

describe('two runs', () => {
  const names = { me: 'me-1@omnemo.test', them: 'them-1@omnemo.test' };
  const run = (n: number, text = 'hello') => [
    out(`<message id='${n}' to='them-${n}@omnemo.test/a${n}'><body>${text}</body></message>`),
    got(`<presence from="them-${n}@omnemo.test/b${n}" to='me-${n}@omnemo.test'/>`),
  ];
  const seen = (frames: readonly Frame[], n: number) =>
    asSeen(frames, { me: `me-${n}@omnemo.test`, them: `them-${n}@omnemo.test` });

  it('are the same where ids, names, resources and the order of attributes differ', () => {
    const other = [
      ...run(2).slice(0, 1),
      got(`<presence to='me-2@omnemo.test' from='them-2@omnemo.test/x'/>`),
    ];
    expect(seen(other, 2)).toEqual(asSeen(run(1), names));
  });

  it.each([
    ['another text', run(1, 'hallo')],
    ['a stanza more', [...run(1), got('<iq/>')]],
    ['a stanza less', run(1).slice(1)],
    ['an element more', run(1, 'hello</body><encrypted/><body>')],
  ])('differ by %s', (_what, frames) => {
    expect(asSeen(frames, names)).not.toEqual(asSeen(run(1), names));
  });

  it('differ by the order of what was sent', () => {
    const turned = [...run(1, 'one'), ...run(1, 'two')];
    const other = [...run(1, 'two'), ...run(1, 'one')];
    expect(asSeen(turned, names)).not.toEqual(asSeen(other, names));
  });
});

it('the extension’s own is told from the page’s by the ids of what the page sent', () => {
  const page = [out("<iq type='get' id='p1'/>")];
  const event = '<event xmlns="http://jabber.org/protocol/pubsub#event"/>';
  const atServer = [
    out("<iq type='get' id='p1'/>"),
    out("<iq type='set' id='ours'/>"),
    got("<iq type='result' id='ours'/>"),
    got(`<message>${event}</message>`),
    out("<presence><c xmlns='http://jabber.org/protocol/caps' ver='x'/></presence>"),
    out("<message id='ours'/>"),
  ];
  // A message nobody wrote would show.
  expect(withoutOurs(atServer, page)).toEqual([
    out("<iq type='get' id='p1'/>"),
    out('<presence></presence>'),
    out("<message id='ours'/>"),
  ]);
});
