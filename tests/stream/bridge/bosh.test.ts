import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HookMessage, HttpCommand } from '../../../src/rpc/page-api';
import { Bosh } from '../../../src/stream/bridge/bosh';
import { createRefuser } from '../../../src/stream/bridge/refuse';
import { decrypt, encrypt, World } from './bosh-world';

/** Every step a test can take, with the chance it gets. */
const STEPS: readonly ((world: World, choice: number) => boolean)[] = [
  (world) => world.pageSends(['message']),
  (world) => world.pageSends(['iq', 'message', 'iq']),
  (world) => world.pagePolls(),
  (world) => world.pageRepeats(),
  (world) => world.serverSends('message'),
  (world) => world.serverSends('iq'),
  (world, choice) => world.replyArrives(choice),
  (world, choice) => world.replyArrives(choice),
  (world) => world.releases('out'),
  (world) => world.releases('out'),
  (world) => world.releases('in'),
  (world) => world.releases('in'),
  (world) => world.injects(),
  (world) => world.notifies(),
];
const TROUBLE: typeof STEPS = [
  (world, choice) => world.connectionBreaks(choice),
  (world) => world.pageRestarts(),
];

const choices = fc.array(fc.tuple(fc.nat(), fc.nat(3)), { maxLength: 60 });

function play(steps: typeof STEPS, picks: readonly (readonly [number, number])[]): World {
  const world = new World();
  for (const [pick, choice] of picks) steps[pick % steps.length]?.(world, choice);
  world.settle();
  return world;
}

const ofPage = (frames: readonly string[]) => frames.filter((frame) => frame.includes("'page"));
const ofServer = (frames: readonly string[]) => frames.filter((frame) => frame.includes("'server"));
const notices = (frames: readonly string[]) => frames.filter((frame) => frame.includes("'notice"));
const ours = (frames: readonly string[]) => frames.filter((frame) => frame.includes("'ours"));

describe('a BOSH session', () => {
  it('brings everything over in order, once, changed, in any order of events', () => {
    fc.assert(
      fc.property(choices, (picks) => {
        const world = play(STEPS, picks);
        expect(ofPage(world.serverGot)).toEqual(world.pageWrote.map(encrypt));
        expect(ours(world.serverGot)).toEqual(world.injected);
        expect(world.swallowed).toBe(world.injected.length);
        expect(ours(world.pageGot)).toEqual([]);
        expect(ofServer(world.pageGot)).toEqual(world.serverWrote.map(decrypt));
        expect(notices(world.pageGot)).toEqual(world.notices);
        expect(world.states.filter((state) => state === 'opened')).toHaveLength(1);
      }),
      { numRuns: 1000 },
    );
  });

  it('does so too where connections break and the page asks again', () => {
    fc.assert(
      fc.property(choices, (picks) => {
        const world = play([...STEPS, ...TROUBLE], picks);
        expect(ofPage(world.serverGot)).toEqual(world.pageWrote.map(encrypt));
        expect(ours(world.serverGot)).toEqual(world.injected);
        // A reply that was lost may come behind a later one, but it comes.
        const got = ofServer(world.pageGot);
        expect(got.toSorted()).toEqual(world.serverWrote.map(decrypt).toSorted());
        expect(notices(world.pageGot)).toEqual(world.notices);
      }),
      { numRuns: 1000 },
    );
  });
});

const NS = "xmlns='http://jabber.org/protocol/httpbind'";
const MESSAGE =
  "<message xmlns='jabber:client' to='b@example.org' id='m'><body>hi</body></message>";
const IQ = "<iq xmlns='jabber:client' id='i' type='get'/>";
const OURS = "<iq xmlns='jabber:client' id='ours1' type='get'/>";

