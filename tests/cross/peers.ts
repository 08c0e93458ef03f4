// The libraries we check against: what they promise and how their drivers start.
import { buildLibomemoC, javaDriver, pythonDriver } from './build';
import { LIBSIGNAL, PYTHON_OMEMO } from './facts';
import type { PeerKind } from './peer';

/** libomemo-c, the C library under Dino, Profanity and QXmpp. */
export const LIBOMEMO_C: PeerKind = {
  name: 'libomemo-c',
  facts: LIBSIGNAL,
  command: () => [buildLibomemoC()],
};

/** python-doubleratchet and python-x3dh under python3-oldmemo and -twomemo, which slixmpp-omemo uses. */
export const PYTHON: PeerKind = {
  name: 'python-omemo',
  facts: PYTHON_OMEMO,
  command: pythonDriver,
};

/** Java libsignal as Smack's smack-omemo-signal has it; Conversations' was built on the same code. */
export const LIBSIGNAL_JAVA: PeerKind = {
  name: 'libsignal-java',
  facts: LIBSIGNAL,
  command: javaDriver,
};
