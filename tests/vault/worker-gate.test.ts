import { beforeEach, describe, expect, it, vi } from 'vitest';
import { renewScripts } from '../../src/vault/scripts';
import { renewWorkerGate } from '../../src/vault/worker-gate';
import { changeSite } from '../../src/vault/sites';
import { createDatabase } from '../../src/vault/db';
import { browser, fake, resetFake } from './browser';
import { contextOver, freshName, ORIGIN } from './world';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

beforeEach(resetFake);

describe('the rule against sockets in workers (I-12, M16)', () => {
  it('is one, for the hosts of these origins only, and refuses their scripts every WebSocket', async () => {
    await renewWorkerGate([ORIGIN, `${ORIGIN}:8443`, 'http://localhost:8080']);
    await renewWorkerGate([ORIGIN, `${ORIGIN}:8443`, 'http://localhost:8080']);
    const hosts = ['chat.example.org', 'localhost'];
    expect(fake.rules).toMatchObject([
      {
        action: { type: 'modifyHeaders' },
        condition: { initiatorDomains: hosts, requestDomains: hosts, resourceTypes: ['script'] },
      },
    ]);
    const [rule] = fake.rules;
    expect(JSON.stringify(rule)).not.toMatch(/wss?:|\*/);
  });

  it('goes with the last site', async () => {
    await renewWorkerGate([ORIGIN]);
    await renewWorkerGate([]);
    expect(fake.rules).toEqual([]);
  });

  it('follows the sites with the scripts, which come also where the browser refuses the rule', async () => {
    const context = contextOver(createDatabase(freshName()));
    await changeSite(context, ORIGIN, (site) => ({ ...site, isProtected: true }));
    fake.permitted.add('https://chat.example.org/*');
    const broken = vi
      .spyOn(browser.declarativeNetRequest, 'updateDynamicRules')
      .mockRejectedValueOnce(new Error('no'));
    await renewScripts(context);
    expect(fake.scripts).toHaveLength(2);
    expect(fake.rules).toEqual([]);
    broken.mockRestore();
    await renewScripts(context);
    expect(fake.rules).toHaveLength(1);
    await changeSite(context, ORIGIN, (site) => ({ ...site, isProtected: false }));
    await renewScripts(context);
    expect(fake.rules).toEqual([]);
  });
});
