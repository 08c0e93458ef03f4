// Smack with smack-omemo-signal (Java libsignal) of Maven Central, behind a driver of our own.
import { describeClient } from './scenario';

describeClient('smack');
