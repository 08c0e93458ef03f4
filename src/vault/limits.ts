// Every number of the vault, with its source.

/** M63: devices of one JID. A longer list is refused, and what is known stays. */
export const MAX_DEVICES = 100;
/** M63: devices of a stranger that are on no list; of somebody known they are as many as of a list. */
export const MAX_STRANGER_DEVICES = 5;
/** M63: strangers of one account of whom anything is kept. */
export const MAX_STRANGERS = 500;
/** I-52: without events a list is fetched again after this time. */
export const LIST_AGE_MS = 5 * 60 * 1000;
/** A list that was not there or could not be fetched is asked for again after this time. */
export const LIST_RETRY_MS = 15 * 1000;
/** A device without usable bundle is left out this long. */
export const NO_BUNDLE_MS = 60 * 1000;
/** Design D13: a session is started anew by itself at most this often, per device. */
export const REPAIR_EVERY_MS = 24 * 3600 * 1000;
/** Web clients of a site, and versions of one, whose capabilities are kept. */
export const MAX_CAPS = 4;
/** Accounts kept per site before the user decides; a page can claim any number. */
export const MAX_SEEN_ACCOUNTS = 20;
/** Resends of a page come within minutes; a queue of an offline page may wait for days. */
export const REQUEST_KEPT_MS = 14 * 24 * 3600 * 1000;
/** A request whose worker died is asked again within seconds; a later one is a fetch of history. */
export const ASKED_AGAIN_MS = 60 * 1000;
/** Servers hold resumable streams for minutes. */
export const STREAM_KEPT_MS = 24 * 3600 * 1000;
/** Characters of one sentence of JIDs and ids in a key of the database. */
export const MAX_REQUEST_ID = 8192;
/** M30: requests of one site that are worked on at once; pages ask one or two for each stream. */
export const REQUESTS_AT_ONCE = 16;
/** M30: requests of one site that wait beside these; more are refused. */
export const MAX_WAITING_REQUESTS = 1000;
/** I-123: a second conflict within this time is taken for a counting error. Two people's tabs that fight do so within minutes. */
export const CONFLICT_MS = 10 * 60 * 1000;
