// Name of the one event by which hook and bridge meet, before any script of the page has run.
export const HANDSHAKE = 'omnemo:port';