/** The adapter between two lists; the session begins with rid 1, and its poll with rid 2 is at the server. */
function setUp() {
  const commands: HttpCommand[] = [];
  const heard: HookMessage[] = [];
  let r = 0;
  const bosh = new Bosh({
    toHook: (command) => commands.push(command),
    toSession: (message) => heard.push(message),
    resolve: (url) => new URL(url, 'https://chat.example.org/').href,
  });
  const ask = (body: string) => {
    bosh.handle({ t: 'request', r: ++r, url: '/bind', body });
    return r;
  };
  const say = (number: number, body: string, status = 200) =>
    bosh.handle({ t: 'response', r: number, status, body });
  const body = (rid: number, inner = '', attributes = '') =>
    `<body rid='${rid}' sid='s'${attributes} ${NS}>${inner}</body>`;
  const begin = () => {
    const first = `<body rid='1' to='example.org' wait='60' hold='1' ${NS}/>`;
    say(ask(first), `<body ${NS} sid='s' requests='2' inactivity='30'><x/></body>`);
    const poll = ask(body(2));
    commands.length = 0;
    return poll;
  };
  const s = () => heard.find((message) => message.t === 'opened')?.s ?? -1;
  const inject = (dir: 'out' | 'in', text: string) =>
    bosh.tell({ t: 'inject', s: s(), dir, id: 'id', text });
  const release = (dir: 'out' | 'in', ...frames: string[]) =>
    bosh.tell({ t: 'release', s: s(), dir, frames });
  return { bosh, commands, heard, ask, say, body, begin, inject, release };
}

const EMPTY = `<body ${NS} sid='s'/>`;

describe('the beginning of a session', () => {
  it('passes both ways as it is, and tells its address and its id', () => {
    const { commands, heard, ask, say } = setUp();
    const first = `<body rid='1' to='example.org' ${NS}/>`;
    const r = ask(first);
    expect(commands).toEqual([{ t: 'send', r, body: first }]);
    say(r, `<body ${NS} sid='abc' requests='2'/>`);
    expect(commands.at(-1)).toEqual({ t: 'answer', r, body: null });
    expect(heard).toEqual([
      { t: 'opened', s: 1_000_000, url: 'https://chat.example.org/bind' },
      { t: 'session', s: 1_000_000, sid: 'abc' },
    ]);
  });

  it('is told apart from a session that is older than the document', () => {
    const { heard, ask, body } = setUp();
    ask(body(77));
    expect(heard).toEqual([
      { t: 'opened', s: 1_000_000, url: 'https://chat.example.org/bind', sid: 's' },
    ]);
  });
});

describe('what the page sends', () => {
  it('waits for the session, and keeps the attributes of its body (I-18, I-21)', () => {
    const { commands, ask, body, begin, release } = setUp();
    begin();
    const r = ask(body(3, IQ + MESSAGE, " key='abc' newkey='def' ack='1'"));
    expect(commands).toEqual([]);
    release('out', '<message>secret</message>');
    const text = body(3, `${IQ}<message>secret</message>`, " key='abc' newkey='def' ack='1'");
    expect(commands).toEqual([{ t: 'send', r, body: text }]);
  });

  it('leaves an empty body where nothing of it may leave (I-20)', () => {
    const { commands, ask, body, begin, release } = setUp();
    begin();
    const r = ask(body(3, MESSAGE));
    release('out');
    expect(commands).toEqual([{ t: 'send', r, body: `<body rid='3' sid='s' ${NS}/>` }]);
  });

  it('goes ahead without what waits when the session has a question', () => {
    const { commands, ask, say, body, begin, inject, release } = setUp();
    const poll = begin();
    const r = ask(body(3, MESSAGE));
    inject('out', OURS);
    expect(commands.splice(0)).toEqual([{ t: 'send', r, body: body(3, OURS) }]);
    say(poll, EMPTY);
    expect(commands.splice(0)).toEqual([{ t: 'answer', r: poll, body: null }]);
    // The message has no request of its own any more: the page is made to send one.
    release('out', '<message>secret</message>');
    expect(commands.splice(0)).toEqual([{ t: 'answer', r, body: EMPTY }]);
    const next = ask(body(4));
    expect(commands).toEqual([{ t: 'send', r: next, body: body(4, '<message>secret</message>') }]);
  });

  it('is sent with the same bytes when it is sent again (I-19)', () => {
    const { bosh, commands, ask, say, body, begin, release } = setUp();
    begin();
    const r = ask(body(3, MESSAGE));
    release('out', '<message>secret</message>');
    const [sent] = commands.splice(0);
    say(r, '', 0);
    expect(commands.splice(0)).toEqual([{ t: 'answer', r, body: null }]);
    const again = ask(body(3, MESSAGE));
    expect(commands.splice(0)).toEqual([{ ...sent, r: again }]);
    bosh.handle({ t: 'aborted', r: again });
    const third = ask(body(3, MESSAGE));
    expect(commands).toEqual([{ ...sent, r: third }]);
  });

  it('fails when it is no body that could be read', () => {
    const { commands, ask } = setUp();
    const r = ask(`<body rid=3 ${NS}><message/></body>`);
    expect(commands).toEqual([{ t: 'answer', r, body: null }]);
  });
});

