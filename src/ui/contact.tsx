// One contact: what is wrong, the devices, and whether the chat is encrypted at all.
import { useState } from 'preact/hooks';
import type { BareJid } from '../jid';
import { explainRefusal } from '../rpc/reasons';
import type { ContactView, DeviceView, Retention } from '../rpc/popup-api';
import type { Trust } from '../rpc/vault-api';
import { Confirm } from './confirm';
import { Device } from './device';
import { Fold } from './fold';
import { hasBothVersions, needsDecision, shownText } from './format';
import { OptOutQuestion } from './opt-out';
import { RetentionChoice } from './retention';
import type { Store } from './store';

/** Where a decision belongs to. */
export interface Account {
  readonly store: Store;
  readonly origin: string;
  readonly jid: BareJid;
  /** Of chats without one of their own. */
  readonly retention: Retention;
}

/** The devices of one person, each with its decision. */
export function Devices(props: {
  readonly account: Account;
  readonly owner: BareJid;
  readonly devices: readonly DeviceView[];
}) {
  const { store, origin, jid } = props.account;
  const decide = (deviceId: number, trust: Trust, fingerprint: string): void => {
    void store.act('setTrust', { origin, jid, owner: props.owner, deviceId, fingerprint, trust });
  };
  const reset = (deviceId: number): void => {
    void store.act('resetSession', { origin, jid, owner: props.owner, deviceId });
  };
  const ordered = [...props.devices].sort((a, b) => Number(b.active) - Number(a.active));
  return (
    <ul class="devices">
      {ordered.map((device) => (
        <Device
          key={device.deviceId}
          device={device}
          onTrust={(trust, fingerprint) => decide(device.deviceId, trust, fingerprint)}
          onReset={() => reset(device.deviceId)}
        />
      ))}
    </ul>
  );
}

function summaryOf(contact: ContactView): string {
  if (contact.encryption === 'off') return 'not encrypted';
  if (contact.optOut !== undefined) return 'asks for plain text';
  const active = contact.devices.filter((device) => device.active);
  if (active.some((device) => device.keyChanged && needsDecision(device))) return 'key changed';
  if (active.some(needsDecision)) return 'waits for your decision';
  if (active.length === 0) return 'no known device';
  const verified = active.filter(({ trust }) => trust === 'verified').length;
  const count = active.length === 1 ? '1 device' : `${active.length} devices`;
  return verified === 0 ? count : `${count}, ${verified} verified`;
}

/** Shows a contact, unfolded when there is something to decide. */
export function Contact(props: { readonly account: Account; readonly contact: ContactView }) {
  const { account, contact } = props;
  const { store, origin, jid } = account;
  const [isAsking, setAsking] = useState(false);
  const isOff = contact.encryption === 'off';
  // The question says the same, and asks for the answer.
  const refusal = contact.optOut === undefined ? contact.refusal : undefined;
  const isUrgent =
    contact.devices.some(needsDecision) || refusal !== undefined || contact.optOut !== undefined;

  function setEncryption(encryption: 'on' | 'off'): void {
    setAsking(false);
    void store.act('setEncryption', { origin, jid, peer: contact.jid, encryption });
  }

  function setPreference(prefersOmemo2: boolean): void {
    void store.act('setPreference', { origin, jid, peer: contact.jid, prefersOmemo2 });
  }

  return (
    <Fold
      testId="contact"
      jid={contact.jid}
      isUrgent={isUrgent}
      summary={
        <>
          <span class="jid">{shownText(contact.jid)}</span>
          <span class={isOff || isUrgent ? 'badge attention' : 'badge'}>{summaryOf(contact)}</span>
        </>
      }
    >
      {refusal !== undefined && (
        <p class="alarm">
          The last message was not sent:{' '}
          <span data-testid="refusal" role="status">
            {explainRefusal(refusal.code)}
          </span>
        </p>
      )}
      {contact.optOut !== undefined && (
        <OptOutQuestion
          reason={contact.optOut.reason}
          onKeep={() => setEncryption('on')}
          onAgree={() => setAsking(true)}
        />
      )}
      {contact.plainCount > 0 && (
        <p class="warning">
          {contact.plainCount === 1
            ? 'One message arrived unencrypted in this encrypted chat.'
            : `${contact.plainCount} messages arrived unencrypted in this encrypted chat.`}
        </p>
      )}
      {contact.devices.length > 0 && (
        <Devices account={account} owner={contact.jid} devices={contact.devices} />
      )}
      <label class="switch">
        <input
          type="checkbox"
          data-testid="encryption-switch"
          checked={!isOff}
          onClick={(event) => {
            event.preventDefault(); // shown as the vault answers
            if (isOff) setEncryption('on');
            else setAsking(true);
          }}
        />
        Encrypt messages to this contact
      </label>
      {contact.devices.some(hasBothVersions) && (
        <label class="switch">
          <input
            type="checkbox"
            data-testid="prefer-omemo2"
            checked={contact.prefersOmemo2}
            onClick={(event) => {
              event.preventDefault(); // shown as the vault answers
              setPreference(!contact.prefersOmemo2);
            }}
          />
          Prefer OMEMO 2 for this contact
        </label>
      )}
      <RetentionChoice
        store={store}
        origin={origin}
        chat={{ jid, peer: contact.jid }}
        own={contact.retention ?? null}
        site={account.retention}
      />
      {isAsking && (
        <Confirm
          testId="confirm-plain"
          yes="Send unencrypted"
          isDangerous
          question={`Everything you write to ${shownText(contact.jid)} will be readable for the servers.`}
          onYes={() => setEncryption('off')}
          onNo={() => setAsking(false)}
        />
      )}
    </Fold>
  );
}
