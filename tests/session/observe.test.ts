import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import { Observations } from '../../src/session/observe';
import { parseFrame } from '../../src/xml/element';

function jid(text: string): BareJid {
  const bare = bareJid(text);
  if (bare === undefined) throw new TypeError(text);
  return bare;
}

const OWN = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const MAM = 'urn:xmpp:mam:2';

const query = (attributes: string, queryId = "queryid='q'", ns = MAM) =>
  parseFrame(
    `<iq xmlns='jabber:client' type='set' id='1' ${attributes}><query xmlns='${ns}' ${queryId}/></iq>`,
  );

const answer = (type: string, id = '1') =>
  parseFrame(`<iq xmlns='jabber:client' type='${type}' id='${id}'/>`);

const roster = (items: string, attributes = "type='result' id='r'") =>
  parseFrame(
    `<iq xmlns='jabber:client' ${attributes}><query xmlns='jabber:iq:roster'>${items}</query></iq>`,
  );

function asked(attributes = '', queryId?: string, ns?: string): Observations {
  const observations = new Observations();
  observations.noteOutgoing(query(attributes, queryId, ns));
  return observations;
}

describe('an archive query of the page', () => {
  it.each([
    ['its own archive', '', null],
    ['its own archive by name', '', 'juliet@example.org'],
    ['its own archive by name', "to='juliet@example.org'", null],
    // Pages take the JID as the user typed it; servers answer in prepared form.
    ['its own archive in capitals', "to='Juliet@Example.org'", 'juliet@example.org'],
    ['its own archive in capitals', "to='Juliet@Example.org'", null],
    ['a room', "to='Room@muc.example.org'", 'room@muc.example.org'],
  ])('of %s is open for an answer from there: %s, %s', (_name, to, from) => {
    expect(asked(to).isOpenQuery('q', from, OWN)).toBe(true);
  });

  it.each([
    ['someone else', '', 'romeo@example.net'],
    ['another room', "to='room@muc.example.org'", 'other@muc.example.org'],
    ['an occupant of the room', "to='room@muc.example.org'", 'room@muc.example.org/nick'],
    ['ourselves for a room', "to='room@muc.example.org'", 'juliet@example.org'],
    ['a resource of ours', '', 'juliet@example.org/phone'],
    ['no JID', '', 'a@b@c'],
  ])('is not open for an answer from %s', (_name, to, from) => {
    expect(asked(to).isOpenQuery('q', from, OWN)).toBe(false);
  });

  it('is told apart by its id, which may be missing on both sides', () => {
    expect(asked().isOpenQuery('other', null, OWN)).toBe(false);
    expect(asked('', '').isOpenQuery('', null, OWN)).toBe(true);
    expect(asked('', '').isOpenQuery('q', null, OWN)).toBe(false);
  });

  it.each(['result', 'error'])('ends with its %s, not with another one', (type) => {
    const observations = asked();
    observations.noteIncoming(answer(type, '2'), OWN);
    observations.noteIncoming(answer('get'), OWN);
    expect(observations.isOpenQuery('q', null, OWN)).toBe(true);
    observations.noteIncoming(answer(type), OWN);
    expect(observations.isOpenQuery('q', null, OWN)).toBe(false);
  });

  it.each([
    ['urn:xmpp:mam:0', true],
    ['urn:xmpp:mam:1', true],
    ['urn:xmpp:mam:3', false],
    ['jabber:iq:roster', false],
  ])('is one of the archive’s namespaces: %s', (ns, isOne) => {
    expect(asked('', undefined, ns).isOpenQuery('q', null, OWN)).toBe(isOne);
  });

  it('is forgotten after many others, which are not', () => {
    const observations = asked();
    for (let n = 0; n < 500; n++) observations.noteOutgoing(query('', `queryid='q${n}'`));
    expect(observations.isOpenQuery('q', null, OWN)).toBe(false);
    expect(observations.isOpenQuery('q0', null, OWN)).toBe(true);
  });
});

describe('the roster', () => {
  const item = (address: string, rest = '') => `<item jid='${address}' ${rest}/>`;

  it.each([
    ["type='result' id='r'", true],
    ["type='set' id='r' from='juliet@example.org'", true],
    ["type='set' id='r' from='Juliet@example.org/phone'", true],
    ["type='set' id='r' from='romeo@example.net'", false],
    ["type='set' id='r' from='example.org'", false],
  ])('is the account’s own only: %s', (attributes, isKnown) => {
    const observations = new Observations();
    observations.noteIncoming(roster(item('Romeo@example.net'), attributes), OWN);
    expect(observations.isContact(ROMEO)).toBe(isKnown);
  });

  it('loses who is removed, and takes no nonsense', () => {
    const observations = new Observations();
    const items = item(ROMEO) + item('paris@example.net') + item('a b') + '<item/>';
    observations.noteIncoming(roster(items), OWN);
    const gone = item(ROMEO, "subscription='remove'");
    observations.noteIncoming(roster(gone, "type='set' id='p'"), OWN);
    expect(observations.isContact(ROMEO)).toBe(false);
    expect(observations.isContact(jid('paris@example.net'))).toBe(true);
  });
});
