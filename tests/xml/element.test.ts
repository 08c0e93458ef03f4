import '../support/dom';
import { MAX_FRAME } from '../../src/limits';
import { afterEach, describe, expect, it } from 'vitest';
import { installDom } from '../support/dom';
import {
  append,
  appendText,
  childOf,
  childrenOf,
  cleanText,
  copyOf,
  parseFrame,
  serialise,
  textOf,
  XmlError,
} from '../../src/xml/element';

function codeOf(text: string): string {
  try {
    parseFrame(text);
  } catch (error) {
    if (error instanceof XmlError) return error.code;
    throw error;
  }
  return 'parsed';
}

const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);

describe('parseFrame (I-9)', () => {
  afterEach(installDom);

  it.each([
    ['a stanza', "<message xmlns='jabber:client'><body>x</body></message>"],
    ['an xml declaration', "<?xml version='1.0'?><a/>"],
    ['white space around the root', ' \n<a/>\n'],
    ['the five predefined entities', "<a b='&lt;&quot;'>&amp;&gt;&apos;&#10;&#x1F600;</a>"],
    ['markup inside CDATA', '<a><![CDATA[<!DOCTYPE x> &no; <?pi?> <!-- -->]]></a>'],
    ['32 levels', nested(32)],
    ['an element a peer calls parsererror', "<a><parsererror xmlns='urn:example:x'/></a>"],
  ])('parses %s', (_name, text) => {
    expect(codeOf(text)).toBe('parsed');
  });

  it.each([
    ['an unclosed element', '<a><b></a>', 'malformed'],
    ['two roots', '<a/><b/>', 'malformed'],
    ['text alone', 'hello', 'malformed'],
    ['nothing', '', 'malformed'],
    ['an unbound prefix', '<p:a/>', 'malformed'],
    ['an attribute twice', "<a x='1' x='2'/>", 'malformed'],
    ['an unquoted attribute', '<a x=1/>', 'malformed'],
    ['an unknown entity', '<a>&foo;</a>', 'malformed'],
    ['a bare ampersand', '<a>R&D</a>', 'malformed'],
    ['a reference to a character XML does not have', '<a>&#1;</a>', 'malformed'],
    ['such a reference in an attribute', "<a x='&#x1;'/>", 'malformed'],
    ['a control character', '<a>\u0001</a>', 'malformed'],
    ['a lone surrogate', '<a>\ud800</a>', 'malformed'],
    ['a comment', '<a><!-- x --></a>', 'malformed'],
    ['a comment before the root', '<!-- x --><a/>', 'malformed'],
    ['a processing instruction', '<a><?x y?></a>', 'malformed'],
    ['a stylesheet instruction', "<?xml-stylesheet href='x'?><a/>", 'malformed'],
    ['an unclosed CDATA section', '<a><![CDATA[x</a>', 'malformed'],
    ['a document type', '<!DOCTYPE a><a/>', 'doctype'],
    ['a document type in lower case', '<!doctype a><a/>', 'doctype'],
    ['an entity bomb', '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', 'doctype'],
    ['33 levels', nested(33), 'too-deep'],
    ['2 MiB', `<a>${'x'.repeat(2 * MAX_FRAME)}</a>`, 'too-large'],
    ['an XHTML error page', "<html xmlns='http://www.w3.org/1999/xhtml'/>", 'malformed'],
  ])('refuses %s', (_name, text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it('refuses what a browser answers with a parsererror', () => {
    const answers = [
      '<parsererror xmlns="http://www.mozilla.org/newlayout/xml/parsererror.xml">x</parsererror>',
      '<a><parsererror xmlns="http://www.w3.org/1999/xhtml"><h3>x</h3></parsererror></a>',
      '<html xmlns="http://www.w3.org/1999/xhtml"><body><parsererror/></body></html>',
    ];
    const Strict = globalThis.DOMParser;
    for (const answer of answers) {
      Object.assign(globalThis, {
        DOMParser: class {
          parseFromString(): Document {
            return new Strict().parseFromString(answer, 'application/xml');
          }
        },
      });
      expect(codeOf('<a/>')).toBe('malformed');
    }
  });

  it('answers for a hostile frame of many unclosed sections in time', () => {
    const started = performance.now();
    expect(codeOf(`<a>${'<![CDATA['.repeat(100_000)}</a>`)).toBe('malformed');
    expect(codeOf(`<a>${'<b '.repeat(300_000)}</a>`)).toBe('malformed');
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('parses a larger frame when asked to', () => {
    const text = `<a>${'x'.repeat(MAX_FRAME)}</a>`;
    expect(textOf(parseFrame(text, 2 * MAX_FRAME))).toHaveLength(MAX_FRAME);
  });
});

describe('elements', () => {
  it('keeps spaces, newlines and prefixes when serialised again (I-2, I-9)', () => {
    const text =
      "<m xmlns='jabber:client' xmlns:x='urn:x'><x:a x:b='1'> a\n b </x:a><c xml:lang='de'/></m>";
    const again = parseFrame(serialise(parseFrame(text)));
    const a = childOf(again, 'a', 'urn:x');
    expect(a && textOf(a)).toBe(' a\n b ');
    expect(a?.getAttributeNS('urn:x', 'b')).toBe('1');
    expect(childOf(again, 'c', 'jabber:client')?.getAttribute('xml:lang')).toBe('de');
  });

  it('looks children up by exact namespace', () => {
    const parent = parseFrame("<m xmlns='a'><body>1</body><body xmlns='b'>2</body>text</m>");
    expect(childrenOf(parent)).toHaveLength(2);
    expect(childrenOf(parent, 'body').map(textOf)).toEqual(['1', '2']);
    expect(childrenOf(parent, undefined, 'b').map(textOf)).toEqual(['2']);
    expect(childOf(parent, 'body', 'c')).toBeUndefined();
  });

  it('copies without touching the original', () => {
    const original = parseFrame('<a><b/></a>');
    append(copyOf(original), parseFrame('<c/>'));
    expect(serialise(original)).toBe('<a><b/></a>');
  });

  it('declares the namespace of what it inserts (I-2)', () => {
    const parent = parseFrame("<m xmlns='jabber:client'/>");
    append(parent, parseFrame("<x xmlns='urn:x'><y/></x>"));
    appendText(parent, 'store', 'urn:hints', '');
    appendText(parent, 'body', 'jabber:client', 'a < b & c');
    const again = parseFrame(serialise(parent));
    expect(childrenOf(again).map((child) => [child.localName, child.namespaceURI])).toEqual([
      ['x', 'urn:x'],
      ['store', 'urn:hints'],
      ['body', 'jabber:client'],
    ]);
    expect(childrenOf(again, 'body').map(textOf)).toEqual(['a < b & c']);
  });

  it('inserts text as text, with illegal characters replaced', () => {
    const parent = parseFrame('<m/>');
    appendText(parent, 'body', 'urn:x', '</body><evil/>\u0000\ud800 ]]>');
    const body = childOf(parseFrame(serialise(parent)), 'body', 'urn:x');
    expect(body && textOf(body)).toBe('</body><evil/>\ufffd\ufffd ]]>');
  });

  it('leaves legal text alone, also outside the first plane', () => {
    expect(cleanText('a\t\n\r😀\u202e')).toBe('a\t\n\r😀\u202e');
  });
});
