// What is wrong with a stanza a peer or server sent.

export type StanzaErrorCode =
  /** An element that does not have the shape its specification asks for. */
  | 'malformed'
  /** An envelope whose author is not who sent the stanza. */
  | 'wrong-sender'
  /** An envelope for another chat than the one the stanza came in. */
  | 'wrong-recipient';

/** An element that may not be used. Switch on `code`. */
export class StanzaError extends Error {
  readonly code: StanzaErrorCode;
  readonly retry = false;
  constructor(code: StanzaErrorCode) {
    super(`stanza: ${code}`);
    this.name = 'StanzaError';
    this.code = code;
  }
}
