// The one place that writes to the console. Never keys, plaintext, ciphertext, bodies, JIDs or room names: only an area,
// a stable code and numbers. `error` means a bug in us, `warn` a peer or server problem, `info` a rare state change.

type Level = 'error' | 'warn' | 'info';

/**
 * Writes one line of area, code and numbers. A content script's lines stand in the developer tools of its page, whose scripts
 * cannot read them (I-129).
 */
export function log(
  area: string,
  level: Level,
  code: string,
  numbers: Readonly<Record<string, number>> = {},
): void {
  const pairs = Object.entries(numbers).map(([name, value]) => `${name}=${value}`);
  console[level](['omnemo', area, code, ...pairs].join(' '));
}
