import { describe, expect, it } from 'vitest';
import { bareJid, domainOf, resourceOf } from '../src/jid';

describe('bareJid', () => {
  it.each([
    ['alice@example.org', 'alice@example.org'],
    ['Alice@Example.ORG/Phone', 'alice@example.org'],
    ['example.org', 'example.org'],
    ['alice@example.org/with/slash@and@at', 'alice@example.org'],
    ['  alice@example.org  ', 'alice@example.org'],
  ])('reads %j as %j (I-40)', (text, bare) => {
    expect(bareJid(text)).toBe(bare);
  });

  it.each([
    '',
    '/x',
    '@example.org',
    'alice@',
    'a b@example.org',
    'a@b@c',
    'a"b@c',
    'x'.repeat(3000),
  ])('refuses %j', (text) => {
    expect(bareJid(text)).toBeUndefined();
  });
});

it('keeps the case of a resource, and slashes in it', () => {
  expect(resourceOf('alice@example.org/Pho/ne')).toBe('Pho/ne');
  expect(resourceOf('alice@example.org')).toBeUndefined();
  expect(resourceOf('alice@example.org/')).toBeUndefined();
});

it('names the domain of a bare JID', () => {
  const alice = bareJid('alice@example.org');
  const host = bareJid('example.org');
  expect(alice && domainOf(alice)).toBe('example.org');
  expect(host && domainOf(host)).toBe('example.org');
});
