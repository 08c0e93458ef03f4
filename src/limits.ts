// How much is taken from others, kept of them and sent, and how long (design D19, M63), each number with its source. More than a limit is
// refused, not cut off; where the oldest goes instead it is said. How long something is waited for stands where it is waited for.

// What comes in.

/** M63: characters of a frame we are willing to rewrite. */
export const MAX_FRAME = 1024 * 1024;
/** M64: nested elements; an archive result with a nested publication needs fewer than 20. */
export const MAX_DEPTH = 32;
/** M63: `<key>` elements of one `<encrypted>`, all owners together. */
export const MAX_KEYS = 3000;
/** Of these, those for our own device: one, where ids do not collide. */
export const MAX_OWN_KEYS = 16;
/** A key of one device on the wire is below 300 bytes; anything near this is an attack. */
export const MAX_ENCRYPTED_KEY_LENGTH = 4096;
/** M63: bytes of a payload; its tag may come on top. */
export const MAX_PAYLOAD = 512 * 1024;
/** M63: characters of a bundle. */
export const MAX_BUNDLE = 64 * 1024;
/** M63: one-time prekeys of a bundle. */
export const MAX_PREKEYS = 200;
/** XEP-0384 §5.3 (0.9.1): code points of a device label. */
export const MAX_LABEL = 53;
/** XEP-0384 §4.1: ids go up to 2^31 − 1; 0 is never chosen, because libomemo.js takes it for "none". */
export const MAX_ID = 2 ** 31 - 1;
/** Ids of others: the wire type is uint32 in both versions (wire §4.2), and some count beyond 2^31 − 1. */
export const MAX_FOREIGN_ID = 2 ** 32 - 1;
/** RFC 7622 §3.1: characters of a full JID, in three parts of 1023. */
export const MAX_JID = 3071;
/** Characters of a text that is kept beside a ciphertext: names of files and the like have none of it. */
export const MAX_KEPT_TEXT = 255;
/** Characters of the reason for an opt-out that the popup shows; the rest is cut off. */
export const MAX_REASON = 500;

// What goes out.

/** I-10: servers end the stream for a stanza above it; Prosody 0.12 and ejabberd 23.01 take this many bytes from a client. */
export const MAX_STANZA_BYTES = 256 * 1024;
/** UTF-8 bytes of a text or envelope; with keys and base64 it must fit the stanza. */
export const MAX_TEXT_BYTES = 128 * 1024;
/** Requests of ours to the server that wait for an answer; more wait before they are sent. */
export const MAX_IN_FLIGHT = 8;

// What a page may ask of the vault.

/** Characters of an origin or of the host of an endpoint, whose names have at most 253. */
export const MAX_HOST = 300;
/** Characters of a text of the page. Behind the guard fewer are sent. */
export const MAX_ASKED_TEXT = 256 * 1024;
/** Ids of a list as it came; more than any real one has, and how many are used is decided behind the guard. */
export const MAX_LISTED = 10_000;
/** Characters of a label as it came. */
export const MAX_ASKED_LABEL = 200;
/** Characters of an id that a server chose for a stream or a page for a reason. */
export const MAX_FOREIGN_TEXT = 4096;
/** Characters of JIDs and ids that name a request. */
export const MAX_REQUEST_ID = 8192;
/** Characters that name what a page can do (I-50). */
export const MAX_CAPS_NAME = 1024;
/** Characters of such an answer. */
export const MAX_CAPS_ANSWER = 16 * 1024;
/** Bytes of a key as it came. */
export const MAX_ASKED_KEY = 16 * 1024;
/** M30: requests of one site that are worked on at once; pages ask one or two for each stream. */
export const REQUESTS_AT_ONCE = 16;
/** M30: requests of one site that wait beside these; more are refused. A stream shows its frames one by one and so asks for a few at once. */
export const MAX_WAITING_REQUESTS = 1000;
/**
 * M30: requests of one site that are answered as fast as the vault can; more come at the pace below. A message of history is one, and
 * archives send them in pages of at most some hundred (XEP-0313; Prosody 50, ejabberd 250).
 */
export const REQUEST_BURST = 1000;
/** M30: requests of one site a second, after these. One costs up to 2 ms of the worker, which leaves others the better part of it. */
export const REQUESTS_PER_SECOND = 300;

// What is kept of a person.

