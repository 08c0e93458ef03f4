import { describe, expect, it } from 'vitest';
import { VaultError } from '../../src/rpc/errors';
import { createTurns } from '../../src/vault/turns';

const A = 'https://a.example';
const B = 'https://b.example';
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Work that ends when it is told to, by number. */
function jobs() {
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const job = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve, reject) => {
      ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
    });
  };
  const end = async (name: string, error?: Error) => {
    ends.get(name)?.(error);
    await settle();
  };
  return { begun, job, end };
}

describe('the requests of a site', () => {
  it('are worked on two at once, in the order they came, where two is the limit', async () => {
    const turns = createTurns({ atOnce: 2, waiting: 9 });
    const { begun, job, end } = jobs();
    const answers = ['1', '2', '3', '4'].map((name) => turns.run(A, job(name)));
    await settle();
    expect(begun).toEqual(['1', '2']);
    await end('2');
    expect(begun).toEqual(['1', '2', '3']);
    await end('1');
    expect(begun).toEqual(['1', '2', '3', '4']);
    await end('3');
    await end('4');
    expect(await Promise.all(answers)).toEqual(['1', '2', '3', '4']);
  });

  it('do not wait for those of another', async () => {
    const turns = createTurns({ atOnce: 1, waiting: 9 });
    const { begun, job, end } = jobs();
    void turns.run(A, job('a'));
    void turns.run(A, job('behind a'));
    const other = turns.run(B, job('b'));
    await settle();
    expect(begun).toEqual(['a', 'b']);
    await end('b');
    expect(await other).toBe('b');
  });

  it('fail with limit beyond what may wait, and are taken again afterwards', async () => {
    const turns = createTurns({ atOnce: 1, waiting: 1 });
    const { begun, job, end } = jobs();
    const first = turns.run(A, job('1'));
    const second = turns.run(A, job('2'));
    await expect(turns.run(A, job('3'))).rejects.toEqual(new VaultError('limit'));
    await end('1');
    const fourth = turns.run(A, job('4'));
    await end('2');
    await end('4');
    expect(await Promise.all([first, second, fourth])).toEqual(['1', '2', '4']);
    expect(begun).toEqual(['1', '2', '4']);
  });

  it('go on when one fails', async () => {
    const turns = createTurns({ atOnce: 1, waiting: 9 });
    const { job, end } = jobs();
    const failing = turns.run(A, job('1'));
    const next = turns.run(A, job('2'));
    await settle();
    const failed = expect(failing).rejects.toThrow('no');
    await end('1', new Error('no'));
    await failed;
    await end('2');
    expect(await next).toBe('2');
  });
});
