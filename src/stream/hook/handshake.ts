// Name of the one event by which hook and bridge meet, before any script of the page has run.
export const HANDSHAKE = 'omnemo:port';

/**
 * Event on the bridge's own port, which it cancels as long as it is there: Firefox destroys it with the extension, and what
 * is posted from then on goes nowhere.
 */
export const ALIVE = 'alive';
