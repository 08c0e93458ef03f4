import fc from 'fast-check';
import { MAX_EVENTS } from '../../src/limits';
import { describe, expect, it } from 'vitest';
import type { SmEvent, SmRecord } from '../../src/rpc/vault-api';
import {
  ackFromPage,
  ackFromServer,
  recordOf,
  smEnable,
  smEnabled,
  smFailed,
  smNote,
  smResume,
  smResumed,
  smStart,
  smTakeBack,
  type SmState,
} from '../../src/session/ack';
import { Model } from './ack-model';

const at = (page: number, wire: number = page): { page: number; wire: number } => ({ page, wire });

function enabled(out = at(0), into = at(0)): SmState {
  return smEnabled(smEnable(smStart(), out), into, 'id', 'me@example.org/a');
}

function noted(state: SmState, ...events: readonly [SmEvent['kind'], number, number][]): SmState {
  return events.reduce((before, [kind, page, wire]) => smNote(before, kind, at(page, wire)), state);
}

const RECORD: SmRecord = {
  jid: 'me@example.org/a',
  out: [
    { kind: 'o', page: 3, wire: 3 },
    { kind: 'd', page: 5, wire: 6 },
    { kind: 'o', page: 8, wire: 8 },
  ],
  in: [
    { kind: 's', page: 2, wire: 2 },
    { kind: 'y', page: 4, wire: 5 },
    { kind: 's', page: 7, wire: 7 },
  ],
};

describe('a dropped stanza that is taken back', () => {
  it('was never there: the page has it still', () => {
    const before = noted(enabled(), ['o', 2, 2]);
    const after = smTakeBack(noted(before, ['d', 4, 5]));
    expect(recordOf(after)).toEqual(recordOf(before));
    expect([1, 2, 3, 5, 6].map((h) => ackFromServer(after, h).h)).toEqual(
      [1, 2, 3, 5, 6].map((h) => ackFromServer(before, h).h),
    );
  });

  it('leaves what of ours went out after it', () => {
    const after = smTakeBack(noted(enabled(), ['d', 2, 2], ['d', 4, 4], ['o', 5, 4], ['o', 5, 5]));
    expect(recordOf(after)?.out).toEqual([
      { kind: 'd', page: 2, wire: 2 },
      { kind: 'o', page: 4, wire: 4 },
      { kind: 'o', page: 4, wire: 5 },
    ]);
  });

  it('is not one the page was told of as acknowledged', () => {
    const acked = ackFromServer(noted(enabled(), ['d', 2, 2]), 3).state;
    expect(smTakeBack(acked)).toBe(acked);
  });

  it('is none where nothing was dropped', () => {
    const state = noted(enabled(), ['o', 1, 1], ['s', 1, 1]);
    expect(smTakeBack(state)).toBe(state);
    expect(smTakeBack(smStart())).toEqual(smStart());
  });
});

describe('acknowledgements of the server (I-24)', () => {
  it('pass unchanged while nothing of ours happened', () => {
    expect(ackFromServer(enabled(), 7).h).toBe(7);
    expect(ackFromServer(smStart(), 7).h).toBe(7);
  });

  it('do not count ours', () => {
    const state = noted(enabled(), ['o', 2, 2]);
    expect([1, 2, 3, 4].map((h) => ackFromServer(state, h).h)).toEqual([1, 2, 2, 3]);
  });

  it('count a dropped stanza as soon as all before it is acknowledged', () => {
    const state = noted(enabled(), ['d', 2, 2], ['d', 3, 2]);
    expect([1, 2, 3].map((h) => ackFromServer(state, h).h)).toEqual([1, 4, 5]);
  });

  it('count from <enable/> on (I-121)', () => {
    const state = noted(enabled(at(4, 6)), ['o', 5, 7]);
    expect([1, 2, 3].map((h) => ackFromServer(state, h).h)).toEqual([1, 1, 2]);
  });

  it('ignore what went ahead of <enable/>, also when it is reported while the frame is held', () => {
    const before = noted(smStart(), ['o', 4, 6], ['o', 4, 7]);
    const state = smEnabled(smEnable(before, at(4, 6)), at(0), 'id', 'me@example.org/a');
    expect(ackFromServer(state, 1).h).toBe(1);
    expect(recordOf(noted(state, ['o', 5, 9]))?.out).toEqual([{ kind: 'o', page: 1, wire: 1 }]);
  });

  it('stay right when a stanza was overtaken by ours while it was held, then dropped', () => {
    const state = noted(enabled(), ['o', 2, 2], ['o', 2, 3], ['d', 2, 2]);
    expect([2, 3, 4, 5].map((h) => ackFromServer(state, h).h)).toEqual([2, 2, 3, 4]);
  });
});

