// The clients and libraries there are, how each is run, and the version of OMEMO in which it and a page talk.
import path from 'node:path';
import type { OmemoVersion } from '../../src/omemo/types';
import { LEGACY, OMEMO2 } from '../../src/rpc/versions';
import { pythonOf } from '../run/python-peers.mjs';
import { buildLibomemoDevice, buildSmackDriver } from './programs';

/** `converse` runs in a browser, the others are driven as programs of their own. */
export type PeerKind = 'converse' | DriverKind;

export type DriverKind =
  | 'bot'
  | 'bot-omemo2'
  | 'gajim'
  | 'libervia'
  | 'libervia-omemo2'
  | 'libomemo-c'
  | 'libomemo-c-omemo2'
  | 'profanity'
  | 'slixmpp-omemo'
  | 'smack';

type CommandLine = readonly [string, ...string[]];

const DRIVERS = path.join(import.meta.dirname, 'peers');

/** What the page and the client write to each other. */
export function versionOf(kind: PeerKind): OmemoVersion {
  switch (kind) {
    case 'bot-omemo2':
    case 'converse':
    case 'libervia-omemo2':
    case 'libomemo-c-omemo2':
      return OMEMO2;
    default:
      return LEGACY;
  }
}

/** The versions in which the client has its device on a list. */
export function listedBy(kind: PeerKind): readonly OmemoVersion[] {
  switch (kind) {
    // All have keys of both. Converse reads both and writes in the newer; Libervia writes in one for each chat; slixmpp-omemo
    // has texts in the first version only.
    case 'converse':
    case 'libervia':
    case 'libervia-omemo2':
    case 'slixmpp-omemo':
      return [LEGACY, OMEMO2];
    default:
      return [versionOf(kind)];
  }
}

function isLibervia(kind: PeerKind): boolean {
  return kind === 'libervia' || kind === 'libervia-omemo2';
}

/** Whether others are told when the client leaves. Libervia hangs up, and the server waits for it to come back. */
export function saysGoodbye(kind: PeerKind): boolean {
  return !isLibervia(kind);
}

/**
 * Whether one writes on only after the client has answered a key exchange. Libervia opens one message while it still stores
 * the session of another, piece by piece: of two key exchanges that come within its half second for one, it loses the second.
 */
export function isWaitedFor(kind: PeerKind): boolean {
  return isLibervia(kind);
}

/**
 * Whether the user prefers OMEMO 2 before the first words. Else these would be in the older version, and a reset later on, when
 * there are sessions in both, makes two key exchanges: Libervia, where it writes OMEMO 2, answers both in it, at once, under
 * one counter, and loses the new session over it.
 */
export function isKnownForOmemo2(kind: PeerKind): boolean {
  return kind === 'libervia-omemo2';
}

function pythonDriver(name: string, ...args: readonly string[]): CommandLine {
  return [pythonOf(name), '-B', path.join(DRIVERS, `${name}.py`), ...args];
}

/** The command line of a driver, without the arguments that all of them take. Builds it where there is something to build. */
export async function commandOf(kind: DriverKind): Promise<CommandLine> {
  const omemo = ['--omemo', versionOf(kind) === OMEMO2 ? 'omemo2' : 'legacy'];
  switch (kind) {
    case 'bot':
    case 'bot-omemo2':
      return pythonDriver('bot', ...omemo);
    case 'libervia':
    case 'libervia-omemo2':
      return pythonDriver('libervia', ...omemo);
    case 'libomemo-c':
    case 'libomemo-c-omemo2':
      return pythonDriver('libomemo-c', ...omemo, '--device', await buildLibomemoDevice());
    case 'gajim':
    case 'profanity':
    case 'slixmpp-omemo':
      return pythonDriver(kind);
    case 'smack':
      return buildSmackDriver();
  }
}
