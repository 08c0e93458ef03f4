// Profanity as Debian packages it.
import { describeClient } from './scenario';

describeClient('profanity');
