// Libervia as Debian packages it, which speaks both versions of OMEMO, told to write in the first one.
import { describeClient } from './scenario';

describeClient('libervia');