describe('a question of the session', () => {
  it('makes the page send its next request, which carries it (I-15, I-16)', () => {
    const { commands, ask, body, begin, inject } = setUp();
    const poll = begin();
    inject('out', OURS);
    expect(commands.splice(0)).toEqual([{ t: 'answer', r: poll, body: EMPTY }]);
    const r = ask(body(3, IQ));
    expect(commands).toEqual([{ t: 'send', r, body: body(3, OURS + IQ) }]);
  });

  it('waits where the server has as many requests as it may have (I-17)', () => {
    const { commands, ask, say, body, begin, inject } = setUp();
    const poll = begin();
    const second = ask(body(3, IQ));
    commands.length = 0;
    inject('out', OURS);
    expect(commands).toEqual([]);
    say(poll, EMPTY);
    expect(commands).toEqual([
      { t: 'answer', r: poll, body: null },
      { t: 'answer', r: second, body: EMPTY },
    ]);
  });

  it('does not end up in a request that ends the session', () => {
    const { commands, ask, body, begin, inject, release } = setUp();
    begin();
    const r = ask(body(3, MESSAGE, " type='terminate'"));
    inject('out', OURS);
    expect(commands.filter(({ t }) => t === 'send')).toEqual([]);
    release('out', '<message>secret</message>');
    expect(commands.at(-1)).toMatchObject({ t: 'send', r });
    expect(commands.at(-1)?.body).toContain('<message>secret</message>');
  });
});

describe('the end of a WebSocket', () => {
  it('is nothing a body could carry', () => {
    const { commands, begin, inject } = setUp();
    begin();
    inject('out', "<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>");
    expect(commands).toEqual([]);
  });
});

describe('what the server answers', () => {
  it('reaches the page without what is swallowed, with all attributes of its body (I-20, I-21)', () => {
    const { bosh, commands, say, begin, release } = setUp();
    const poll = begin();
    bosh.tell({ t: 'ids', prefix: 'ours' });
    const head = `<body ${NS} sid='s' ack='9' xmlns:stream='st'`;
    say(poll, `${head}><iq xmlns='jabber:client' id='ours1' type='result'/></body>`);
    expect(commands).toEqual([]);
    release('in');
    expect(commands).toEqual([{ t: 'answer', r: poll, body: `${head}/>` }]);
  });

  it('for a request answered early comes with the next answer (I-16)', () => {
    const { commands, ask, say, body, begin, inject } = setUp();
    const poll = begin();
    inject('out', OURS);
    const r = ask(body(3));
    commands.length = 0;
    say(poll, `<body ${NS} sid='s'>${IQ}</body>`);
    expect(commands).toEqual([{ t: 'answer', r, body: `<body ${NS} sid='s'>${IQ}</body>` }]);
  });

  it('for a request answered early is fetched again where the network lost it', () => {
    const { commands, ask, say, body, begin, inject } = setUp();
    const poll = begin();
    inject('out', OURS);
    const r = ask(body(3));
    commands.length = 0;
    say(poll, '', 0);
    expect(commands.splice(0)).toEqual([{ t: 'send', r: poll, body: body(2) }]);
    // A server that remembers it no longer does not end the session for that.
    say(poll, `<body ${NS} type='terminate' condition='item-not-found'/>`);
    expect(commands).toEqual([]);
    say(r, EMPTY);
    expect(commands).toEqual([{ t: 'answer', r, body: null }]);
  });

  it.each([404, 503, 0])('with status %s is what the page gets', (status) => {
    const { commands, say, begin } = setUp();
    const poll = begin();
    say(poll, 'gone', status);
    expect(commands).toEqual([{ t: 'answer', r: poll, body: null }]);
  });

  it('is given to all that waits when it ends the session', () => {
    const { commands, heard, ask, say, body, begin } = setUp();
    const poll = begin();
    const end = ask(body(3, IQ, " type='terminate'"));
    commands.length = 0;
    say(poll, `<body ${NS} type='terminate'>${IQ}</body>`);
    expect(heard.at(-1)?.t).not.toBe('closed');
    say(end, `<body ${NS} type='terminate'/>`);
    expect(commands).toEqual([
      { t: 'answer', r: poll, body: null },
      { t: 'answer', r: end, body: null },
    ]);
    expect(heard.at(-1)).toMatchObject({ t: 'closed' });
  });

  it('ends the session also where an earlier request is never answered', () => {
    const { commands, ask, say, body, begin } = setUp();
    begin();
    const second = ask(body(3));
    commands.length = 0;
    say(second, `<body ${NS} type='terminate' condition='item-not-found'/>`);
    expect(commands).toEqual([{ t: 'answer', r: second, body: null }]);
  });
});