describe('acknowledgements of the page (I-25)', () => {
  it('confirm swallowed stanzas and not our notices', () => {
    const state = noted(enabled(), ['s', 2, 2], ['y', 4, 5]);
    expect([1, 2, 3, 4, 5, 6].map((h) => ackFromPage(state, h).h)).toEqual([1, 3, 4, 5, 5, 6]);
  });

  it('count from <enabled/> on', () => {
    const state = noted(enabled(at(0), at(9, 12)), ['s', 10, 13]);
    expect([0, 1, 2].map((h) => ackFromPage(state, h).h)).toEqual([0, 2, 3]);
  });
});

describe('the log', () => {
  it('forgets what is acknowledged, except the last of it', () => {
    const { state } = ackFromServer(noted(enabled(), ['o', 1, 1], ['o', 2, 3], ['o', 9, 11]), 6);
    expect(recordOf(state)?.out).toEqual([
      { kind: 'o', page: 2, wire: 3 },
      { kind: 'o', page: 9, wire: 11 },
    ]);
    expect(ackFromServer(state, 13).h).toBe(10);
  });

  it('is not stored for a session that cannot be resumed', () => {
    expect(recordOf(smEnabled(smEnable(smStart(), at(0)), at(0), undefined, 'a@b/c'))).toBe(
      undefined,
    );
    expect(recordOf(smEnable(smStart(), at(0)))).toBe(undefined);
  });

  it('ends resumption when it is full, and repeats the last number where it knows nothing', () => {
    let state = ackFromServer(noted(enabled(), ['o', 4, 4]), 5).state;
    for (let i = 0; i <= MAX_EVENTS; i += 1) state = smNote(state, 'o', at(20, 21 + i));
    expect(recordOf(state)).toBe(undefined);
    expect(ackFromServer(state, 10).h).toBe(4);
    expect(ackFromServer(state, 21 + MAX_EVENTS + 3).h).toBe(22);
  });

  it('is gone after <failed/>', () => {
    const state = smFailed(noted(enabled(), ['o', 4, 4]));
    expect(recordOf(state)).toBe(undefined);
    expect(ackFromServer(state, 9).h).toBe(9);
    expect(recordOf(smEnabled(smEnable(state, at(8, 9)), at(0), 'n', 'a@b/c'))?.out).toEqual([]);
  });
});

describe('resumption (I-28)', () => {
  const resume = (h: number): ReturnType<typeof smResume> =>
    smResume(smStart(), RECORD, 'id', h, at(0));

  it('tells the server what the page has and what we handled', () => {
    expect([0, 1, 2, 4, 5, 7, 8].map((h) => resume(h).h)).toEqual([0, 1, 3, 5, 5, 8, 9]);
  });

  it('forgets lost injections, drops that come again and swallowed stanzas that come again', () => {
    const { state, h } = smResumed(resume(4).state, 6, at(2));
    expect(h).toBe(6);
    expect(recordOf(state)).toEqual({
      jid: RECORD.jid,
      out: [{ kind: 'd', page: 5, wire: 6 }],
      in: [{ kind: 's', page: 2, wire: 2 }],
    });
  });

  it('goes on counting where both sides are', () => {
    const { state } = smResumed(resume(4).state, 6, at(2));
    expect(ackFromServer(state, 9).h).toBe(9);
    expect(ackFromPage(state, 6).h).toBe(7);
    const next = noted(state, ['o', 1, 1], ['s', 4, 4]);
    expect(recordOf(next)?.out.at(-1)).toEqual({ kind: 'o', page: 7, wire: 7 });
    expect(recordOf(next)?.in.at(-1)).toEqual({ kind: 's', page: 6, wire: 7 });
  });

  it('leaves the stored record alone until the server has answered', () => {
    expect(recordOf(resume(4).state)).toBe(undefined);
  });

  it('keeps what happened between question and answer', () => {
    const { state } = smResumed(noted(resume(4).state, ['o', 1, 1]), 6, at(0));
    expect(recordOf(state)?.out.at(-1)).toEqual({ kind: 'o', page: 7, wire: 7 });
  });

  it('converts the number in <failed/> with the stored log', () => {
    expect(ackFromServer(resume(4).state, 9).h).toBe(8);
  });

  it.each(['before', 'behind'])('leaves room for an <enable/> %s it in one frame', (place) => {
    const first = place === 'before' ? smEnable(smStart(), at(2)) : smStart();
    const asked = smResume(first, RECORD, 'id', 4, at(2)).state;
    const both = place === 'before' ? asked : smEnable(asked, at(2));
    expect(recordOf(smResumed(both, 6, at(2)).state)?.out).toHaveLength(1);
    const fresh = smEnabled(smFailed(both), at(3), 'n', 'a@b/c');
    expect(recordOf(noted(fresh, ['o', 3, 3]))).toEqual({
      jid: 'a@b/c',
      out: [{ kind: 'o', page: 1, wire: 1 }],
      in: [],
    });
  });

  it('answers unexpected <resumed/> unchanged', () => {
    expect(smResumed(enabled(), 5, at(0)).h).toBe(5);
  });
});

