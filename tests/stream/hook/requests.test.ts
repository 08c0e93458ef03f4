import { describe, expect, it, vi } from 'vitest';
import type {
  BridgeMessage,
  HookMessage,
  HttpCommand,
  HttpMessage,
} from '../../../src/rpc/page-api';
import type { HttpNatives } from '../../../src/stream/hook/natives-http';
import { createRequests, isBosh, withoutMessages } from '../../../src/stream/hook/requests';

const NS = "xmlns='http://jabber.org/protocol/httpbind'";
const MESSAGE = `<body rid='1' ${NS}><message xmlns='jabber:client'/></body>`;
const POLL = `<body rid='2' ${NS}/>`;

describe('a body of BOSH', () => {
  it.each([
    [`<body ${NS}/>`, true],
    [`\n <?xml version='1.0'?>\n<body ${NS}></body>`, true],
    [`<h:body xmlns:h="http://jabber.org/protocol/httpbind"/>`, true],
    ["<body xmlns='http://www.w3.org/1999/xhtml'>", false],
    [`<html ${NS}/>`, false],
    ['', false],
    ['{"body":1}', false],
    [undefined, false],
    [new Uint8Array([60]), false],
  ])('is told from other things: %s', (body, expected) => {
    expect(isBosh(body)).toBe(expected);
  });
});

describe('what may leave without asking', () => {
  it.each([
    ['a body without message', POLL, POLL],
    ['nothing of one with a message', MESSAGE, undefined],
    [
      'the end of a session, without its message',
      `<body rid='3' type="terminate" ${NS}><message/></body>`,
      `<body rid='3' type="terminate" ${NS}/>`,
    ],
    [
      'nothing that only looks like an end',
      `<body rid='3' ${NS}><message>terminate</message></body>`,
      undefined,
    ],
    [
      'nothing that cannot be read',
      `<body rid=3 ${NS} type='terminate'><message/></body>`,
      undefined,
    ],
  ])('is %s', (_, body, expected) => {
    expect(withoutMessages(body)).toBe(expected);
  });
});

function setUp() {
  const posted: (HookMessage | HttpMessage)[] = [];
  const beacons: [string, string][] = [];
  let tell = (_: BridgeMessage | HttpCommand): void => undefined;
  let leave = (): void => undefined;
  const state = { isGone: false };
  const http: Partial<HttpNatives> = {
    onLeave: (callback) => (leave = callback),
    beacon: (url, body) => beacons.push([url, body]),
  };
  const requests = createRequests(
    {
      post: (message) => posted.push(message),
      listen: (handler) => (tell = handler),
      isGone: () => state.isGone,
    },
    http as HttpNatives, // nothing else is used
  );
  const held = () => ({ send: vi.fn(), answer: vi.fn() });
  return {
    requests,
    posted,
    beacons,
    held,
    tell: (m: BridgeMessage | HttpCommand) => tell(m),
    leave: () => leave(),
    die: () => (state.isGone = true),
  };
}

describe('a request', () => {
  it('waits for the bridge, which sends and answers it, also in this order turned round', () => {
    const { requests, posted, held, tell } = setUp();
    const [first, second] = [held(), held()];
    expect(requests.ask('/bind', MESSAGE, first)).toBe(1);
    expect(requests.ask('/bind', POLL, second)).toBe(2);
    expect(posted[0]).toEqual({ t: 'request', r: 1, url: '/bind', body: MESSAGE });
    tell({ t: 'answer', r: 2, body: 'early' });
    tell({ t: 'send', r: 2, body: POLL });
    expect(second.answer).toHaveBeenCalledWith('early');
    expect(second.send).toHaveBeenCalledWith(POLL);
    expect(first.send).not.toHaveBeenCalled();
    expect(first.answer).not.toHaveBeenCalled();
  });

  it('can be sent again until the network has answered and the page has its answer', () => {
    const { requests, posted, held, tell } = setUp();
    const one = held();
    requests.ask('/bind', POLL, one);
    tell({ t: 'send', r: 1, body: POLL });
    tell({ t: 'answer', r: 1, body: 'early' });
    requests.answered(1, 0, '');
    tell({ t: 'send', r: 1, body: POLL });
    requests.answered(1, 200, 'late');
    tell({ t: 'send', r: 1, body: POLL });
    expect(one.send).toHaveBeenCalledTimes(2);
    expect(posted.slice(1)).toEqual([
      { t: 'response', r: 1, status: 0, body: '' },
      { t: 'response', r: 1, status: 200, body: 'late' },
    ]);
  });

  it('that waits as the page goes leaves without its message, so that no number is missing', () => {
    const { requests, beacons, held, tell, leave } = setUp();
    requests.ask('/bind', POLL, held());
    tell({ t: 'send', r: 1, body: POLL });
    requests.ask('/bind', MESSAGE, held());
    requests.ask('/bind', POLL, held());
    leave();
    expect(beacons).toEqual([
      ['/bind', `<body rid='1' ${NS}/>`],
      ['/bind', POLL],
    ]);
  });

  it('of a page whose bridge is gone leaves if it holds no message, and fails if it does (I-126)', () => {
    const { requests, posted, held, die } = setUp();
    const [poll, message, end, earlier] = [held(), held(), held(), held()];
    requests.ask('/bind', POLL, earlier);
    die();
    expect(requests.ask('/bind', POLL, poll)).toBe(2);
    requests.ask('/bind', MESSAGE, message);
    requests.ask('/bind', MESSAGE.replace('<body ', "<body type='terminate' "), end);
    expect(poll.send).toHaveBeenCalledExactlyOnceWith(POLL);
    expect(message.send).not.toHaveBeenCalled();
    expect(message.answer).toHaveBeenCalledExactlyOnceWith(null);
    expect(end.send).toHaveBeenCalledExactlyOnceWith(
      `${MESSAGE.slice(0, MESSAGE.indexOf('>')).replace('<body ', "<body type='terminate' ")}/>`,
    );
    // Nobody else would give the page what the network gave.
    requests.answered(1, 200, 'late');
    expect(earlier.answer).toHaveBeenCalledExactlyOnceWith(null);
    expect(posted).toEqual([{ t: 'request', r: 1, url: '/bind', body: POLL }]);
  });

  it('is the page’s own business where it is not protected', () => {
    const { requests, tell } = setUp();
    expect(requests.isOff()).toBe(false);
    tell({ t: 'off' });
    expect(requests.isOff()).toBe(true);
  });
});
