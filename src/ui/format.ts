// Pure text for the views.
import type { DeviceView, SiteView } from '../rpc/popup-api';
import type { StreamState, Trust, TrustPolicy } from '../rpc/vault-api';

/** The two rows of four groups in which a fingerprint is read. */
export function fingerprintRows(fingerprint: string): readonly [string, string] {
  const groups = fingerprint.split(' ');
  return [groups.slice(0, 4).join(' '), groups.slice(4).join(' ')];
}

/**
 * A text from the network as it may be shown: what is invisible or turns the writing direction is spelled out, so that no
 * JID can look like another one.
 */
export function shownText(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Does the user have to say something about this device before messages go on? */
export function needsDecision(device: DeviceView): boolean {
  const { active, fingerprint, keyChanged, trust } = device;
  const isAlarming = keyChanged && trust !== 'distrusted';
  return active && fingerprint !== undefined && (isAlarming || trust === 'undecided');
}

/** Does the device speak only the newer version. */
export function isOmemo2Only({ versions }: DeviceView): boolean {
  return versions.length > 0 && versions.every((version) => version === 'urn:xmpp:omemo:2');
}

/** Does the device leave a choice of version. */
export function hasBothVersions({ versions }: DeviceView): boolean {
  return versions.length > 1;
}

const DAY_MS = 24 * 3600 * 1000;

/** A moment as people say it: today and yesterday by name, else the date. */
export function dayText(at: number, now: number, locale?: string): string {
  const startOf = (time: number): number => new Date(time).setHours(0, 0, 0, 0);
  const days = Math.round((startOf(now) - startOf(at)) / DAY_MS);
  if (days === 0) return 'today';
  if (days === 1) return 'yesterday';
  return new Date(at).toLocaleDateString(locale, {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  });
}

/** The state a site is in as a whole. */
export type SiteState = StreamState | 'impossible' | 'unprotected' | 'idle';

/** The most urgent state comes first: what is said about the site is said about its worst stream. */
const URGENCY: readonly StreamState[] = [
  'locked',
  'in-worker',
  'failed',
  'pending',
  'publishing',
  'connecting',
  'anonymous',
  'expecting',
  'passive',
  'ignored',
  'ready',
];

/** The one state the popup names. */
export function siteState(view: SiteView): SiteState {
  if (!view.protected) return view.protectable ? 'unprotected' : 'impossible';
  const states = view.streams.map(({ state }) => state);
  return URGENCY.find((state) => states.includes(state)) ?? 'idle';
}

interface Words {
  readonly title: string;
  readonly detail: string;
  readonly tone: 'good' | 'attention' | 'neutral';
}

/** What each state means, in words that hold. */
export const STATE_WORDS: Readonly<Record<SiteState, Words>> = {
  impossible: {
    title: 'Not available here',
    detail: 'Only sites over https, or on this computer, can be protected.',
    tone: 'neutral',
  },
  unprotected: {
    title: 'Not protected',
    detail: 'Nothing on this site is encrypted by Omnemo.',
    tone: 'neutral',
  },
  idle: {
    title: 'No chat connection',
    detail:
      'This site is protected, but none of its open pages is connected to a chat server. Where the server of a site chats in its place, as with Movim, nothing can be encrypted. A connection that a page opens in a worker is refused.',
    tone: 'neutral',
  },
  connecting: {
    title: 'Connecting',
    detail: 'A chat connection is open; its account is not known yet.',
    tone: 'neutral',
  },
  anonymous: {
    title: 'Anonymous login',
    detail:
      'This page is logged in without an account of its own, for which Omnemo makes no keys. Texts to single people are refused; rooms pass as they are.',
    tone: 'neutral',
  },
  pending: {
    title: 'Waiting for you',
    detail: 'An account was seen on this site. Messages are held back until you decide.',
    tone: 'attention',
  },
  ignored: {
    title: 'Left alone',
    detail:
      'You chose not to protect this account here. Its messages leave as the page writes them.',
    tone: 'neutral',
  },
  publishing: {
    title: 'Publishing keys',
    detail: 'The keys of this device are being put on the server.',
    tone: 'neutral',
  },
  ready: {
    title: 'Encrypting',
    detail: 'Texts of this account leave the browser encrypted, or not at all.',
    tone: 'good',
  },
  'in-worker': {
    title: 'A connection was refused',
    detail:
      'The page tried to open its XMPP connection in a worker, where Omnemo cannot encrypt. Look for a setting of the page that shares one connection among tabs.',
    tone: 'attention',
  },
  failed: {
    title: 'Keys not published',
    detail:
      'The keys of this device are not on the server as they should be. Contacts may not reach it, and until the keys were there once messages are refused. Reload the page to try again.',
    tone: 'attention',
  },
  locked: {
    title: 'Locked',
    detail:
      'Messages that arrive are kept until you unlock Omnemo, and none is sent. Every site the browser lets Omnemo into counts as protected.',
    tone: 'attention',
  },
  expecting: {
    title: 'Waiting for the page',
    detail:
      'The last time this page used OMEMO of its own. Omnemo leaves it alone until the page writes a text in clear, which is already treated as if the page had none.',
    tone: 'neutral',
  },
  passive: {
    title: 'The page encrypts itself',
    detail: 'This page uses OMEMO of its own, so Omnemo stays out of it.',
    tone: 'neutral',
  },
};

/** The accounts whose streams are in the state the popup names. */
export function accountsInState(view: SiteView): readonly string[] {
  const state = siteState(view);
  const jids = view.streams.flatMap((stream) =>
    stream.state === state && stream.jid !== undefined ? [stream.jid] : [],
  );
  return [...new Set(jids)];
}

const LEFT_ALONE: ReadonlySet<StreamState> = new Set(['expecting', 'passive']);

/** The accounts the user is asked about: not one whose messages leave by a page's own OMEMO, whatever the user says. */
export function accountsToAsk(view: SiteView): SiteView['pending'] {
  return view.pending.filter(({ jid, endpoint }) => {
    const streams = view.streams.filter((one) => one.jid === jid && one.endpoint === endpoint);
    return streams.length === 0 || streams.some(({ state }) => !LEFT_ALONE.has(state));
  });
}

/** The sentence below the state; what the user switched off is not called encrypted. */
export function stateDetail(view: SiteView): string {
  const state = siteState(view);
  const accounts = accountsInState(view);
  const hasPlainContact = view.accounts.some(
    ({ jid, contacts }) =>
      accounts.includes(jid) && contacts.some(({ encryption }) => encryption === 'off'),
  );
  if (state !== 'ready' || !hasPlainContact) return STATE_WORDS[state].detail;
  return 'Texts leave the browser encrypted, or not at all, except to contacts you switched encryption off for.';
}

/** What a site pays for a counting error of `since`; both in ms since 1970. */
export function withoutSmText(since: number, now: number): string {
  return (
    `A connection of this site ended over a wrong number of messages (${dayText(since, now)}). Since then Omnemo lets its ` +
    'pages count no more: after a break they log in anew instead of going on where they were. ' +
    'Stop protecting the site and protect it again to try it once more.'
  );
}

/** Names of the trust states. */
export const TRUST_WORDS: Readonly<Record<Trust, string>> = {
  undecided: 'Undecided',
  trusted: 'Trusted',
  verified: 'Verified',
  distrusted: 'Distrusted',
};

/** The policies in a sentence each. */
export const POLICY_WORDS: Readonly<Record<TrustPolicy, Omit<Words, 'tone'>>> = {
  blind: {
    title: 'Trust new devices until I verify one',
    detail:
      'New devices of a contact are trusted until you verify a first one; then you are asked.',
  },
  ask: {
    title: 'Ask me about every new device',
    detail: 'Messages wait until you have decided on every device of the contact.',
  },
  'verified-only': {
    title: 'Verified devices only',
    detail: 'Only devices whose fingerprint you have compared get your messages.',
  },
};

/** The sentence the whole product promises, the same everywhere (design §5). */
export const PROMISE =
  'Omnemo keeps your keys, your past and your trust decisions out of reach of the server and the web page. ' +
  "The text you read or type in the page is visible to the page's own code.";

/** What sealing at rest is worth while there is no passphrase (M68). */
export const WITHOUT_PASSPHRASE =
  'On disk all of it is sealed, and its key lies beside it: that hides it from a casual look, not from somebody who takes a copy ' +
  'of your browser profile.';

/** What it is worth with one. */
export const WITH_PASSPHRASE =
  'On disk all of it is sealed, and only your passphrase opens it: whoever takes a copy of your browser profile has to guess it. ' +
  'While Omnemo is unlocked its key is in the memory of the browser. What the web client itself keeps on disk is not covered.';

/** What the user must know before they set one. */
export const PASSPHRASE_ADVICE =
  'Every word more makes it harder to guess; five random words are good. Nobody can give it back to you: without it keys and past ' +
  'are lost. Copies of the profile that were made before stay as readable as they were.';

/** Shorter ones the vault refuses. */
const SHORTEST = 8;

/** Why a new passphrase written twice cannot be taken, or undefined. */
export function passphraseProblem(first: string, second: string): string | undefined {
  if (first.length < SHORTEST) return `It must have at least ${SHORTEST} characters.`;
  return first === second ? undefined : 'The two are not the same.';
}

/** Minutes without input, 0 for never. */
export const AUTO_LOCK_CHOICES: readonly number[] = [1, 5, 15, 60, 0];

/** One of them in words; the computer's own lock always counts. */
export function autoLockText(minutes: number): string {
  if (minutes === 0) return 'Only when the computer is locked or the browser closed';
  if (minutes === 60) return 'After an hour';
  return minutes === 1 ? 'After a minute' : `After ${minutes} minutes`;
}
