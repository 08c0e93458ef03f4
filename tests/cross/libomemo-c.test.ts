import { describePair } from './pair';
import { LIBOMEMO_C } from './peers';

describePair(LIBOMEMO_C, 'eu.siacs.conversations.axolotl');
describePair(LIBOMEMO_C, 'urn:xmpp:omemo:2');
