// Whatever arrives, readers of stanzas answer or refuse; they never fail in another way.
import '../support/dom';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import {
  chooseEncrypted,
  codecFor,
  findEncrypted,
  type Recipient,
} from '../../src/session/codec/codec';
import { readDeviceLabels } from '../../src/session/codec/omemo2';
import { openEnvelope, type EnvelopeContext } from '../../src/session/envelope';
import { StanzaError } from '../../src/session/errors';
import { contextOf, restoreContent } from '../../src/session/inbound-content';
import { unwrap } from '../../src/session/unwrap';
import { parseFrame, XmlError } from '../../src/xml/element';
import { fixture, fixturesOf } from '../support/fixtures';
import { damagedText, damagedTree } from '../support/mutate';
import { errorOf } from '../support/records';

const jid = (text: string): BareJid => bareJid(text) ?? expect.fail('a JID');
const US: Recipient = { jid: jid('juliet@example.org'), deviceId: 31415 };
const CONTEXT: EnvelopeContext = {
  sender: jid('romeo@example.org'),
  recipient: US.jid,
  isGroup: false,
  at: 0,
};

const textsOf = (...kinds: string[]): string[] =>
  kinds.flatMap((kind) => fixturesOf(kind).map(({ xml }) => xml));

/** Counts what was read, so that a property which only ever refuses does not pass. */
function check<T>(arbitrary: fc.Arbitrary<T>, read: (value: T) => unknown): void {
  let answers = 0;
  let refusals = 0;
  const property = fc.property(arbitrary, (value) => {
    const error = errorOf(() => read(value));
    if (error === undefined) answers += 1;
    else refusals += 1;
    expect(error === undefined || error instanceof StanzaError).toBe(true);
  });
  fc.assert(property, { seed: 20_261_124, numRuns: 120 });
  expect(Math.min(answers, refusals)).toBeGreaterThan(5);
}

describe('a damaged element', () => {
  it('of a message is read or refused', () => {
    check(damagedTree(textsOf('message', 'omemo2-message')), (stanza) => {
      const found = findEncrypted(stanza);
      if (found === 'several') throw new StanzaError('malformed');
      return chooseEncrypted(found, US);
    });
  });

  it('of a bundle is read or refused', () => {
    check(damagedTree(textsOf('bundle')), (element) =>
      codecFor('eu.siacs.conversations.axolotl').readBundle(element),
    );
    check(damagedTree(textsOf('omemo2-bundle')), (element) =>
      codecFor('urn:xmpp:omemo:2').readBundle(element),
    );
  });

  it('of a device list is read or refused, and written again', () => {
    const legacy = codecFor('eu.siacs.conversations.axolotl');
    check(damagedTree(textsOf('list', 'omemo2-list')), (element) => [
      legacy.readDeviceList(element),
      legacy.writeDeviceList(element, 5),
    ]);
    const omemo2 = codecFor('urn:xmpp:omemo:2');
    check(damagedTree(textsOf('list', 'omemo2-list')), (element) => [
      omemo2.readDeviceList(element),
      readDeviceLabels(element),
      omemo2.writeDeviceList(element, 5),
    ]);
  });
});

describe('a damaged envelope', () => {
  /** Opens and shows it; throws the refusal, to be counted. */
  function show(plaintext: string): string | undefined {
    const stanza = parseFrame(fixture('qxmpp/text'));
    const unwrapped = unwrap(stanza, { own: US.jid, isOpenQuery: () => false });
    if (unwrapped.kind !== 'message') throw new Error(unwrapped.kind);
    const opened = openEnvelope(plaintext, contextOf(unwrapped, US.jid, 0));
    const frame = restoreContent(stanza, unwrapped, opened, 'trusted', US.jid);
    if (frame !== undefined) parseFrame(frame);
    if (opened.kind === 'refused') throw opened.error;
    return frame;
  }

  it('is shown or refused, as a text', () => {
    check(damagedText(textsOf('envelope')), show);
  });

  it('is shown or refused, as a tree', () => {
    const trees = damagedTree(textsOf('envelope'));
    check(trees, (root) => show(new XMLSerializer().serializeToString(root)));
  });

  it('is shown or refused, whatever it is', () => {
    const unit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
    const anything = fc.oneof(fc.string(), fc.string({ unit }));
    fc.assert(
      fc.property(anything, (text) => openEnvelope(text, CONTEXT).kind === 'refused'),
      { seed: 20_261_124, numRuns: 120 },
    );
  });
});

describe('a damaged stanza', () => {
  it('is parsed or refused before a reader sees it', () => {
    const texts = textsOf('message', 'omemo2-message');
    const isKnown = (text: string): boolean => {
      const error = errorOf(() => findEncrypted(parseFrame(text)));
      return error === undefined || error instanceof XmlError;
    };
    fc.assert(fc.property(damagedText(texts), isKnown), { seed: 20_261_124, numRuns: 120 });
  });
});
