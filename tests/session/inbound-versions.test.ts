// Which ciphertext of a stanza reaches the vault. The vault here only writes down what it is asked.
import '../support/dom';
import { describe, expect, it } from 'vitest';
import { bareJid, type BareJid } from '../../src/jid';
import type { DecryptOutcome, DecryptRequest } from '../../src/rpc/vault-api';
import { receiveMessage } from '../../src/session/inbound-flow';
import type { InboundTools } from '../../src/session/inbound-open';
import { Observations } from '../../src/session/observe';
import type { VaultClient } from '../../src/session/vault-client';
import { parseFrame } from '../../src/xml/element';
import { fixture, hex } from '../support/fixtures';

const jid = (text: string): BareJid => bareJid(text) ?? expect.fail('a JID');
const OWN = jid('juliet@example.org');
const TEXT: DecryptOutcome = { kind: 'text', text: 'hello', trust: 'trusted', chores: [] };

interface Received {
  readonly asked: readonly DecryptRequest[];
  readonly frames: readonly string[] | undefined;
}

async function receive(xml: string): Promise<Received> {
  const asked: DecryptRequest[] = [];
  const vault: VaultClient = {
    request: async (_name, arg) => {
      if ('request' in arg) asked.push(arg.request);
      return TEXT as never; // only decryptions are asked for here
    },
    onEvent: () => () => undefined,
    renew: () => undefined,
    close: () => undefined,
  };
  const observations = new Observations();
  const whyNoVault = 'account-pending';
  const tools: InboundTools = { vault, whyNoVault, own: OWN, deviceId: 31415, observations };
  const { frames } = await receiveMessage(tools, parseFrame(xml));
  return { asked, frames };
}

describe('a stanza with legacy', () => {
  it('brings the vault the keys for our device and shows its text', async () => {
    const { asked, frames } = await receive(fixture('profanity/same-rid-twice'));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      version: 'eu.siacs.conversations.axolotl',
      senderDeviceId: 4242,
      sender: 'romeo@example.org',
      peer: 'romeo@example.org',
    });
    expect(asked[0]?.keys.map(({ deviceId, bytes }) => [deviceId, bytes[1]])).toEqual([
      [31415, 0x08],
      [31415, 0x0a],
    ]);
    expect(hex(asked[0]?.payload ?? new Uint8Array())).toBe('b411aa19e2');
    expect(frames?.join('')).toContain('<body>hello</body>');
  });

  it('Q-13: brings the legacy part of both', async () => {
    const { asked } = await receive(fixture('converse/both-versions'));
    expect(asked.map(({ version, keys }) => [version, keys.length])).toEqual([
      ['eu.siacs.conversations.axolotl', 1],
    ]);
  });

  it('Q-13: brings nothing where two are of one namespace', async () => {
    const twice = fixture('lurch/first-message').replace(/(<encrypted .*<\/encrypted>)/, '$1$1');
    const { asked, frames } = await receive(twice);
    expect(asked).toEqual([]);
    expect(frames?.join('')).toContain('[OMEMO] This encrypted message is malformed.');
  });

  it('is explained where it is malformed', async () => {
    const { asked, frames } = await receive(fixture('dino/text').replace(/ sid='\d+'/, ''));
    expect(asked).toEqual([]);
    expect(frames?.join('')).toContain('[OMEMO] This encrypted message is malformed.');
  });
});
