// What is wrong with a stanza a peer or server sent.

export type StanzaErrorCode = 'malformed';

/** An element that does not have the shape its specification asks for. Switch on `code`. */
export class StanzaError extends Error {
  readonly code: StanzaErrorCode;
  readonly retry = false;
  constructor(code: StanzaErrorCode) {
    super(`stanza: ${code}`);
    this.name = 'StanzaError';
    this.code = code;
  }
}