describe('messages without a request as the session ends', () => {
  it('are told as unsent, as the page sent them', () => {
    const { commands, heard, ask, say, body, begin, inject, release } = setUp();
    const poll = begin();
    const second = MESSAGE.replace("'m'", "'n'");
    const r = ask(body(3, MESSAGE + second));
    inject('out', OURS);
    release('out', '<message>secret</message>');
    say(poll, `<body ${NS} type='terminate' condition='remote-connection-failed'/>`);
    say(r, `<body ${NS} type='terminate'/>`);
    expect(commands.filter(({ t }) => t === 'send')).toHaveLength(1);
    expect(heard.slice(-3)).toEqual([
      { t: 'unsent', s: 1_000_000, text: MESSAGE },
      { t: 'unsent', s: 1_000_000, text: second },
      { t: 'closed', s: 1_000_000 },
    ]);
  });
});

describe('a goodbye that did not wait', () => {
  const goodbye = `<body rid='3' sid='s' type='terminate' ${NS}/>`;

  it('ends the session once what is open is answered', () => {
    const { bosh, commands, heard, say, begin } = setUp();
    const poll = begin();
    bosh.handle({ t: 'passed', body: goodbye });
    expect(heard.at(-1)?.t).not.toBe('closed');
    say(poll, `<body ${NS} type='terminate'/>`);
    expect(commands).toEqual([{ t: 'answer', r: poll, body: null }]);
    expect(heard.at(-1)).toMatchObject({ t: 'closed' });
  });

  it('ends it at once where nothing is open', () => {
    const { bosh, heard, say, begin } = setUp();
    say(begin(), EMPTY);
    bosh.handle({ t: 'passed', body: goodbye });
    expect(heard.at(-1)).toMatchObject({ t: 'closed' });
  });
});

describe('a notice of the session', () => {
  it('reaches the page at once', () => {
    const { commands, begin, inject } = setUp();
    const poll = begin();
    inject('in', MESSAGE);
    expect(commands).toEqual([
      { t: 'answer', r: poll, body: `<body ${NS} sid='s'>${MESSAGE}</body>` },
    ]);
  });
});

describe('a page without session of ours', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('has its messages refused', () => {
    const commands: HttpCommand[] = [];
    const refuse = createRefuser((message) => void bosh.tell(message));
    const bosh = new Bosh({
      toHook: (command) => commands.push(command),
      toSession: refuse,
      resolve: (url) => url,
    });
    const text = `<body rid='5' sid='s' ${NS}>${IQ}${MESSAGE}</body>`;
    bosh.handle({ t: 'request', r: 1, url: 'https://example.org/', body: text });
    expect(commands).toHaveLength(2);
    expect(commands).toContainEqual({
      t: 'send',
      r: 1,
      body: `<body rid='5' sid='s' ${NS}>${IQ}</body>`,
    });
    const body: unknown = expect.stringMatching(/<message [^>]*type='error' id='m'/);
    expect(commands).toContainEqual({ t: 'answer', r: 1, body });
  });

  it('gets everything back as it was where it is not protected', () => {
    const { bosh, commands, ask, body, begin } = setUp();
    begin();
    const r = ask(body(3, MESSAGE));
    expect(commands).toEqual([]);
    expect(bosh.tell({ t: 'off' })).toBe(false);
    expect(commands).toEqual([{ t: 'send', r, body: body(3, MESSAGE) }]);
  });

  it('is forgotten when it has been silent for longer than the server waits', () => {
    const { heard, say, begin } = setUp();
    const poll = begin();
    say(poll, '', 0);
    vi.advanceTimersByTime(59_000);
    expect(heard.at(-1)?.t).not.toBe('closed');
    vi.advanceTimersByTime(2_000);
    expect(heard.at(-1)).toMatchObject({ t: 'closed' });
  });
});
