// The runs of web clients are judged by what these say: they must tell a difference where there is one, and only there.
import { describe, expect, it } from 'vitest';
import { countsOf, framesAtServer, isBalanced, type Frame } from './support/web-clients/frames';

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
