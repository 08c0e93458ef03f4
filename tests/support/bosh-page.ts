// A page that speaks BOSH by fetch, in a few lines: no client of the tests does.
import type { Page } from 'puppeteer-core';
import { until } from './wait';

export interface BoshPage {
  readonly page: Page;
  /** Sends a stanza with the page's next body. */
  send(stanza: string): Promise<void>;
  /** The first body the page got that holds this text. */
  sees(part: string, timeoutMs?: number): Promise<string>;
  /** Sends a body in a way that cannot wait; answers what the browser said. */
  beacon(inner: string, attributes: string): Promise<boolean>;
  /** What a page on another server would be handed to go on with this session; this page stops. */
  handOver(): Promise<{ sid: string; rid: number }>;
}

/** The page's own script: keeps one request open, a second where it has something to say. */
const CLIENT = `
  const state = { rid: 1000 + Math.floor(Math.random() * 1e6), sid: '', out: [], open: 0, got: [], isStopped: false };
  const NS = "xmlns='http://jabber.org/protocol/httpbind'";
  state.body = (inner, attributes) => \`<body rid='\${state.rid++}' sid='\${state.sid}' \${attributes} \${NS}>\${inner}</body>\`;
  state.ask = async (inner, attributes = '') => {
    state.open += 1;
    const body = state.sid === '' ? \`<body rid='\${state.rid++}' \${attributes} \${NS}/>\` : state.body(inner, attributes);
    const request = { method: 'POST', headers: { 'content-type': 'text/xml; charset=utf-8' }, body };
    // Both ways to say it, in turn.
    const response = await (state.rid % 2 ? fetch(state.url, request) : fetch(new Request(state.url, request)));
    const text = await response.text();
    state.open -= 1;
    state.got.push(text);
    state.sid ||= /\\bsid='([^']+)'/.exec(text)?.[1] ?? '';
    if (text.includes("type='terminate'")) state.isStopped = true;
    if (!state.isLoggingIn) state.turn();
  };
  state.turn = () => {
    if (state.isStopped || state.open > 1 || (state.open > 0 && state.out.length === 0)) return;
    void state.ask(state.out.splice(0).join(''));
  };
  document.bosh = state;
`;

function drive(page: Page): BoshPage {
  return {
    page,
    send: async (stanza) => {
      await page.evaluate(
        `document.bosh.out.push(${JSON.stringify(stanza)}), document.bosh.turn()`,
      );
    },
    sees: (part, timeoutMs = 20_000) =>
      until(
        `the page to see ${part}`,
        async () => {
          const got: unknown = await page.evaluate('document.bosh.got');
          return Array.isArray(got) ? got.map(String).find((text) => text.includes(part)) : false;
        },
        { timeoutMs },
      ),
    // What did not leave has used up no number.
    beacon: (inner, attributes) =>
      page
        .evaluate(
          `(() => {
            const { bosh } = document;
            const { rid } = bosh;
            const body = bosh.body(${JSON.stringify(inner)}, ${JSON.stringify(attributes)});
            const isSent = navigator.sendBeacon(bosh.url, body);
            if (!isSent) bosh.rid = rid;
            return isSent;
          })()`,
        )
        .then(Boolean),
    handOver: async () => {
      const session: unknown = await page.evaluate(
        'document.bosh.isStopped = true, { sid: document.bosh.sid, rid: document.bosh.rid }',
      );
      if (typeof session !== 'object' || session === null) throw new Error('no session');
      return {
        sid: String(Reflect.get(session, 'sid')),
        rid: Number(Reflect.get(session, 'rid')),
      };
    },
  };
}

/** Logs in by SASL PLAIN and binds. */
export async function logInByFetch(
  page: Page,
  { url, jid, password }: { url: string; jid: string; password: string },
): Promise<BoshPage> {
  const [name = '', domain = ''] = jid.split('@');
  const plain = Buffer.from(`\0${name}\0${password}`).toString('base64');
  await page.evaluate(`{ ${CLIENT} }`);
  await page.evaluate(`(async () => {
    const { bosh } = document;
    bosh.url = ${JSON.stringify(url)};
    bosh.isLoggingIn = true;
    await bosh.ask('', "to='${domain}' wait='60' hold='1' ver='1.6' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'");
    await bosh.ask("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>");
    await bosh.ask('', "to='${domain}' xmpp:restart='true' xmlns:xmpp='urn:xmpp:xbosh'");
    await bosh.ask("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    bosh.isLoggingIn = false;
    bosh.out.push("<presence xmlns='jabber:client'/>");
    bosh.turn();
  })()`);
  return drive(page);
}

/** Goes on with a session that was begun elsewhere. */
export async function attachByFetch(
  page: Page,
  { url, sid, rid }: { url: string; sid: string; rid: number },
): Promise<BoshPage> {
  await page.evaluate(`{ ${CLIENT} }`);
  await page.evaluate(
    `Object.assign(document.bosh, ${JSON.stringify({ url, sid, rid })}), document.bosh.turn()`,
  );
  return drive(page);
}
