// libomemo-c as Debian packages it, behind a driver of our own that speaks urn:xmpp:omemo:2 only.
import { describeClient } from './scenario';

describeClient('libomemo-c-omemo2');
