// Databases as released versions of the extension left them, sealed, opened by this one.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import { contentHandlers } from '../../src/vault/content-handlers';
import { createDatabase } from '../../src/vault/db';
import { popupHandlers } from '../../src/vault/popup-handlers';
import { createPresence } from '../../src/vault/presence';
import { fake, resetFake } from './browser';
import { JULIET } from './former/version-2';
import { RELEASED, releasedDatabase } from './former/version-3';
import { DOCUMENT } from './mortal';
import {
  contextOver,
  dump,
  envelopeOf,
  jid,
  messageIn,
  ORIGIN,
  present,
  START,
  textOf,
} from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

const ROMEO = jid('romeo@example.net');

beforeEach(() => {
  resetFake();
  fake.permitted.add('https://chat.example.org/*');
});

function vaultOn(name: string) {
  const context = contextOver(createDatabase(name), { clock: { now: START + 2000 } });
  const presence = createPresence(
    () => undefined,
    () => undefined,
  );
  return { page: contentHandlers(context, presence), popup: popupHandlers(context, presence) };
}

describe('a database of version 3', () => {
  it('is read as it was written, record by record', async () => {
    const read = await dump(await releasedDatabase());
    expect(Object.keys(RELEASED.records)).toHaveLength(9);
    for (const [store, records] of Object.entries(RELEASED.records)) {
      expect(Object.keys(records).length, store).toBeGreaterThan(0);
      expect(read[store], store).toEqual(records);
    }
  });

  it('goes on in its chats, with its device, its trust and its past', async () => {
    const { page, popup } = vaultOn(await releasedDatabase());
    const account = Object(RELEASED.records['accounts']?.[`${ORIGIN}\n${JULIET}`]);
    const stream = { stream: 1, jid: JULIET, endpoint: 'xmpp.example.org' };
    const granted = { kind: 'granted', deviceId: account.deviceId };
    expect(await page.attach(DOCUMENT, stream)).toEqual(granted);
    expect(await page.capsKnown(DOCUMENT, { jid: JULIET })).toHaveLength(1);
    expect(await page.smLoad(DOCUMENT, { id: 'sm-1' })).toMatchObject({ ids: 'abc' });
    const ways = new Set<string>();
    for (const said of RELEASED.said) {
      ways.add(said.way);
      if (said.way === 'out') {
        const { requestId, text, outcome, version } = said;
        const message = { jid: JULIET, peer: jid(said.peer), requestId, text, envelope: '' };
        expect(await page.encrypt(DOCUMENT, message)).toMatchObject(outcome);
        const sent = messageIn(version, outcome);
        const request = { ...sent, sender: JULIET, peer: jid(said.peer), isContact: true };
        const shown = version === LEGACY ? text : envelopeOf(text);
        expect(textOf(await page.decrypt(DOCUMENT, { jid: JULIET, request }))).toBe(shown);
      } else {
        const { request, shown } = said;
        const trust = request.sender === ROMEO ? 'verified' : 'trusted';
        const outcome = await page.decrypt(DOCUMENT, { jid: JULIET, request });
        expect(outcome).toMatchObject({ kind: 'text', text: shown, trust });
      }
    }
    expect([...ways].sort()).toEqual(['in', 'later', 'out']);
    const next = { jid: JULIET, peer: ROMEO, requestId: 'next', text: 'next', envelope: '' };
    const sent = messageIn(LEGACY, await page.encrypt(DOCUMENT, next));
    expect(present(sent.keys[0])).toMatchObject({ isKeyExchange: false });
    const { accounts } = await popup.site({ origin: ORIGIN });
    expect(accounts).toMatchObject([{ jid: JULIET, deviceId: account.deviceId, published: true }]);
  });
});
