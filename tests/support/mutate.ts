// Damages stanzas at random: texts by cutting and copying, trees by moving, doubling and renaming elements.
import fc from 'fast-check';
import { append, childrenOf, copyOf, parseFrame, removeElement } from '../../src/xml/element';

/** One change of a text, by fractions of its length. */
interface Cut {
  readonly kind: 'delete' | 'double' | 'insert';
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const snippet = fc.constantFrom(
  ...['<', '>', '/', '&', '"', "'", '=', '-1', '0', '4294967296', ' ', '\n', '\u0000', '\ud800'],
  ...["<x xmlns=''/>", '<![CDATA[', ']]>', '<!--', '<!DOCTYPE x>', '&amp;', '&#x0;', 'é', '😀'],
);

/** A text with a few changes. */
export function damagedText(texts: readonly string[]): fc.Arbitrary<string> {
  const cut: fc.Arbitrary<Cut> = fc.record({
    kind: fc.constantFrom('delete', 'double', 'insert'),
    at: fraction,
    length: fc.nat(40),
    text: snippet,
  });
  const cuts = fc.array(cut, { minLength: 1, maxLength: 4 });
  return fc.tuple(fc.constantFrom(...texts), cuts).map(([text, changes]) =>
    changes.reduce((damaged, { kind, at, length, text: inserted }) => {
      const from = Math.floor(at * damaged.length);
      const middle = damaged.slice(from, from + length);
      const instead = { delete: '', double: middle + middle, insert: inserted + middle }[kind];
      return damaged.slice(0, from) + instead + damaged.slice(from + length);
    }, text),
  );
}

interface Step {
  readonly kind: 'remove' | 'double' | 'move' | 'text' | 'attribute' | 'no-attribute';
  readonly at: number;
  readonly to: number;
  readonly value: string;
}

const value = fc.oneof(
  snippet.filter((text) => !/[<&\u0000\ud800]/.test(text)),
  fc.constantFrom('', 'AAAA', 'A', 'true', '2147483648', 'a@b', '@', 'juliet@example.org/x'),
);

function everyElement(root: Element): Element[] {
  return [root, ...childrenOf(root).flatMap(everyElement)];
}

function pick<T>(from: readonly T[], at: number): T | undefined {
  return from[Math.min(from.length - 1, Math.floor(at * from.length))];
}

function change(root: Element, { kind, at, to, value: text }: Step): void {
  const element = pick(everyElement(root), at);
  const target = pick(everyElement(root), to);
  if (element === undefined || target === undefined) return;
  const attribute = pick(
    Array.from(element.attributes, ({ name }) => name),
    to,
  );
  if (kind === 'remove' && element !== root) removeElement(element);
  if (kind === 'double' || kind === 'move') append(target, copyOf(element));
  if (kind === 'move' && element !== root) removeElement(element);
  if (kind === 'text') element.textContent = text;
  if (attribute === undefined || attribute.startsWith('xmlns')) return;
  if (kind === 'attribute') element.setAttribute(attribute, text);
  if (kind === 'no-attribute') element.removeAttribute(attribute);
}

/** A well-formed tree with a few changes. */
export function damagedTree(texts: readonly string[]): fc.Arbitrary<Element> {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('remove', 'double', 'move', 'text', 'attribute', 'no-attribute'),
    at: fraction,
    to: fraction,
    value,
  });
  const steps = fc.array(step, { minLength: 1, maxLength: 5 });
  return fc.tuple(fc.constantFrom(...texts), steps).map(([text, changes]) => {
    const root = parseFrame(text);
    for (const each of changes) change(root, each);
    return root;
  });
}
