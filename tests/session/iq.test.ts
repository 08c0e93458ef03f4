import '../support/dom';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type BareJid } from '../../src/jid';
import { conditionOf, newIdPrefix, OwnIqs, type IqRequest, type Reply } from '../../src/session/iq';
import { childrenOf, parseFrame } from '../../src/xml/element';
import { jid } from '../vault/world';
import { ANSWERS } from './server';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const OWN = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const PAYLOAD = "<ping xmlns='urn:xmpp:ping'/>";

function setUp(prefix = newIdPrefix()) {
  const sent: { id: string; stanza: Element }[] = [];
  const send = (id: string, text: string) => void sent.push({ id, stanza: parseFrame(text) });
  const iqs = new OwnIqs(prefix, send, () => OWN);
  const replies: Reply[] = [];
  const ask = (to?: BareJid, more: Partial<IqRequest> = {}) => {
    const request: IqRequest = { type: 'get', payload: PAYLOAD, ...more };
    void iqs.request(to === undefined ? request : { ...request, to }).then((reply) => {
      replies.push(reply);
    });
  };
  /** The server answers the request with that number. */
  const answer = (number: number, attributes = '', type = 'result', payload = '') =>
    iqs.take(
      parseFrame(
        `<iq xmlns='jabber:client' type='${type}' id='${sent[number]?.id}' ${attributes}>${payload}</iq>`,
      ),
    );
  const settled = async () => {
    await vi.advanceTimersByTimeAsync(0);
    return replies;
  };
  return { iqs, sent, ask, answer, settled };
}

describe('a request of ours', () => {
  it('goes to whom it is for; to ourselves without address', () => {
    const { ask, sent } = setUp();
    ask();
    ask(ROMEO, { type: 'set' });
    const seen = sent.map(({ id, stanza }) => [
      stanza.getAttribute('id') === id,
      stanza.getAttribute('type'),
      stanza.getAttribute('to'),
      childrenOf(stanza, 'ping', 'urn:xmpp:ping').length,
    ]);
    expect(seen).toEqual([
      [true, 'get', null, 1],
      [true, 'set', ROMEO, 1],
    ]);
  });

  it('has an id nobody can guess, also after a reload that goes on with the same prefix (I-46)', () => {
    const prefix = newIdPrefix();
    const ids = [setUp(prefix), setUp(prefix), setUp()].map(({ ask, sent }) => {
      ask();
      return sent[0]?.id ?? '';
    });
    expect(new Set(ids).size).toBe(3);
    expect(prefix).toMatch(/^[0-9a-f]{32}$/);
    for (const id of ids.slice(0, 2)) expect(id).toMatch(new RegExp(`^${prefix}[0-9a-z]+$`));
  });

  it.each([
    ['ourselves', undefined, ''],
    ['ourselves', undefined, "from='juliet@example.org'"],
    ['ourselves', undefined, "from='Juliet@example.org/balcony'"],
    ['ourselves by name', OWN, ''],
    ['a contact', ROMEO, "from='romeo@example.net'"],
  ])('to %s is answered by them (I-46): %s %s', async (_name, to, from) => {
    const { ask, answer, settled } = setUp();
    ask(to);
    expect(answer(0, from)).toBe(true);
    expect(await settled()).toMatchObject([{ kind: 'result' }]);
  });

  it.each([
    ['ourselves', undefined, "from='romeo@example.net'"],
    ['ourselves', undefined, "from='example.org'"],
    ['ourselves', undefined, "from='juliet@example.org.net'"],
    ['a contact', ROMEO, ''],
    ['a contact', ROMEO, "from='juliet@example.org'"],
    ['a contact', ROMEO, "from='romeo@example.net/phone'"],
    ['a contact', ROMEO, "from='example.net'"],
  ])(
    'to %s is not answered by others, whose answer nobody sees: %s %s',
    async (_name, to, from) => {
      const { ask, answer, settled } = setUp();
      ask(to);
      expect(answer(0, from)).toBe(true);
      expect(await settled()).toEqual([]);
      expect(answer(0, to === undefined ? '' : `from='${to}'`)).toBe(true);
      expect(await settled()).toMatchObject([{ kind: 'result' }]);
    },
  );

  it('is answered once; every later answer is hidden from the page (I-47)', async () => {
    const { ask, answer, settled } = setUp();
    ask();
    answer(0, '', 'error', ANSWERS.prosody.missing);
    expect(answer(0)).toBe(true);
    expect(await settled()).toMatchObject([{ kind: 'error', condition: 'item-not-found' }]);
  });

  it('without answer ends after fifteen seconds, and the late answer is hidden (I-47)', async () => {
    const { ask, answer, settled } = setUp();
    ask();
    await vi.advanceTimersByTimeAsync(14_999);
    expect(await settled()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await settled()).toEqual([{ kind: 'timeout' }]);
    expect(answer(0)).toBe(true);
    expect(await settled()).toHaveLength(1);
  });
});

