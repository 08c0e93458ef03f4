// python3-twomemo with slixmpp, as Debian packages them: a client that has urn:xmpp:omemo:2 only.
import { describeClient } from './scenario';

describeClient('bot-omemo2');
