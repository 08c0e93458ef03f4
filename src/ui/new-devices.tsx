// Devices that were added to the account since this one: theirs, or somebody else's who can log in (M32).
import type { DeviceView } from '../rpc/popup-api';
import { Fingerprint } from './fingerprint';
import { dayText, shownText } from './format';

/** Asks about the devices; nothing without any. */
export function NewDevices(props: {
  readonly devices: readonly DeviceView[];
  onAcknowledge(deviceIds: readonly number[]): void;
}) {
  const { devices } = props;
  if (devices.length === 0) return null;
  const isOne = devices.length === 1;
  return (
    <section class="card ask" data-testid="new-devices" role="status">
      <h3>{isOne ? 'A device was added' : `${devices.length} devices were added`}</h3>
      {devices.map(({ deviceId, label, firstSeen, fingerprint }) => (
        <div key={deviceId}>
          <p class="small">
            {label === undefined ? '' : `“${shownText(label)}” · `}
            Device {deviceId}, since {dayText(firstSeen, Date.now())}
          </p>
          {fingerprint !== undefined && (
            <Fingerprint fingerprint={fingerprint} testId="new-device-fingerprint" />
          )}
        </div>
      ))}
      <p class="small">
        Contacts who trust new devices encrypt for {isOne ? 'it' : 'them'} from now on. If{' '}
        {isOne ? 'it is' : 'one of them is'} not yours, somebody else can log in as you: change the
        password of the account and distrust the device below.
      </p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          data-testid="acknowledge-devices"
          onClick={() => props.onAcknowledge(devices.map(({ deviceId }) => deviceId))}
        >
          {isOne ? 'It is mine' : 'They are mine'}
        </button>
      </div>
    </section>
  );
}
