// Libervia as Debian packages it, which reads both versions of OMEMO, told to write in the newer one. It spoils a session that
// two key exchanges reach at once (kinds.ts): the user prefers OMEMO 2 from the start, and waits a moment after a reset.
import { describeClient } from './scenario';

describeClient('libervia-omemo2');
