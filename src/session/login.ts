// How the page logs in, as far as it says whose stream this is: an anonymous login has an account that is nobody's (I-41),
// and `jabber:iq:auth` has no bind result (I-37, XEP-0078).
import { childOf, textOf } from '../xml/element';
import { NS } from '../xml/ns';
import { accountIn, accountOf, type StreamAccount } from './account';

const LOGINS: readonly (readonly [name: string, ns: string])[] = [
  ['auth', NS.sasl],
  ['authenticate', NS.sasl2],
];

/** `<auth mechanism/>`, `<authenticate mechanism/>`: the mechanism, or undefined for another frame. */
function mechanismIn(frame: Element): string | undefined {
  const { localName, namespaceURI } = frame;
  const isLogin = LOGINS.some(([name, ns]) => localName === name && namespaceURI === ns);
  return isLogin ? (frame.getAttribute('mechanism') ?? '') : undefined;
}

function isFailure({ localName, namespaceURI }: Element): boolean {
  return localName === 'failure' && (namespaceURI === NS.sasl || namespaceURI === NS.sasl2);
}

/** `<iq type='set'><query xmlns='jabber:iq:auth'><username/><resource/>…` as the beginning and the end of a full JID. */
function legacyLoginIn(frame: Element): readonly [begin: string, end: string] | undefined {
  const query = frame.localName === 'iq' ? childOf(frame, 'query', NS.auth) : undefined;
  const username = query && childOf(query, 'username', NS.auth);
  const resource = query && childOf(query, 'resource', NS.auth);
  if (frame.getAttribute('type') !== 'set' || username === undefined || resource === undefined) {
    return undefined;
  }
  return [`${textOf(username).trim().toLowerCase()}@`, `/${textOf(resource).trim()}`];
}

/** The login of one stream. */
export class Login {
  readonly #setAnonymous: (isAnonymous: boolean) => void;
  #isAnonymous = false;
  #legacy: readonly [begin: string, end: string] | undefined;

  /** @param setAnonymous told when the page asks for an anonymous account, and when it does not get it. */
  constructor(setAnonymous: (isAnonymous: boolean) => void) {
    this.#setAnonymous = setAnonymous;
  }

  /** A frame of the page. */
  sent(frame: Element): void {
    const mechanism = mechanismIn(frame);
    if (mechanism === 'ANONYMOUS') this.#become(true);
    this.#legacy = legacyLoginIn(frame) ?? this.#legacy;
  }

  /** The account a frame of the server tells, if any. */
  accountIn(frame: Element): StreamAccount | undefined {
    if (isFailure(frame)) this.#become(false);
    if (this.#isAnonymous) return undefined;
    return accountIn(frame) ?? this.#addressedIn(frame);
  }

  #become(isAnonymous: boolean): void {
    if (this.#isAnonymous === isAnonymous) return;
    this.#isAnonymous = isAnonymous;
    this.#setAnonymous(isAnonymous);
  }

  /** The server says the account only by whom it addresses: what was typed is not believed by itself (I-38). */
  #addressedIn(frame: Element): StreamAccount | undefined {
    if (this.#legacy === undefined || frame.localName !== 'iq') return undefined;
    const [begin, end] = this.#legacy;
    const account = accountOf(frame.getAttribute('to') ?? '');
    const isIt = account?.full?.startsWith(begin) === true && account.full === account.bare + end;
    return isIt ? account : undefined;
  }
}
