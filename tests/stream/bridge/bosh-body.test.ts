import { describe, expect, it } from 'vitest';
import { readBody, writeBody } from '../../../src/stream/bridge/bosh-body';

const HEAD = "<body rid='7' sid='s' xmlns='http://jabber.org/protocol/httpbind'";

function framesOf(inner: string, head = HEAD): readonly string[] | undefined {
  return readBody(`${head}>${inner}</body>`)?.frames;
}

describe('a body of BOSH', () => {
  it('is taken apart into stanzas, byte for byte where they stand alone (I-20)', () => {
    const one = `<iq xmlns='jabber:client' id="a>b"><query  xmlns = 'x'/></iq >`;
    const two = "<message xmlns='jabber:client'><body><![CDATA[</message>]]>&lt;</body></message>";
    expect(framesOf(`\n${one} ${two}\n`)).toEqual([one, two]);
  });

  it('gives its attributes and keeps its start tag as written', () => {
    const text = `<?xml version='1.0'?> <body\n rid = "7" ack='6'  xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh' xmlns='http://jabber.org/protocol/httpbind' />`;
    const body = readBody(text);
    expect(body?.frames).toEqual([]);
    expect(body?.attributes.get('rid')).toBe('7');
    expect(body?.attributes.get('xmpp:restart')).toBe('true');
    if (body === undefined) throw new Error('no body');
    expect(writeBody(body, ['<iq/>', '<iq/>'])).toBe(
      `<body\n rid = "7" ack='6'  xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh' xmlns='http://jabber.org/protocol/httpbind'><iq/><iq/></body>`,
    );
    expect(writeBody(body, []).endsWith("httpbind'/>")).toBe(true);
  });

  it('lends a stanza the namespaces it has from the body (I-21)', () => {
    const head = `${HEAD} xmlns:stream="http://etherx.jabber.org/streams"`;
    expect(framesOf('<stream:features><x xmlns="y"/></stream:features>', head)).toEqual([
      `<stream:features xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'><x xmlns="y"/></stream:features>`,
    ]);
    expect(framesOf("<message to='b'><body>x</body></message>", head)).toEqual([
      "<message xmlns='jabber:client' to='b'><body>x</body></message>",
    ]);
  });

  it.each([
    ['text beside a stanza', 'x<message/>'],
    ['an end too much', '<message/></message><message/>'],
    ['an end that is missing', '<message><body></body>'],
    ['a comment', '<message/><!-- <iq/> -->'],
    ['a processing instruction', '<?x ?><message/>'],
    ['an open section', '<message><![CDATA[</message>'],
    ['a section beside a stanza', '<![CDATA[<message/>]]>'],
    ['a tag in a tag', '<message <iq/>'],
  ])('with %s is one frame with all of it', (_, inner) => {
    expect(framesOf(inner)).toEqual([`${inner}</body>`]);
  });

  it('without an end is one frame with all of it', () => {
    expect(readBody(`${HEAD}><message/>`)?.frames).toEqual(['<message/>']);
    expect(readBody(`${HEAD}/><message/>`)?.frames).toEqual(['<message/>']);
  });

  it('is none without a start tag', () => {
    expect(readBody('')).toBeUndefined();
    expect(readBody('<body rid=7>')).toBeUndefined();
    expect(readBody('<html><body></html>')?.tag).toBe('html');
  });
});
