// The browser's storage for extensions as a test has it: items that can be looked at, and calls that fail or never come back.
import type { CopyArea } from '../../src/vault/second-copy';

/** A storage that can be made to fail. */
export interface TestArea extends CopyArea {
  items: Record<string, unknown>;
  /** Calls so far. */
  calls: number;
  /** The call with this number, from 1, rejects and does nothing; `undefined`: none. */
  failsAt: number | undefined;
  /** All calls reject. */
  isBroken: boolean;
}

/** An empty storage. */
export function testArea(): TestArea {
  async function called(work: () => void): Promise<void> {
    area.calls += 1;
    if (area.isBroken || area.calls === area.failsAt) throw new Error('QUOTA_BYTES quota exceeded');
    work();
  }
  const area: TestArea = {
    items: {},
    calls: 0,
    failsAt: undefined,
    isBroken: false,
    async get() {
      let found: Record<string, unknown> = {};
      await called(() => {
        // As in a browser: through JSON.
        found = JSON.parse(JSON.stringify(area.items));
      });
      return found;
    },
    set: (items) => called(() => void Object.assign(area.items, JSON.parse(JSON.stringify(items)))),
    remove: (keys) => called(() => keys.forEach((key) => delete area.items[key])),
  };
  return area;
}
