// Guards for every request a content script may make (M4, M63).
import {
  MAX_ASKED_KEY,
  MAX_ASKED_LABEL,
  MAX_ASKED_TEXT,
  MAX_CAPS_ANSWER,
  MAX_CAPS_NAME,
  MAX_EVENTS,
  MAX_FOREIGN_ID,
  MAX_FOREIGN_TEXT,
  MAX_HELD,
  MAX_HELD_FRAME,
  MAX_HOST,
  MAX_JID,
  MAX_LISTED,
  MAX_OWN_KEYS,
  MAX_PAYLOAD,
  MAX_PREKEYS,
  MAX_REQUEST_ID,
} from '../limits';
import type { PublishedBundle } from '../omemo/types';
import {
  bool,
  bytes,
  integer,
  jid,
  list,
  nothing,
  oneOf,
  record,
  text,
  type Guard,
} from './guards';
import { REASONS, type RefusalCode } from './reasons';
import type {
  ContentApi,
  DecryptRequest,
  DeviceLabel,
  Fetched,
  SmEvent,
  WireKey,
} from './vault-api';

const ENDPOINT = text(MAX_HOST);
const DEVICE_ID = integer(0, MAX_FOREIGN_ID);
const TIME = integer(0, Number.MAX_SAFE_INTEGER);
const STREAM = integer(0, Number.MAX_SAFE_INTEGER);
const VERSION = oneOf('eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:2');
const TEXT = text(MAX_ASKED_TEXT);
const ENVELOPE = text(MAX_ASKED_TEXT);
const PAYLOAD = bytes(0, MAX_PAYLOAD + 16);

const refusalCodes = Object.keys(REASONS) as RefusalCode[]; // its own keys
const REFUSAL: Guard<RefusalCode> = oneOf(...refusalCodes);

const key: Guard<WireKey> = record(
  { deviceId: DEVICE_ID, bytes: bytes(0, MAX_ASKED_KEY), isKeyExchange: bool },
  { jid },
);

const bundle: Guard<PublishedBundle> = record(
  {
    signedPrekey: record({
      id: integer(0, MAX_FOREIGN_ID),
      publicKey: bytes(32, 32),
      signature: bytes(64, 64),
    }),
    oneTimePrekeys: list(
      record({ id: integer(0, MAX_FOREIGN_ID), publicKey: bytes(32, 32) }),
      MAX_PREKEYS,
    ),
  },
  { identityKey: bytes(32, 32), identityKeyEd: bytes(32, 32) },
);

const label: Guard<DeviceLabel> = record({
  deviceId: DEVICE_ID,
  label: text(MAX_ASKED_LABEL),
  signature: bytes(64, 64),
});

function fetched<T>(value: Guard<T>): Guard<Fetched<T>> {
  const kindOf = record({ kind: oneOf('present', 'absent', 'hidden', 'failed') });
  const valueOf = record({ value });
  return (input) => {
    const { kind } = kindOf(input);
    return kind === 'present' ? { kind, value: valueOf(input).value } : { kind };
  };
}

const smEvent: Guard<SmEvent> = record({
  kind: oneOf('o', 'd', 's', 'y'),
  page: integer(0, Number.MAX_SAFE_INTEGER),
  wire: integer(0, Number.MAX_SAFE_INTEGER),
});

const decryptRequest: Guard<DecryptRequest> = record(
  {
    peer: jid,
    sender: jid,
    version: VERSION,
    senderDeviceId: DEVICE_ID,
    keys: list(key, MAX_OWN_KEYS),
    isContact: bool,
  },
  { iv: bytes(0, 64), payload: PAYLOAD, at: integer(0, Number.MAX_SAFE_INTEGER) },
);

const SM_ID = text(MAX_FOREIGN_TEXT);
const REQUEST_ID = text(MAX_REQUEST_ID);

/** One guard per request of `ContentApi`. */
export const CONTENT_GUARDS: {
  readonly [N in keyof ContentApi]: Guard<ContentApi[N]['arg']>;
} = {
  hello: nothing,
  attach: record({ stream: STREAM, jid, endpoint: ENDPOINT }, { writesInClear: bool }),
  report: record(
    {
      stream: STREAM,
      endpoint: ENDPOINT,
      state: oneOf(
        'connecting',
        'anonymous',
        'pending',
        'ignored',
        'publishing',
        'ready',
        'locked',
        'failed',
        'expecting',
        'in-worker',
        'passive',
        'gone',
      ),
    },
    { jid },
  ),
  capsKnown: record({ jid }),
  capsSeen: record({ jid, key: text(MAX_CAPS_NAME), query: text(MAX_CAPS_ANSWER) }),
  ownBundle: record({ jid, version: VERSION }),
  claimDeviceId: record({ jid, listed: list(DEVICE_ID, MAX_LISTED) }),
  epochNode: record({ jid }),
  countLogin: record({ jid, found: fetched(bytes(0, MAX_ASKED_KEY)) }),
  published: record({ jid, deviceId: DEVICE_ID }),
  listSeen: record(
    { jid, owner: jid, version: VERSION, list: fetched(list(DEVICE_ID, MAX_LISTED)) },
    { labels: list(label, MAX_LISTED) },
  ),
  optedOut: record({
    jid,
    peer: jid,
    reason: text(MAX_FOREIGN_TEXT),
    at: integer(0, Number.MAX_SAFE_INTEGER),
  }),
  bundleSeen: record({
    jid,
    owner: jid,
    deviceId: DEVICE_ID,
    version: VERSION,
    bundle: fetched(bundle),
  }),
  prepare: record({ jid, peer: jid }),
  encrypt: record({ jid, peer: jid, requestId: REQUEST_ID, text: TEXT, envelope: ENVELOPE }),
  encryptEmpty: record({
    jid,
    peer: jid,
    deviceId: DEVICE_ID,
    version: VERSION,
    requestId: REQUEST_ID,
  }),
  decrypt: record({ jid, request: decryptRequest }),
  hold: record({ jid, frame: text(MAX_HELD_FRAME), at: TIME }),
  held: record({ jid }),
  heldShown: record({ jid, ids: list(text(64), MAX_HELD) }),
  chores: record({ jid }),
  refused: record({ code: REFUSAL }, { jid, peer: jid }),
  plainSeen: record({ jid, peer: jid }, { at: integer(0, Number.MAX_SAFE_INTEGER) }),
  smLoad: record({ id: SM_ID }),
  smSave: record({
    id: SM_ID,
    record: record(
      { jid: text(MAX_JID), out: list(smEvent, 2 * MAX_EVENTS), in: list(smEvent, 2 * MAX_EVENTS) },
      { ids: text(64) },
    ),
  }),
  smDrop: record({ id: SM_ID }),
  smOff: nothing,
  smMiscounted: record({ kind: oneOf('count', 'conflict') }),
};
