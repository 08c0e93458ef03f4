// What is said of the health of the vault, in words that hold.
import type { HealthView } from '../rpc/popup-api';

/** What came back, and what did not. */
export const NOTICE_WORDS: Readonly<Record<NonNullable<HealthView['notice']>, string>> = {
  'restored-all':
    'The browser had lost what Omnemo stores. The keys of your accounts, your trust decisions and the settings of your sites are back ' +
    'from the second copy: contacts see the same device. Texts read before are not kept twice. Chats go on in new sessions; a message ' +
    'that was on its way to this browser may stay unreadable.',
  'restored-part':
    'Part of what Omnemo stores in this browser was damaged or gone. It is back from the second copy, or begins anew, as sessions ' +
    'with devices do; the rest was kept. A message that was on its way to this browser may stay unreadable.',
};

interface DiscardWords {
  readonly title: string;
  readonly detail: string;
  readonly button: string;
  readonly question: string;
}

/** What the user decides about what nothing makes up for. */
export const DISCARD_WORDS: Readonly<Record<'partly' | 'lost', DiscardWords>> = {
  lost: {
    title: 'What Omnemo stored cannot be opened',
    detail:
      'Something is there, but neither it nor its second copy opens. Until you decide, no new keys are made and no message of a ' +
      'protected site is sent. If you have a copy of the browser profile, put it back now.',
    button: 'Begin anew',
    question:
      'All keys, trust decisions, settings and texts are thrown away for good. Your accounts get new devices, whose fingerprints your ' +
      'contacts have to compare again, and you protect your sites anew.',
  },
  partly: {
    title: 'Some of it cannot be read',
    detail:
      'Records were damaged and are in no copy. What belongs to them is refused, and no new account gets keys, because those of an ' +
      'earlier one may be among them. Everything else works.',
    button: 'Give up what is damaged',
    question:
      'What cannot be read is thrown away for good. If keys of an account were among it, that account gets a new device; decisions about ' +
      'contacts that were among it are gone: compare their fingerprints again.',
  },
};

/** Of an account whose log-ins its server counted further than this browser. */
export const ROLLED_BACK =
  'This browser profile was put back to an earlier state, or there is another copy of it that logged in since. So that no key is used ' +
  'twice, all sessions of this account were given up and begin anew. Texts of the time between are not stored here. If you did not put ' +
  'a profile back, somebody else may have a copy of it.';
