// What the tests ask of the running server beyond passing stanzas on, and what they wait for in its log.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import type { TestServer } from '../support/server';
import { encryptedMessages } from '../support/stanzas';
import { until } from '../support/wait';

function changeModule(server: TestServer, change: 'load' | 'unload', name: string): void {
  const config = path.join(server.folder, 'prosody.cfg.lua');
  const command = ['shell', 'module', change, name, server.domain];
  execFileSync('prosodyctl', ['--config', config, ...command]);
}

/** Profanity publishes its first device list only to servers that answer as older ones do. */
export function addLegacyHints(server: TestServer): void {
  changeModule(server, 'load', 'legacy_hints');
}

/** Lets encrypted messages without text, which is how a session is begun or answered, arrive only after `work`. */
export async function withLateKeyExchanges(
  server: TestServer,
  work: () => Promise<void>,
): Promise<void> {
  changeModule(server, 'load', 'late');
  try {
    await work();
  } finally {
    changeModule(server, 'unload', 'late');
  }
}

/** Waits until the server has the list of OMEMO 2 of a protected page, which publishes it after the one others wait for. */
export async function hasListOfOmemo2({ wire }: TestServer, jid: string): Promise<void> {
  await wire.wait(
    `the list of OMEMO 2 of ${jid}`,
    ({ dir, jid: by, xml }) =>
      dir === 'in' &&
      by.startsWith(`${jid}/`) &&
      xml.includes('<publish ') &&
      xml.includes('urn:xmpp:omemo:2:devices'),
    { timeoutMs: 30_000 },
  );
}

/** Waits until the server told `to` that `from` is gone. */
export async function isGone(
  { wire }: TestServer,
  from: string,
  to: string,
  mark: number,
): Promise<void> {
  await wire.wait(
    `${from} to be offline`,
    ({ dir, jid, xml }) =>
      dir === 'out' &&
      jid.startsWith(to) &&
      /^<presence\b[^>]*type='unavailable'/.test(xml) &&
      xml.includes(`from='${from}/`),
    { from: mark },
  );
}

/** Waits until the server took this many encrypted messages from an account. */
export async function isTaken(
  { wire }: TestServer,
  from: string,
  count: number,
  mark: number,
): Promise<void> {
  const taken = () =>
    encryptedMessages(wire.records(mark)).filter(
      ({ dir, jid }) => dir === 'in' && jid.startsWith(`${from}/`),
    );
  await until(`${count} messages of ${from} on the server`, () => taken().length >= count);
}
