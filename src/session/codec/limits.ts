// How much of an element is read; more is refused, not cut off (design D19, M63).

/** M63: `<key>` elements of one `<encrypted>`, all owners together. */
export const MAX_KEYS = 3000;
/** M63: bytes of a payload. */
export const MAX_PAYLOAD = 512 * 1024;
/** M63: characters of a bundle. */
export const MAX_BUNDLE = 64 * 1024;
/** M63: one-time prekeys of a bundle. */
export const MAX_PREKEYS = 200;
/** XEP-0384 §5.3 (0.9.1): code points of a device label. */
export const MAX_LABEL = 53;
