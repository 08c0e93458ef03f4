import { describePair } from './pair';
import { PYTHON } from './peers';

describePair(PYTHON, 'eu.siacs.conversations.axolotl');
describePair(PYTHON, 'urn:xmpp:omemo:2');
