// What records are called: parts with a separator between them, so that all that begin alike can be found together.

/** Separates the parts of a key; neither origins nor prepared JIDs can hold it. */
export const SEPARATOR = '\n';

/** A key of parts, ordered by them. The last part may hold anything. */
export function keyOf(...parts: readonly string[]): string {
  return parts.join(SEPARATOR);
}

/** All keys that start with these parts and go on. */
export function prefixOf(...parts: readonly string[]): string {
  return `${parts.join(SEPARATOR)}${SEPARATOR}`;
}
