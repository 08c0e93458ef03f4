// libomemo-c as Debian packages it, behind a driver of our own.
import { describeClient } from './scenario';

describeClient('libomemo-c');
