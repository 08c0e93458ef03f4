// What a page sends and gets on its stream, as the page itself sees it, and what stream management (XEP-0198) says of it.
import { DOMParser, XMLSerializer } from '@xmldom/xmldom';
import type { Page } from 'puppeteer-core';
import type { WireRecord } from '../wire';

/** One element of a stream; `out` is what the page sends. */
export interface Frame {
  readonly dir: 'in' | 'out';
  readonly xml: string;
}

/** Runs in the page before its client: notes what passes between the client and what the browser, or the extension, gave it. */
export const RECORDER = `
document.recordedFrames = [];
const note = (dir, data) => { if (typeof data === 'string') document.recordedFrames.push([dir, data]); };
window.WebSocket = class WebSocket extends window.WebSocket {
  constructor(...args) { super(...args); this.addEventListener('message', ({ data }) => note('in', data)); }
  send(data) { note('out', data); super.send(data); }
};
window.XMLHttpRequest = class XMLHttpRequest extends window.XMLHttpRequest {
  send(body) {
    note('out', body);
    this.addEventListener('load', () => note('in', this.responseText), { once: true });
    super.send(body);
  }
};
`;

/** The elements in one text: those of a BOSH body, or the one that stands alone. */
function elementsIn(text: string): readonly string[] {
  if (!text.startsWith('<body')) return [text];
  const body = new DOMParser().parseFromString(text, 'text/xml').documentElement;
  const serializer = new XMLSerializer();
  return [...(body?.childNodes ?? [])].map((node) => serializer.serializeToString(node));
}

/** Everything since the page was loaded. */
export async function framesOf(page: Page): Promise<readonly Frame[]> {
  const recorded = await page.evaluate(() => {
    const frames: unknown = Reflect.get(document, 'recordedFrames');
    return Array.isArray(frames) ? frames.map((frame: unknown) => [frame].flat().map(String)) : [];
  });
  return recorded.flatMap(([dir, text = '']) =>
    elementsIn(text).map((xml): Frame => ({ dir: dir === 'out' ? 'out' : 'in', xml })),
  );
}

/** The same stream as its server saw it. In resumed sessions mod_wirelog writes each stanza as often as it was resumed. */
export function framesAtServer(records: readonly WireRecord[]): readonly Frame[] {
  return records
    .filter(({ dir, xml }, index) => {
      const before = records[index - 1];
      return before?.dir !== dir || before.xml !== xml || !xml.includes(' id=');
    })
    .map(({ dir, xml }) => ({ dir: dir === 'in' ? 'out' : 'in', xml }));
}

export interface Counts {
  /** Stanzas the page sent, and how many of them the server says it has. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Stanzas the page got, and how many of them it says it has. */
  readonly received: number;
  readonly confirmed: number;
}

/** Both counts of the latest session with stream management: XEP-0198 §4 and §5. */
export function countsOf(frames: readonly Frame[]): Counts {
  let counts: Counts = { sent: 0, acknowledged: 0, received: 0, confirmed: 0 };
  for (const { dir, xml } of frames) {
    const [, name = ''] = /^<([a-z]+)/.exec(xml) ?? [];
    const isOut = dir === 'out';
    const h = Number(/^<[^>]*\sh=["'](\d+)["']/.exec(xml)?.[1] ?? NaN);
    if (/^(message|presence|iq)$/.test(name)) {
      if (isOut) counts = { ...counts, sent: counts.sent + 1 };
      else counts = { ...counts, received: counts.received + 1 };
    } else if (name === 'enable') counts = { ...counts, sent: 0, acknowledged: 0 };
    else if (name === 'enabled') counts = { ...counts, received: 0, confirmed: 0 };
    else if (name === 'resume') counts = { ...counts, received: h, confirmed: h };
    else if (name === 'resumed') counts = { ...counts, sent: h, acknowledged: h };
    else if (name === 'a' && isOut) counts = { ...counts, confirmed: h };
    else if (name === 'a') counts = { ...counts, acknowledged: h };
  }
  return counts;
}

/** Whether each side has said of everything that it has it. */
export function isBalanced({ sent, acknowledged, received, confirmed }: Counts): boolean {
  return sent === acknowledged && received === confirmed;
}
