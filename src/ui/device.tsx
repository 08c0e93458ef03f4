// One device: its key, when it was seen, and the decision about it.
import { useState } from 'preact/hooks';
import type { DeviceView } from '../rpc/popup-api';
import type { Trust } from '../rpc/vault-api';
import { Confirm } from './confirm';
import { Fingerprint } from './fingerprint';
import { dayText, isOmemo2Only, shownText, TRUST_WORDS } from './format';

const TRUSTS: readonly Trust[] = ['undecided', 'trusted', 'verified', 'distrusted'];

function isTrust(value: string): value is Trust {
  return TRUSTS.some((trust) => trust === value);
}

/** A session can be started anew with a device that gets our messages. */
function canReset({ active, fingerprint, trust, keyChanged }: DeviceView): boolean {
  return active && fingerprint !== undefined && trust !== 'distrusted' && !keyChanged;
}

/** The way out when messages of a device cannot be read. */
function Reset(props: { readonly device: DeviceView; onReset(): void }) {
  const [isAsking, setAsking] = useState(false);
  if (props.device.resetting) {
    return (
      <p class="muted small" data-testid="resetting" role="status">
        A new session starts with the next message for which its keys can be had.
      </p>
    );
  }
  if (!isAsking) {
    return (
      <button
        type="button"
        class="link small"
        data-testid="reset-session"
        aria-label={`Start a new session with device ${props.device.deviceId}`}
        onClick={() => setAsking(true)}
      >
        Messages cannot be read?
      </button>
    );
  }
  return (
    <Confirm
      testId="confirm-reset"
      yes="Start a new session"
      question="Omnemo agrees on new message keys with this device and tells it so. Its fingerprint and your trust stay. Messages that could not be read stay unread: ask for them again."
      onYes={() => {
        setAsking(false);
        props.onReset();
      }}
      onNo={() => setAsking(false)}
    />
  );
}

/** Shows a device; `onTrust` is called with the fingerprint that was looked at. */
export function Device(props: {
  readonly device: DeviceView;
  onTrust(trust: Trust, fingerprint: string): void;
  onReset(): void;
}) {
  const { device, onTrust } = props;
  const { fingerprint } = device;
  // The key the user is comparing. It stays the same when the device shows up with another key meanwhile, so that the
  // confirmation can only ever be about the key that was looked at.
  const [compared, setCompared] = useState<string>();
  const now = Date.now();

  function choose(value: string): void {
    if (fingerprint === undefined || !isTrust(value)) return;
    if (value === 'verified') return setCompared(fingerprint);
    setCompared(undefined);
    onTrust(value, fingerprint);
  }

  return (
    <li
      class={device.active ? 'device' : 'device inactive'}
      data-testid="device"
      data-device-id={device.deviceId}
    >
      {device.keyChanged && (
        <p class="alarm" role="alert">
          {device.trust === 'distrusted'
            ? 'This device showed the key below, which you distrust. Messages go on to its former key.'
            : 'This device suddenly has another key. Below is the new one: compare it before you trust it.'}
        </p>
      )}
      {fingerprint === undefined ? (
        <p class="muted">No key of this device has been seen yet.</p>
      ) : (
        <Fingerprint fingerprint={fingerprint} testId="device-fingerprint" />
      )}
      <div class="row">
        <span class="muted small">
          {device.label === undefined ? '' : `“${shownText(device.label)}” · `}
          Device {device.deviceId}
          {isOmemo2Only(device) ? ' · OMEMO 2' : ''}
          {device.active ? '' : ' · no longer used'}
          <br />
          first seen {dayText(device.firstSeen, now)}, last seen {dayText(device.lastSeen, now)}
        </span>
        {fingerprint !== undefined && (
          <select
            class={`trust ${device.trust}`}
            data-testid="device-trust"
            aria-label={`Trust in device ${device.deviceId}`}
            value={device.trust}
            onChange={(event) => {
              choose(event.currentTarget.value);
              event.currentTarget.value = device.trust; // the vault's answer decides what is shown
            }}
          >
            {TRUSTS.map((trust) => (
              <option key={trust} value={trust}>
                {TRUST_WORDS[trust]}
              </option>
            ))}
          </select>
        )}
      </div>
      {canReset(device) && <Reset device={device} onReset={() => props.onReset()} />}
      {compared !== undefined && (
        <Confirm
          testId="confirm-verify"
          yes="I compared it over another way"
          question={
            <>
              Compare all eight groups with the other device, in a call or face to face, never in
              this chat:
              <Fingerprint fingerprint={compared} testId="compared-fingerprint" />
              {compared === fingerprint
                ? 'Once one device is verified, new ones are no longer trusted by themselves.'
                : 'The device has another key by now. Cancel and look again.'}
            </>
          }
          onYes={() => {
            setCompared(undefined);
            onTrust('verified', compared);
          }}
          onNo={() => setCompared(undefined)}
        />
      )}
    </li>
  );
}
