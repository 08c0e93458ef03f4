import '../support/dom';
import { describe, expect, it } from 'vitest';
import { VaultError } from '../../src/rpc/errors';
import type { ContentApi, SmRecord } from '../../src/rpc/vault-api';
import { StreamManagement } from '../../src/session/stream-management';
import { parseFrame } from '../../src/xml/element';
import { ScriptedVault, type Answers } from './scripted-vault';

const SM = 'urn:xmpp:sm:3';
const JID = 'juliet@example.org/balcony';
const at = (page: number, wire = page) => ({ page, wire });
const RECORD: SmRecord = {
  jid: JID,
  ids: 'ids',
  out: [{ kind: 'o', page: 2, wire: 2 }],
  in: [{ kind: 's', page: 3, wire: 3 }],
};

function setUp(answers: Answers = {}) {
  const vault = new ScriptedVault({ smLoad: () => RECORD, ...answers });
  const management = new StreamManagement(vault.client, () => 'own-ids');
  const handle = (text: string, dir: 'out' | 'in', page = 0, wire = page) =>
    management.handle(parseFrame(text), text, dir, at(page, wire), JID);
  const saved = () => vault.asked('smSave') as readonly ContentApi['smSave']['arg'][];
  /** A session counted from zero on both sides. */
  const enable = async () => {
    await handle(`<enable xmlns='${SM}' resume='true'/>`, 'out');
    return handle(`<enabled xmlns='${SM}' id='sm' resume='true'/>`, 'in');
  };
  return { vault, management, handle, saved, enable };
}

const hOf = (text: string | undefined) => parseFrame(text ?? '').getAttribute('h');

describe('a session of stream management', () => {
  it('is stored before the page hears that it can be resumed (I-29)', async () => {
    const { saved, enable } = setUp();
    const result = await enable();
    expect(result?.frames).toEqual([`<enabled xmlns='${SM}' id='sm' resume='true'/>`]);
    expect(saved()).toEqual([{ id: 'sm', record: { jid: JID, ids: 'own-ids', out: [], in: [] } }]);
  });

  it('that cannot be resumed is counted, and not stored', async () => {
    const { management, saved, handle } = setUp();
    await handle(`<enable xmlns='${SM}'/>`, 'out');
    await handle(`<enabled xmlns='${SM}' id='sm'/>`, 'in');
    await management.note('o', at(1));
    expect(saved()).toEqual([]);
    expect(hOf((await handle(`<a xmlns='${SM}' h='3'/>`, 'in'))?.frames[0])).toBe('2');
  });

  it('is stored with every stanza only one side counts, before that stanza goes on (I-25, I-29)', async () => {
    let store = (): void => undefined;
    const stored = new Promise<null>((resolve) => (store = () => resolve(null)));
    const { management, saved, enable } = setUp({
      smSave: ({ record }) => (record.in.length > 0 ? stored : null),
    });
    await enable();
    let isNoted = false;
    const noting = management.note('s', at(4)).then(() => (isNoted = true));
    await Promise.resolve();
    expect(isNoted).toBe(false);
    store();
    await noting;
    expect(saved().at(-1)?.record.in).toEqual([{ kind: 's', page: 4, wire: 4 }]);
  });

  it('is forgotten where it cannot be stored: wrong numbers are worse than none', async () => {
    const { vault, management, enable } = setUp({
      smSave: ({ record }) =>
        record.out.length > 0 ? Promise.reject(new VaultError('storage')) : null,
    });
    await enable();
    await management.note('d', at(1));
    expect(vault.asked('smDrop')).toEqual([{ id: 'sm' }]);
  });

  it('leaves <r/> to the other side, and numbers it cannot read as they are (I-27)', async () => {
    const { handle, enable } = setUp();
    await enable();
    for (const text of [
      `<r xmlns='${SM}'/>`,
      `<a xmlns='${SM}'/>`,
      `<a xmlns='${SM}' h='-1'/>`,
      `<a xmlns='${SM}' h='4294967296'/>`,
    ]) {
      expect((await handle(text, 'in'))?.frames).toEqual([text]);
    }
    expect(await handle("<iq xmlns='jabber:client'/>", 'in')).toBeUndefined();
  });
});

describe('a resumption', () => {
  const resume = (h = '5') => `<resume xmlns='${SM}' previd='sm' h='${h}'/>`;
  const inline = `<authenticate xmlns='urn:xmpp:sasl:2'><resume xmlns='${SM}' previd='sm' h='5'/></authenticate>`;

  it('goes on with the stored numbers, and tells whose stream it was', async () => {
    const { handle, saved } = setUp();
    // The page did not see one stanza of the server, and the server got one of ours.
    expect(hOf((await handle(resume(), 'out'))?.frames[0])).toBe('6');
    const resumed = await handle(`<resumed xmlns='${SM}' previd='sm' h='4'/>`, 'in');
    expect(hOf(resumed?.frames[0])).toBe('3');
    expect(resumed?.resumed).toEqual(RECORD);
    expect(saved().at(-1)?.id).toBe('sm');
  });

  it.each<[string, Answers]>([
    ['unknown', { smLoad: () => null }],
    ['not to be had', { smLoad: () => Promise.reject(new VaultError('timeout')) }],
  ])('of a session that is %s does not reach the server (I-30)', async (_name, answers) => {
    const { handle } = setUp(answers);
    const refused = await handle(resume(), 'out');
    expect(refused?.frames).toEqual([]);
    expect(refused?.answer).toContain('<item-not-found');
    // Inline in SASL2 the login itself goes on.
    const [frame = ''] = (await handle(inline, 'out'))?.frames ?? [];
    expect(frame).toContain('<authenticate');
    expect(frame).not.toContain('<resume');
  });

  it('without a number that can be read is refused too', async () => {
    const { handle } = setUp();
    expect((await handle(resume('x'), 'out'))?.frames).toEqual([]);
  });

  it('the server refuses is over: its record goes, and the next session begins at zero', async () => {
    const { vault, handle, enable, management } = setUp();
    await handle(resume(), 'out');
    const failed = await handle(`<failed xmlns='${SM}' h='4'/>`, 'in');
    expect(hOf(failed?.frames[0])).toBe('3');
    expect(failed?.resumed).toBeUndefined();
    expect(vault.asked('smDrop')).toEqual([{ id: 'sm' }]);
    await enable();
    await management.note('o', at(0));
    expect(hOf((await handle(`<a xmlns='${SM}' h='1'/>`, 'in'))?.frames[0])).toBe('0');
  });

  it('inside SASL2 is converted in its place, and so is the answer (I-34)', async () => {
    const { handle } = setUp();
    expect((await handle(inline, 'out'))?.frames[0]).toContain('h="6"');
    const success = `<success xmlns='urn:xmpp:sasl:2'><resumed xmlns='${SM}' previd='sm' h='4'/></success>`;
    const answered = await handle(success, 'in');
    expect(answered?.frames[0]).toMatch(/<success[^>]*><resumed[^>]*h="3"/);
    expect(answered?.resumed).toEqual(RECORD);
  });
});

describe('a refusal that is taken back', () => {
  it('is taken out of what is stored', async () => {
    const { management, saved, enable } = setUp();
    await enable();
    await management.note('d', at(2));
    await management.takeBack();
    expect(saved().map(({ record }) => record.out.length)).toEqual([0, 1, 0]);
  });
});
