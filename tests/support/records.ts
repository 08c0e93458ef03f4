// Records as JSON can hold them, and the one error that readers of stanzas may throw.
import { expect } from 'vitest';
import type { ReceivedMessage } from '../../src/session/codec/codec';
import { StanzaError } from '../../src/session/errors';
import { hex } from './fixtures';

export function plainMessage(message: ReceivedMessage): Record<string, unknown> {
  return {
    senderDeviceId: message.senderDeviceId,
    keys: message.keys.map(({ bytes, ...key }) => ({ ...key, hex: hex(bytes) })),
    ...(message.iv && { iv: hex(message.iv) }),
    ...(message.payload && { payload: hex(message.payload) }),
  };
}

export function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

export function expectMalformed(action: () => unknown): void {
  const error = errorOf(action);
  expect(error).toBeInstanceOf(StanzaError);
  expect(error).toMatchObject({ code: 'malformed' });
}

/** That many bytes, counting up. */
export const bytes = (length: number, start = 0): Uint8Array =>
  Uint8Array.from({ length }, (_value, index) => (start + index) % 256);

export const base64 = (value: Uint8Array): string => Buffer.from(value).toString('base64');