describe('an IQ of the server that is not ours (I-48)', () => {
  it.each([
    ['of the page', "type='result' id='1'"],
    ['without id', "type='result'"],
    ['with our prefix elsewhere', "type='result' id='xPREFIX'"],
    ['a request, whatever its id', "type='get' id='PREFIX1'"],
    ['a request, whatever its id', "type='set' id='PREFIX1'"],
  ])('is the page’s: %s, %s', (_name, attributes) => {
    const { iqs } = setUp('PREFIX');
    expect(iqs.take(parseFrame(`<iq xmlns='jabber:client' ${attributes}/>`))).toBe(false);
  });

  it('becomes ours with the prefix of a stream that is resumed', () => {
    const { iqs } = setUp();
    const stanza = parseFrame("<iq xmlns='jabber:client' type='result' id='BEFORE1'/>");
    expect(iqs.take(stanza)).toBe(false);
    iqs.adopt('BEFORE');
    expect(iqs.take(stanza)).toBe(true);
  });
});

describe('many requests', () => {
  it('are under way eight at a time, in order', async () => {
    const { ask, answer, sent, settled } = setUp();
    for (let n = 0; n < 10; n++) ask(undefined, { payload: `<n${n} xmlns='x'/>` });
    expect(sent).toHaveLength(8);
    answer(3);
    await settled();
    expect(sent).toHaveLength(9);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(sent.map(({ stanza }) => childrenOf(stanza)[0]?.localName)).toEqual(
      Array.from({ length: 10 }, (_each, n) => `n${n}`),
    );
  });

  it('all end with the stream, none is sent any more', async () => {
    const { iqs, ask, sent, settled } = setUp();
    for (let n = 0; n < 12; n++) ask();
    iqs.close();
    expect(await settled()).toEqual(Array.from({ length: 12 }, () => ({ kind: 'timeout' })));
    ask();
    expect(await settled()).toHaveLength(13);
    expect(sent).toHaveLength(8);
  });
});

describe('the condition of an error', () => {
  const STANZAS = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'";
  it.each([
    [ANSWERS.prosody.missing, 'item-not-found'],
    [ANSWERS.prosody.closed, 'forbidden'],
    [ANSWERS.prosody.differing, 'conflict'],
    // ejabberd puts its own condition first.
    [ANSWERS.ejabberd.closed, 'not-authorized'],
    [ANSWERS.ejabberd.differing, 'conflict'],
    [ANSWERS.ejabberd.missing, 'item-not-found'],
    [`<error><text ${STANZAS}>x</text><gone ${STANZAS}/></error>`, 'gone'],
    ['<error/>', 'undefined-condition'],
    [`<error><text ${STANZAS}>x</text></error>`, 'undefined-condition'],
    ['', 'undefined-condition'],
  ])('%s is read as %s', (error, condition) => {
    expect(conditionOf(parseFrame(`<iq xmlns='jabber:client' type='error'>${error}</iq>`))).toBe(
      condition,
    );
  });
});
