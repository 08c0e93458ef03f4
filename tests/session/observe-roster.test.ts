import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import { Observations } from '../../src/session/observe';
import { parseFrame } from '../../src/xml/element';

function jid(text: string): BareJid {
  const bare = bareJid(text);
  if (bare === undefined) throw new TypeError(`jid: want a bare JID, got ${text}`);
  return bare;
}

const OWN = jid('romeo@example.net');
const JULIET = jid('juliet@example.org');
const iq = (attributes: string, content: string) =>
  parseFrame(`<iq xmlns='jabber:client' ${attributes}>${content}</iq>`);
const roster = (attributes: string, items: string) =>
  iq(attributes, `<query xmlns='jabber:iq:roster'>${items}</query>`);
const ITEM = "<item jid='juliet@example.org' subscription='both'/>";

describe('the roster', () => {
  it('makes contacts of its items, until they are removed', () => {
    const seen = new Observations();
    seen.noteIncoming(roster("type='result' id='1'", ITEM), OWN);
    expect(seen.isContact(JULIET)).toBe(true);
    const removed = "<item jid='juliet@example.org' subscription='remove'/>";
    seen.noteIncoming(roster("type='set' id='2'", removed), OWN);
    expect(seen.isContact(JULIET)).toBe(false);
  });

  it('is believed from the own account only', () => {
    const seen = new Observations();
    seen.noteIncoming(roster("type='set' id='2' from='tybalt@example.org'", ITEM), OWN);
    expect(seen.isContact(JULIET)).toBe(false);
    seen.noteIncoming(roster("type='set' id='2' from='romeo@example.net'", ITEM), OWN);
    expect(seen.isContact(JULIET)).toBe(true);
  });

  it('is missing where the page has it from before: a version that is the newest, or a resumed stream', () => {
    const seen = new Observations();
    expect(seen.isRosterMissing(false)).toBe(false);
    expect(seen.isRosterMissing(true)).toBe(true);
    seen.noteOutgoing(roster("type='get' id='1'", ''));
    seen.noteIncoming(iq("type='result' id='1'", ''), OWN);
    expect(seen.isRosterMissing(false)).toBe(true);
    // A push tells one contact, not the roster.
    seen.noteIncoming(roster("type='set' id='2'", ITEM), OWN);
    expect(seen.isRosterMissing(false)).toBe(true);
    seen.noteIncoming(roster("type='result' id='ours'", ''), OWN);
    expect(seen.isRosterMissing(false)).toBe(false);
    expect(seen.isRosterMissing(true)).toBe(false);
  });
});
