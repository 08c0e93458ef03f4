// The web clients of the tests, as they come from npm and Debian.
import type { ClientKind } from './client';
import { STANZA, STROPHE, XMPP_CLIENT } from './libraries';

export const CLIENTS: readonly ClientKind[] = [STROPHE, XMPP_CLIENT, STANZA];
