import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { fixturesOf } from '../../support/fixtures';

const FOLDER = path.join(import.meta.dirname, '..', '..', 'stanzas');

/** Each is read by the test of its codec, of the choice between them, or of envelopes. */
const KINDS = [
  'message',
  'bundle',
  'list',
  'omemo2-message',
  'omemo2-bundle',
  'omemo2-list',
  'envelope',
];

it('every stanza of a real client has a record, and a kind that a test reads', () => {
  const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' });
  const stanzas = files.filter((file) => file.endsWith('.xml')).sort();
  const records = files.filter((file) => file.endsWith('.json')).sort();
  expect(stanzas.length).toBeGreaterThan(0);
  expect(records.map((file) => file.replace(/json$/, 'xml'))).toEqual(stanzas);
  const read = KINDS.flatMap((kind) => fixturesOf(kind));
  expect(read.map(({ name }) => name).sort()).toEqual(stanzas);
});
