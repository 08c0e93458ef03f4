// While a message of the page waits for its encryption, the server must have a request to answer on: what the session waits
// for may come on it. Seen with ejabberd 23.01, which often has none left while a page logs in.
import { expect, it } from 'vitest';
import { encrypt, World } from './bosh-world';

/** The server says something and it comes through to the page. */
function serverIsHeard(world: World): boolean {
  world.serverSends('iq');
  return world.replyArrives(0) && world.pageGot.includes(world.serverWrote.at(-1) ?? '');
}

it('leaves the server a request to answer on while a message waits (I-16)', () => {
  const world = new World();
  expect(serverIsHeard(world)).toBe(true);
  expect(world.pageSends(['message'])).toBe(true);
  expect(serverIsHeard(world)).toBe(true);
  expect(world.pagePolls()).toBe(true);
  expect(serverIsHeard(world)).toBe(true);
  const [message = ''] = world.pageWrote;
  expect(world.serverGot).toEqual([]);
  world.settle();
  expect(world.serverGot).toEqual([encrypt(message)]);
});