/** M63: devices of one JID. A longer list is refused, and what is known stays. */
export const MAX_DEVICES = 100;
/** Of one JID in all: those on its list, and as many that were. */
export const MAX_KNOWN_DEVICES = 2 * MAX_DEVICES;
/** M63: devices of a stranger that are on no list, the latest; of somebody known they are as many as of a list. */
export const MAX_STRANGER_DEVICES = 5;
/** M63: strangers of one account of whom anything is kept, the latest. */
export const MAX_STRANGERS = 500;
/** libsignal: archived sessions kept per device, the latest. */
export const MAX_ARCHIVED_SESSIONS = 40;
/**
 * Skipped keys of a session, the latest. XEP-0384 §4.3 (0.9.1) recommends about 1000; libsignal keeps 2000 per chain, of 5 chains.
 * Theirs is the wider.
 */
export const RATCHET_LIMITS = { ahead: 2000, perChain: 2000, chains: 5 } as const;
/** Skipped keys of all sessions with a JID in one version: as many as libsignal keeps of one. Each message of the JID reads and writes them. */
export const MAX_SKIPPED_KEYS = 10_000;
/** M63: those of a stranger. */
export const MAX_STRANGER_SKIPPED_KEYS = 2000;
/** I-52: without events a list is fetched again after this time. */
export const LIST_AGE_MS = 5 * 60 * 1000;
/** A list that was not there or could not be fetched is asked for again after this time. */
export const LIST_RETRY_MS = 15 * 1000;
/** A device without usable bundle is left out this long. */
export const NO_BUNDLE_MS = 60 * 1000;
/**
 * I-32: a device that goes on sending its key exchange after this time has not got our answer. Answers that cross are there within
 * seconds; without a limit a device that never takes one would have an answer to each of its messages.
 */
export const ANSWER_AGAIN_MS = 10 * 60 * 1000;
/** Design D13: a session is started anew by itself at most this often, per device. */
export const REPAIR_EVERY_MS = 24 * 3600 * 1000;

// What is kept of our own.

/** XEP-0384 §4.1 (0.9.1): a bundle should hold about 100 prekeys. */
export const ONE_TIME_PREKEYS = 100;
/**
 * How long the private half of a used one-time prekey is kept. Another device may have fetched the same bundle before the
 * prekey left it, or while we were offline; its first message would be lost. XEP-0384 §4.3 (0.9.1) keeps them until a
 * catch-up ends for this reason; an hour outlasts one. The price is that the first message under a prekey has forward
 * secrecy an hour later.
 */
export const SPENT_PREKEY_KEPT_MS = 3600 * 1000;
/** Used one-time prekeys kept at most; the oldest go first, so that a flood of key exchanges costs a bounded record. */
export const MAX_SPENT_PREKEYS = 200;
/** XEP-0384 §4.1 (0.9.1): rotate the signed prekey every week to every month; python-omemo does so every 7 days. */
export const SIGNED_PREKEY_AGE_MS = 7 * 24 * 3600 * 1000;
/** XEP-0384 §4.3 (0.9.1): answer when the first message of a ratchet key has this number or a higher one. */
export const HEARTBEAT_AT = 53;

// What is kept of texts.

/** M80: days that can be chosen; a hundred years are for ever. */
export const MAX_RETENTION_DAYS = 36_500;
/**
 * A text that is not to be kept answers this long: the tabs of an account get one message one after the other, and a worker may die
 * before its answer arrives.
 */
export const PASSING_MS = 10 * 60 * 1000;
/** How often texts that are no longer kept are looked for: a day more or less is nothing to a year. */
export const SWEEP_EVERY_MS = 24 * 3600 * 1000;
/** The same where texts are not to be kept at all. */
export const SWEEP_PASSING_EVERY_MS = 3600 * 1000;
/** Records of the archive that are read at once: enough to be quick, few enough to be held and to let others in between. */
export const ARCHIVE_BATCH = 200;
/** Bytes of the name of a record on disk: 16 for each part of its key. */
export const MAX_NAME = 256;

// What is in a backup (M85).

/** Bytes of a part of a backup before it is sealed, about. */
export const BACKUP_FRAME = 256 * 1024;
/** The same at most: the longest text of the archive in its longest form still fits. */
export const MAX_BACKUP_FRAME = 2 * 1024 * 1024;
/** Bytes of a file that cross the port at once; Chromium takes 64 MB. */
export const MAX_BACKUP_PIECE = 1024 * 1024;
/** Sites, accounts and people of a backup, which are held while it is read: twenty times as many as anybody was seen to have. */
export const MAX_BACKUP_HELD = 20_000;
/** Texts of a backup; forty times the archive that is measured. */
export const MAX_BACKUP_TEXTS = 4_000_000;
/** Characters of a text of the archive: a payload has no more bytes. */
export const MAX_BACKUP_TEXT = 512 * 1024;
/** Keys of a person: each of their devices may have had several. */
export const MAX_BACKUP_KEYS = 1000;
/** Devices of a person: those that are listed, and as many that are no more. */
export const MAX_BACKUP_DEVICES = 200;
/** Characters of a code as it is typed. */
export const MAX_TYPED_CODE = 200;
/**
 * M75: ids a restored device leaves out, so that none of its prekeys has one that the original gave away after the backup. Below 2^24,
 * where libsignal's own ids end, there is room for 160 restorations.
 */
