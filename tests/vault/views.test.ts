import { describe, expect, it } from 'vitest';
import { fingerprint } from '../../src/omemo/identity';
import type { StreamView } from '../../src/rpc/popup-api';
import { openAccount } from '../../src/vault/accounts';
import { withDevice } from '../../src/vault/devices';
import type { SeenAccount, SiteRecord } from '../../src/vault/records';
import { siteView } from '../../src/vault/views';
import {
  accountOf,
  changePeer,
  jid,
  meet,
  ORIGIN,
  person,
  type Person,
  prekeysOf,
  present,
  send,
} from './world';

const JULIET = jid('juliet@example.org');
const ROMEO = jid('romeo@example.net');
const ENDPOINT = 'xmpp.example.org';

const seen = (decision: SeenAccount['decision'], endpoint = ENDPOINT, of = JULIET) => ({
  jid: of,
  endpoint,
  decision,
});

async function protect(who: Person, accounts: readonly SeenAccount[]): Promise<void> {
  const value: SiteRecord = { v: 1, origin: ORIGIN, isProtected: true, policy: 'ask', accounts };
  await who.context.database.write([{ store: 'sites', key: ORIGIN, value }]);
}

const view = ({ context }: Person, streams: readonly StreamView[] = []) =>
  siteView(context, ORIGIN, streams);

describe('the view of a site', () => {
  it('shows accounts by what was decided, granted ones once with all their endpoints', async () => {
    const juliet = await person(JULIET);
    await protect(juliet, [
      seen('granted'),
      seen('granted', 'other.example.org'),
      seen('pending', 'new.example.org'),
      seen('ignored', ENDPOINT, ROMEO),
    ]);
    const shown = await view(juliet);
    expect(shown).toMatchObject({ origin: ORIGIN, protectable: true, protected: true });
    expect(shown.policy).toBe('ask');
    expect(shown.pending).toEqual([{ jid: JULIET, endpoint: 'new.example.org' }]);
    expect(shown.ignored).toEqual([{ jid: ROMEO, endpoint: ENDPOINT }]);
    expect(shown.accounts.map(({ jid: of, endpoints }) => [of, endpoints])).toEqual([
      [JULIET, [ENDPOINT, 'other.example.org']],
    ]);
  });

  it('does not show an account that is no longer granted, nor one of another site', async () => {
    const juliet = await person(JULIET);
    await openAccount(juliet.context, { origin: `${ORIGIN}:8443`, jid: ROMEO });
    await protect(juliet, [seen('pending'), seen('granted', ENDPOINT, ROMEO)]);
    expect((await view(juliet)).accounts).toEqual([]);
  });

  it('of a site nobody knows is empty', async () => {
    const juliet = await person(JULIET);
    expect(await siteView(juliet.context, 'https://x.example', [])).toMatchObject({
      protectable: true,
      protected: false,
      accounts: [],
      pending: [],
    });
    expect(await siteView(juliet.context, 'http://x.example', [])).toMatchObject({
      protectable: false,
    });
  });

  it('hands on the streams of the moment as they are', async () => {
    const stream: StreamView = { tabId: 7, jid: JULIET, endpoint: ENDPOINT, state: 'ready' };
    expect((await view(await person(JULIET), [stream])).streams).toEqual([stream]);
  });

  it('holds no secret', async () => {
    const [juliet, romeo] = [await person(JULIET), await person(ROMEO)];
    await protect(juliet, [seen('granted')]);
    await meet(juliet, romeo);
    await send(juliet, ROMEO, 'a secret text');
    const text = JSON.stringify(await view(juliet));
    expect(text).not.toContain('secret text');
    const { identity } = await accountOf(juliet);
    const prekeys = await prekeysOf(juliet);
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    const letters = text.replace(/[^0-9a-f]/g, '');
    for (const key of [identity.privateKey, prekeys.signedPrekey.keyPair.privateKey]) {
      expect(letters).not.toContain(hex(key));
      expect(text).not.toContain([...key].join());
    }
  });
});

describe('the devices of a view', () => {
  async function withRomeo() {
    const [juliet, romeo] = [await person(JULIET), await person(ROMEO)];
    await protect(juliet, [seen('granted')]);
    await meet(juliet, romeo);
    const device = async () => present((await contact(juliet)).devices[0]);
    return { juliet, romeo, device };
  }
  const contact = async (juliet: Person) =>
    present((await view(juliet)).accounts[0]?.contacts.find(({ jid: of }) => of === ROMEO));

  it('show the key and what is thought of it', async () => {
    const { romeo, device } = await withRomeo();
    const { publicKey } = (await accountOf(romeo)).identity;
    expect(await device()).toMatchObject({
      deviceId: romeo.deviceId,
      fingerprint: fingerprint(publicKey),
      active: true,
      trust: 'trusted',
      keyChanged: false,
    });
  });

  it('show another key that was offered, and no trust in it', async () => {
    const { juliet, romeo, device } = await withRomeo();
    const changedKey = new Uint8Array(32).fill(9);
    await changePeer(juliet, ROMEO, (peer) =>
      withDevice(peer, { ...present(peer.devices[0]), changedKey }),
    );
    expect(await device()).toMatchObject({
      deviceId: romeo.deviceId,
      fingerprint: fingerprint(changedKey),
      trust: 'undecided',
      keyChanged: true,
    });
  });

  it('are shown without key while none is known', async () => {
    const { juliet, device } = await withRomeo();
    await changePeer(juliet, ROMEO, (peer) => {
      const { identityKey: _none, ...rest } = present(peer.devices[0]);
      return withDevice(peer, rest);
    });
    const shown = await device();
    expect(shown).not.toHaveProperty('fingerprint');
    expect(shown.trust).toBe('undecided');
  });

  it('of our own account leave this one out, and we are no contact of ourselves', async () => {
    const { juliet } = await withRomeo();
    const phone = await person(JULIET, 'phone');
    await meet(juliet, juliet, phone);
    const [account] = (await view(juliet)).accounts;
    expect(account?.ownDevices.map(({ deviceId }) => deviceId)).toEqual([phone.deviceId]);
    expect(account?.contacts.map(({ jid: of }) => of)).toEqual([ROMEO]);
    expect(account?.deviceId).toBe(juliet.deviceId);
  });
});
