// python3-oldmemo with slixmpp, as Debian packages them.
import { describeClient } from './scenario';

describeClient('bot');
