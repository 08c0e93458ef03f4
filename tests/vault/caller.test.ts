import type { Runtime } from 'webextension-polyfill';
import { describe, expect, it, vi } from 'vitest';
import { callerOf } from '../../src/vault/caller';

vi.mock('webextension-polyfill', async () => ({ default: (await import('./browser')).browser }));

const OWN = 'chrome-extension://our-id';
const tab = { id: 5 };
const asSender = (fields: object) => fields as Runtime.MessageSender; // what browsers send has more fields

describe('the caller', () => {
  it('is one of our own pages, in a tab or not', () => {
    expect(callerOf(asSender({ id: 'our-id', origin: OWN }))).toEqual({ kind: 'popup' });
    expect(callerOf(asSender({ id: 'our-id', origin: OWN, tab }))).toEqual({ kind: 'popup' });
  });

  it('is a content script with the origin and document the browser names', () => {
    const sender = { id: 'our-id', origin: 'https://a.example', tab };
    const caller = { kind: 'content', origin: 'https://a.example', tabId: 5 };
    expect(callerOf(asSender(sender))).toEqual(caller);
    expect(callerOf(asSender({ ...sender, documentId: 'd' }))).toEqual({
      ...caller,
      documentId: 'd',
    });
  });

  it.each([
    ['nobody', undefined],
    ['another extension', { id: 'other', origin: OWN }],
    ['another extension on a page', { id: 'other', origin: 'https://a.example', tab }],
    ['no id', { origin: OWN }],
    ['no origin', { id: 'our-id', tab }],
    ['our URL without our origin', { id: 'our-id', url: `${OWN}/popup.html`, tab }],
    ['an opaque origin', { id: 'our-id', origin: 'null', tab }],
    ['a file', { id: 'our-id', origin: 'file://', tab }],
    ['another extension page', { id: 'our-id', origin: 'chrome-extension://other', tab }],
    ['our origin as a prefix', { id: 'our-id', origin: `${OWN}.evil.example`, tab }],
    ['no tab', { id: 'our-id', origin: 'https://a.example' }],
    ['a tab without id', { id: 'our-id', origin: 'https://a.example', tab: {} }],
  ])('is nobody for %s', (_name, sender) => {
    expect(callerOf(sender === undefined ? undefined : asSender(sender))).toBe(undefined);
  });
});
