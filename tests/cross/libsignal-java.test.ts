// The only version Java libsignal has.
import { describePair } from './pair';
import { LIBSIGNAL_JAVA } from './peers';

describePair(LIBSIGNAL_JAVA, 'eu.siacs.conversations.axolotl');