export const RESTORED_PREKEY_GAP = 100_000;
/** M79: a backup older than this is called old. */
export const BACKUP_AGE_MS = 90 * 24 * 3600 * 1000;
/** M79: an account without any for this time is spoken of. */
export const NO_BACKUP_MS = 7 * 24 * 3600 * 1000;
/** M79: verifications that would be lost, from which on it is spoken of. */
export const BACKUP_VERIFICATIONS = 3;

// What is kept of a site and its streams.

/** Accounts kept per site before the user decides, the latest; a page can claim any number. */
export const MAX_SEEN_ACCOUNTS = 20;
/** I-123: a second conflict within this time is taken for a counting error. Two people's tabs that fight do so within minutes. */
export const CONFLICT_MS = 10 * 60 * 1000;
/** Web clients of a site, and versions of one, whose capabilities are kept, the latest. */
export const MAX_CAPS = 4;
/** Resends of a page come within minutes; a queue of an offline page may wait for days. */
export const REQUEST_KEPT_MS = 14 * 24 * 3600 * 1000;
/** A request whose worker died is asked again within seconds; a later one is a fetch of history. */
export const ASKED_AGAIN_MS = 60 * 1000;
/** Servers hold resumable streams for minutes. */
export const STREAM_KEPT_MS = 24 * 3600 * 1000;
/**
 * Unacknowledged events kept per direction. Beyond, the oldest go: the session can no longer be resumed (recordOf answers
 * undefined, its record must be deleted), and a number from before the rest repeats the last acknowledgement.
 */
export const MAX_EVENTS = 10_000;
/** Streams of one document whose observations are kept, the latest; reconnecting pages bind a new resource each time. */
export const MAX_REMEMBERED = 8;
/** Messages of the page that never left, kept per document, the latest. */
export const MAX_UNSENT = 200;
/** Contacts of a stream that are known to be some. */
export const MAX_CONTACTS = 10_000;
/** Queries to an archive that are open in a stream. */
export const MAX_QUERIES = 500;

// The passphrase, and what is kept while the vault is locked.

/** RFC 9106 §4 asks for the most that is bearable; this takes half a second in JavaScript on an ordinary computer. Memory in KiB. */
export const PASSPHRASE_ARGON2 = { memory: 32 * 1024, passes: 3, lanes: 1 } as const;
/** M68: a stored record that asks for less is refused (OWASP, Password Storage: 19 MiB, 2 passes). */
export const MIN_ARGON2 = { memory: 19 * 1024, passes: 2, lanes: 1 } as const;
/** One that asks for more would stop the browser. */
export const MAX_ARGON2 = { memory: 1024 * 1024, passes: 64, lanes: 16 } as const;
/** RFC 9106 §3.1 recommends 16 bytes of salt for passwords. */
export const PASSPHRASE_SALT_LENGTH = 16;
/** Characters of a new passphrase (NIST SP 800-63B §5.1.1.2: at least 8). */
export const MIN_PASSPHRASE = 8;
/** Characters of a passphrase as it is asked. */
export const MAX_PASSPHRASE = 1024;
/** Wrong passphrases in a row before the next has to wait, a second first and then twice as long each time. */
export const FREE_ATTEMPTS = 3;
/** The longest wait between two of them. */
export const MAX_ATTEMPT_DELAY_MS = 5 * 60 * 1000;
/** Minutes without input after which the vault locks itself, unless the user chose others. */
export const AUTO_LOCK_MINUTES = 15;
/** Stanzas that are kept for the time the vault is unlocked; more are shown as unreadable and come again from the server's archive. */
export const MAX_HELD = 2000;
/** Bytes of these. */
export const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** Characters of one; servers take no larger stanza. */
export const MAX_HELD_FRAME = 256 * 1024;
/** Of these, handed over at once. */
export const HELD_AT_ONCE = 50;
/** Characters of those that are handed over at once, unless a single one has more. */
export const HELD_CHARACTERS_AT_ONCE = 1024 * 1024;
/** Kept this long where no page asks for them. */
export const HELD_KEPT_MS = 90 * 24 * 3600 * 1000;
