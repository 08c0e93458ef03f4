import { describe, expect, it } from 'vitest';
import type { Direction, Position } from '../../../src/rpc/page-api';
import { createLane } from '../../../src/stream/hook/lane';

/** A lane that shows frames with `!`; what leaves is written down in order. */
function setUp(dir: Direction = 'out') {
  const gone: string[] = [];
  const shown: { text: string; at: Position }[] = [];
  const lane = createLane({
    dir,
    isInteresting: (text) => text.includes('!'),
    post: (text, at) => shown.push({ text, at }),
    isGone: () => false,
    emit: (text) => gone.push(text),
  });
  const push = (text: string) => {
    if (lane.tryPass(text)) gone.push(text);
    else lane.hold({ text, bytes: text.length, forward: () => gone.push(text) });
  };
  const pushOther = (name: string) => {
    if (lane.tryPass(undefined)) gone.push(name);
    else lane.hold({ text: undefined, bytes: 0, forward: () => gone.push(name) });
  };
  return { lane, gone, shown, push, pushOther };
}

describe('a lane', () => {
  it('lets uninteresting frames pass at once', () => {
    const { lane, gone, shown, push } = setUp();
    push('<iq/>');
    push('');
    expect(gone).toEqual(['<iq/>', '']);
    expect(shown).toEqual([]);
    expect(lane.isIdle()).toBe(true);
  });

  it('keeps everything behind a held frame in order (I-4)', () => {
    const { lane, gone, shown, push, pushOther } = setUp();
    push('<message>!1</message>');
    push('<iq/>');
    pushOther('binary');
    push('<message>!2</message>');
    pushOther('close');
    expect(gone).toEqual([]);
    expect(shown.map(({ text }) => text)).toEqual(['<message>!1</message>']);
    lane.release(['<message>one</message>', '<message>more</message>']);
    expect(gone).toEqual(['<message>one</message>', '<message>more</message>', '<iq/>', 'binary']);
    expect(shown).toHaveLength(2);
    lane.release([]);
    expect(gone.at(-1)).toBe('close');
    expect(lane.isIdle()).toBe(true);
  });

  it('tells what of the held was, or would have been, shown when it is forgotten', () => {
    const { lane, gone, push, pushOther } = setUp();
    push('<message>!1</message>');
    push('<iq/>');
    pushOther('binary');
    push('<message>!2</message>');
    const lost: string[] = [];
    lane.drop((text) => lost.push(text));
    lane.release(['<message>late</message>']);
    expect(lost).toEqual(['<message>!1</message>', '<message>!2</message>']);
    expect([gone, lane.isIdle()]).toEqual([[], true]);
  });

  it('ignores a release nobody waits for', () => {
    const { lane, gone } = setUp();
    lane.release(['<message/>']);
    expect(gone).toEqual([]);
  });

  it('queues what comes in while frames go out', () => {
    const order: string[] = [];
    const lane = createLane({
      dir: 'in',
      isInteresting: (text) => text.includes('!'),
      post: () => undefined,
      isGone: () => false,
      emit: (text) => {
        order.push(text);
        if (text !== 'first') return;
        expect(lane.tryPass('nested')).toBe(false);
        lane.hold({ text: 'nested', bytes: 0, forward: () => order.push('nested') });
      },
    });
    lane.hold({ text: '!', bytes: 0, forward: () => undefined });
    lane.release(['first', 'second']);
    expect(order).toEqual(['first', 'second', 'nested']);
  });

  it('gives everything back unchanged when it is opened', () => {
    const { lane, gone, shown, push } = setUp();
    push('!1');
    push('!2');
    lane.open();
    push('!3');
    lane.release(['x']);
    expect(gone).toEqual(['!1', '!2', '!3']);
    expect(shown).toHaveLength(1);
  });

  it('counts held bytes until they leave', () => {
    const { lane, push } = setUp();
    push('!1');
    push('four');
    expect(lane.bytes()).toBe(6);
    lane.release([]);
    expect(lane.bytes()).toBe(0);
  });
});

describe('positions', () => {
  it('count a page stanza as it leaves and what was sent for it, outbound', () => {
    const { lane, shown, push } = setUp('out');
    push('<presence/>');
    push('<r/>');
    push('<message>!swallowed</message>');
    lane.release([]);
    push('<message>!doubled</message>');
    lane.release(['<message/>', '<message/>', '<r/>']);
    push('<r>!</r>');
    expect(shown.map(({ at }) => at)).toEqual([
      { page: 1, wire: 1 },
      { page: 2, wire: 1 },
      { page: 3, wire: 3 },
    ]);
  });

  it('count a server stanza as it leaves and what the page got for it, inbound', () => {
    const { lane, shown, push } = setUp('in');
    push('<iq/>');
    push('<iq>!swallowed</iq>');
    lane.release([]);
    push('<message>!doubled</message>');
    lane.release(['<message/>', '<message/>']);
    push('<r>!</r>');
    expect(shown.map(({ at }) => at)).toEqual([
      { page: 1, wire: 1 },
      { page: 1, wire: 2 },
      { page: 3, wire: 3 },
    ]);
  });

  it.each([
    ['out', { page: 0, wire: 1 }],
    ['in', { page: 1, wire: 0 }],
  ] as const)('count what we put in on its own side only: %s', (dir, after) => {
    const { lane, gone, shown, push } = setUp(dir);
    const before: Position[] = [];
    push('<iq>!held</iq>');
    lane.inject('<iq>ours</iq>', (at) => before.push(at));
    expect(gone).toEqual(['<iq>ours</iq>']);
    expect(before).toEqual([{ page: 0, wire: 0 }]);
    lane.release(['<iq/>']);
    push('<r>!</r>');
    expect(shown.at(-1)?.at).toEqual({ page: after.page + 1, wire: after.wire + 1 });
  });
});
