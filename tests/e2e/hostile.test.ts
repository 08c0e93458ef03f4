// Attacks of hostile pages in the real browser, each with the refusal it meets. One browser for all of them.
import { afterAll, beforeAll } from 'vitest';
import { startHostileWorld, type HostileWorld } from '../support/hostile-world';
import { attackChannel } from './hostile/channel';
import { attackClaims } from './hostile/claims';
import { endStreams } from './hostile/ends';
import { attackPages } from './hostile/pages';
import { attackStreams } from './hostile/streams';
import { attackWorker } from './hostile/worker';

let hostile: HostileWorld;
beforeAll(async () => {
  hostile = await startHostileWorld();
});
afterAll(() => hostile?.close());

attackChannel(() => hostile);
attackStreams(() => hostile);
attackClaims(() => hostile);
attackPages(() => hostile);
endStreams(() => hostile);
// Last: it fills the list of accounts that wait.
attackWorker(() => hostile);
