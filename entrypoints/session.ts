// Isolated world, loaded by the background once a protected document has an XMPP stream: one StreamSession per stream.
import { defineUnlistedScript } from 'wxt/utils/define-unlisted-script';
import { startSession } from '../src/session/start';

export default defineUnlistedScript(() => startSession());
