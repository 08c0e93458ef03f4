// One account on this site: our own device, its other devices, and the people it talks to.
import type { AccountView, Retention } from '../rpc/popup-api';
import { Contact, Devices } from './contact';
import { Fingerprint } from './fingerprint';
import { Fold } from './fold';
import { needsDecision, shownText } from './format';
import { NewDevices } from './new-devices';
import { ROLLED_BACK } from './health-words';
import type { Store } from './store';

/** Shows an account. */
export function Account(props: {
  readonly store: Store;
  readonly origin: string;
  readonly account: AccountView;
  /** Of chats without one of their own. */
  readonly retention: Retention;
}) {
  const { store, origin, account, retention } = props;
  const scope = { store, origin, jid: account.jid, retention };
  return (
    <section aria-label={shownText(account.jid)}>
      <h2 class="jid">{shownText(account.jid)}</h2>
      <p class="muted small">
        {account.endpoints.length === 0
          ? ''
          : `over ${account.endpoints.map(shownText).join(', ')} · `}
        {account.published ? 'keys are on the server' : 'keys are not on the server yet'}
      </p>
      {account.rolledBackAt !== undefined && (
        <div class="card ask" data-testid="rolled-back" role="status">
          <p class="small">{ROLLED_BACK}</p>
          <div class="buttons">
            <button
              type="button"
              data-testid="acknowledge-rollback"
              onClick={() => void store.act('acknowledgeRollback', { origin, jid: account.jid })}
            >
              I have read this
            </button>
          </div>
        </div>
      )}
      <div class="card">
        <h3>This device</h3>
        <Fingerprint fingerprint={account.fingerprint} testId="own-fingerprint" />
        <p class="muted small">
          Device <span data-testid="own-device-id">{account.deviceId}</span>. Contacts compare this
          fingerprint to verify you.
        </p>
      </div>
      <NewDevices
        devices={account.ownDevices.filter(({ isNew }) => isNew)}
        onAcknowledge={(deviceIds) =>
          void store.act('acknowledgeDevices', { origin, jid: account.jid, deviceIds })
        }
      />
      {account.ownDevices.length > 0 && (
        <Fold
          isUrgent={account.ownDevices.some((device) => device.isNew || needsDecision(device))}
          summary={
            <>
              <span>Your other devices</span>
              <span class="badge">{account.ownDevices.length}</span>
            </>
          }
        >
          <Devices account={scope} owner={account.jid} devices={account.ownDevices} />
        </Fold>
      )}
      <h3>Contacts</h3>
      {account.contacts.length === 0 && (
        <p class="muted">Contacts appear here once you write to each other.</p>
      )}
      {account.contacts.map((contact) => (
        <Contact key={contact.jid} account={scope} contact={contact} />
      ))}
    </section>
  );
}