describe('numbers beyond 2^32', () => {
  const top = 2 ** 32;

  it('begin again at zero on both sides', () => {
    const record: SmRecord = {
      jid: 'a@b/c',
      out: [{ kind: 'o', page: top - 3, wire: top - 3 }],
      in: [{ kind: 'y', page: top - 2, wire: top - 2 }],
    };
    const resumed = smResume(smStart(), record, 'id', top - 1, at(0));
    expect(resumed.h).toBe(top - 2);
    const { state, h } = smResumed(resumed.state, top - 1, at(0));
    expect(h).toBe(top - 2);
    expect([top - 1, 0, 1, 2].map((wire) => ackFromServer(state, wire).h)).toEqual([
      top - 2,
      top - 1,
      0,
      1,
    ]);
    expect([top - 1, 0, 1].map((page) => ackFromPage(state, page).h)).toEqual([
      top - 2,
      top - 1,
      0,
    ]);
  });
});

const position = fc.record({
  page: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 2 ** 32 - 9, max: 2 ** 32 })),
  wire: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 2 ** 32 - 9, max: 2 ** 32 })),
});

const small = fc.integer({ min: 0, max: 2 });
const step = fc.oneof(
  fc.record({ do: fc.constant('send' as const), isTaken: fc.boolean(), n: small }),
  fc.record({ do: fc.constant('offer' as const), isTaken: fc.boolean() }),
  fc.record({ do: fc.constantFrom('to-server' as const, 'to-page' as const), n: small }),
  fc.record({ do: fc.constantFrom('to-server' as const, 'to-page' as const), n: small }),
  fc.record({ do: fc.constantFrom('inject' as const, 'notice' as const) }),
  fc.record({ do: fc.constantFrom('page-acks' as const, 'server-acks' as const) }),
  fc.record({ do: fc.constant('reconnect' as const), lost: small, n: small }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function perform(model: Model, action: Step): void {
  switch (action.do) {
    case 'send':
      return model.send(action.isTaken, action.n);
    case 'offer':
      return model.offer(action.isTaken);
    case 'to-server':
      return model.deliverToServer();
    case 'to-page':
      return model.deliverToPage(action.n);
    case 'inject':
      return model.injectToServer();
    case 'notice':
      return model.injectToPage();
    case 'page-acks':
      return model.pageAcks();
    case 'server-acks':
      return model.serverAcks();
    case 'reconnect':
      return model.reconnect(action.lost, action.n);
  }
}

describe('a page and a server', () => {
  it('agree on what arrived, over injections, drops, cuts, resumptions and reloads (I-24, I-25, I-28)', () => {
    const start = fc.option(fc.record({ out: position, in: position }), { nil: undefined });
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 60 }), (from, steps) => {
        const model = new Model(from);
        for (const action of steps) perform(model, action);
        const hasForgotten = steps.some((action) => action.do === 'reconnect' && action.lost > 0);
        model.settle(hasForgotten);
        model.reconnect(0, 1);
        model.settle(hasForgotten);
      }),
      { seed: 198, numRuns: 1000 },
    );
  });
});
