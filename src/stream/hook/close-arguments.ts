// Arguments of WebSocket.close() that has to wait: a mistake must throw at once, as the native does (WHATWG WebSockets §3.1).
import { toNumber } from './natives';
import { utf8Length } from './utf8';

/** WHATWG WebSockets §3.1: longest reason in bytes. */
const MAX_REASON_BYTES = 123;

export interface CloseArguments {
  /** Converted once, so that conversions the page can see do not happen twice. */
  readonly args: readonly unknown[];
  /** If not, the native throws for these arguments and does nothing. */
  readonly isValid: boolean;
}

/** Web IDL [Clamp] rounds halves to the even neighbour. */
function isValidCode(code: number): boolean {
  return (code >= 999.5 && code <= 1000.5) || (code >= 2999.5 && code < 4999.5);
}

function convertCode(value: unknown): unknown {
  // Symbols and big integers have no conversion: the native throws its own error for them.
  return value === undefined || typeof value === 'symbol' || typeof value === 'bigint'
    ? value
    : toNumber(value);
}

export function checkCloseArguments(given: readonly unknown[]): CloseArguments {
  const code = given.length > 0 ? convertCode(given[0]) : undefined;
  const reason = given.length > 1 && given[1] !== undefined ? `${given[1]}` : undefined;
  const isCodeValid = code === undefined || (typeof code === 'number' && isValidCode(code));
  const isReasonValid = reason === undefined || utf8Length(reason) <= MAX_REASON_BYTES;
  return { args: [code, reason], isValid: isCodeValid && isReasonValid };
}
