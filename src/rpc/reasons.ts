// Why a message did not leave or could not be read: one stable code, one sentence. The page's error text and the popup
// show the same sentence, so that both are true together.

export const REASONS = {
  'no-devices': 'This contact has no OMEMO device, so nothing can be encrypted for them.',
  'devices-hidden':
    'The server does not show us the devices of this contact. Subscribe to each other and try again.',
  'lists-unavailable': 'The device list of this contact could not be fetched.',
  'bundles-unavailable': 'The keys of this contact could not be fetched or are not valid.',
  'undecided-keys': 'A key of this chat waits for your decision in the Omnemo popup.',
  'key-changed':
    'A known device of this contact suddenly has another key. Check it in the Omnemo popup.',
  'no-trusted-devices': 'No device of this contact is trusted under the policy of this site.',
  'no-own-devices': 'There is no other device of yours to send this note to.',
  'opted-out':
    'This contact asked to go on without encryption. Decide about it in the Omnemo popup.',
  'account-pending': 'This account waits for your confirmation in the Omnemo popup.',
  'account-unknown': 'The account of this stream is not known yet.',
  anonymous:
    'This is an anonymous login. It has no keys, so nothing can be encrypted, and nothing was sent.',
  'vault-unavailable': 'Omnemo did not answer in time. Nothing was sent.',
  'vault-busy':
    'This site asks more of Omnemo at once than one site may. Nothing was sent; try again in a moment.',
  locked: 'Omnemo is locked. Unlock it in its popup and send the message again.',
  'connection-lost':
    'The connection was lost before this message was sent. Nothing of it left; send it again.',
  'extension-gone': 'Omnemo was updated or switched off. Reload this page.',
  'not-published': 'The keys of this device are not on the server yet. Nothing was sent.',
  'content-unsupported': 'This kind of message has no encrypted form and was not sent.',
  'room-private': 'Private messages inside rooms cannot be encrypted yet and were not sent.',
  'too-large': 'The message is too large to be sent encrypted.',
  malformed: 'The message was not understood and was not sent.',
  'storage-failed': 'The browser could not store the state of the encryption. Nothing was sent.',
  'storage-damaged':
    'What Omnemo stored in this browser was damaged or changed and cannot be used. Nothing was sent.',
} as const;

/** Stable code of a refusal to send. */
export type RefusalCode = keyof typeof REASONS;

/** The one sentence for a refusal. */
export function explainRefusal(code: RefusalCode): string {
  return REASONS[code];
}

export const FAILURES = {
  'not-for-this-device': 'This message was not encrypted for this device.',
  'own-unknown':
    'You sent this message encrypted. Its text is not, or no longer, kept in this browser.',
  forgotten:
    'This message is older than what this browser keeps of this chat, and can no longer be read here.',
  'no-session': 'This message belongs to a session this device does not have.',
  'unknown-prekey': 'This message was encrypted with a key this device no longer has.',
  'key-changed':
    'This message was encrypted by a known device with a changed key. Check it in the Omnemo popup.',
  duplicate:
    'The key of this message was used before: by another one, or by this one, whose text is no longer stored.',
  'too-far': 'Too many messages before this one are missing.',
  'bad-mac': 'This message is damaged or forged and was not opened.',
  malformed: 'This encrypted message is malformed.',
  'wrong-chat': 'This message was encrypted for another chat.',
  'wrong-sender': 'This message was encrypted by someone else than it claims and was not opened.',
  'vault-unavailable': 'Omnemo did not answer in time. Reload the page to read this message.',
  'vault-busy':
    'This site asks more of Omnemo at once than one site may. Reload the page to read this message.',
  'storage-failed':
    'The browser could not store the state of the encryption. Reload the page to read this message.',
  'storage-damaged':
    'What Omnemo stored in this browser was damaged or changed, so this message cannot be read.',
  'account-pending': 'This account waits for your confirmation in the Omnemo popup.',
  locked: 'Omnemo is locked. Unlock it in its popup and load the page anew to read this message.',
} as const;

/** Stable code of an encrypted message that could not be shown. */
export type FailureCode = keyof typeof FAILURES;

/** The text shown in place of a message that could not be opened. */
export function explainFailure(code: FailureCode): string {
  return `[OMEMO] ${FAILURES[code]}`;
}

/** The text shown when the other side wants plain text from now on; `reason` in their words, may be empty. */
export function explainOptOut(reason: string): string {
  const sentence = '[OMEMO] This contact asks to go on without encryption.';
  return reason === '' ? sentence : `${sentence} They say: ${reason}`;
}
