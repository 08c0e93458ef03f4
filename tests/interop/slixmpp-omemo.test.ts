// slixmpp-omemo as PyPI has it, with both versions of OMEMO.
import { describeClient } from './scenario';

describeClient('slixmpp-omemo');
