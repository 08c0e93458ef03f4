// Backups as released versions of the extension made them, restored by this one.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import { fingerprint } from '../../../src/omemo/identity';
import { LEGACY } from '../../../src/rpc/versions';
import { changeSite } from '../../../src/vault/sites';
import { contentHandlers } from '../../../src/vault/content-handlers';
import { createDatabase } from '../../../src/vault/db';
import { createPresence } from '../../../src/vault/presence';
import { resetFake } from '../browser';
import { JULIET } from '../former/version-2';
import { RELEASED } from '../former/version-3';
import { DOCUMENT } from '../mortal';
import {
  contextOver,
  envelopeOf,
  freshName,
  jid,
  messageIn,
  ORIGIN,
  START,
  textOf,
} from '../world';
import { restore } from './two-machines';

vi.mock('webextension-polyfill', async () => ({ default: (await import('../browser')).browser }));
beforeEach(resetFake);

const ROMEO = jid('romeo@example.net');
const file = path.join(import.meta.dirname, '..', 'former', 'backup-1.json');
const BACKUP: { readonly code: string; readonly file: string } = JSON.parse(
  readFileSync(file, 'utf8'),
);

const shownOf = (version: string, text: string): string =>
  version === LEGACY ? text : envelopeOf(text);

it('a backup of the first form brings device, trust and past', async () => {
  const clock = { now: START + 5000 };
  const context = contextOver(createDatabase(freshName()), { clock });
  const scope = { origin: ORIGIN, jid: JULIET };
  const machine = { name: '', scope, context, clock, deviceId: 0 };
  const bytes = new Uint8Array(Buffer.from(BACKUP.file, 'base64'));
  const { identities, trust } = await restore(machine, BACKUP.code, bytes);
  const account = Object(RELEASED.records['accounts']?.[`${ORIGIN}\n${JULIET}`]);
  expect(identities).toMatchObject([
    { deviceId: account.deviceId, fingerprint: fingerprint(account.identity.publicKey) },
  ]);
  expect(trust.filter(({ after }) => after === 'verified').map(({ peer }) => peer)).toEqual([
    ROMEO,
  ]);
  await changeSite(context, ORIGIN, (site) => ({ ...site, isProtected: true }));
  const presence = createPresence(
    () => undefined,
    () => undefined,
  );
  const page = contentHandlers(context, presence);
  let texts = 0;
  for (const said of RELEASED.said) {
    if (said.way === 'later') continue;
    const request =
      said.way === 'out'
        ? {
            ...messageIn(said.version, said.outcome),
            sender: JULIET,
            peer: jid(said.peer),
            isContact: true,
          }
        : said.request;
    const shown = said.way === 'out' ? shownOf(said.version, said.text) : said.shown;
    expect(textOf(await page.decrypt(DOCUMENT, { jid: JULIET, request }))).toBe(shown);
    texts += 1;
  }
  expect(texts).toBe(5);
});
