// The web clients of the tests, as they come from npm.
import type { ClientKind } from './client';
import { STANZA, STROPHE, XMPP_CLIENT } from './libraries';
import { OLD_CONVERSE } from './old-converse';

export const CLIENTS: readonly ClientKind[] = [STROPHE, XMPP_CLIENT, STANZA, OLD_CONVERSE];
