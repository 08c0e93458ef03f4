// What a backup would change: every identity, every trust in a key, every site and chat.
import type { RestoreReview } from '../rpc/backup-api';
import { byWeight, identityText, trustText } from './backup-words';
import { Fingerprint } from './fingerprint';
import { dayText, POLICY_WORDS, shownText } from './format';

function Identities({ identities }: Pick<RestoreReview, 'identities'>) {
  return (
    <>
      {identities.map((change) => (
        <div
          class={change.kind === 'replaced' ? 'card ask' : 'card'}
          key={`${change.origin} ${change.jid}`}
          data-testid="restore-identity"
          data-kind={change.kind}
        >
          <h3 class="jid">
            {shownText(change.jid)} on {change.origin}
          </h3>
          <Fingerprint fingerprint={change.fingerprint} testId="restore-fingerprint" />
          <p class="small">{identityText(change)}</p>
          {change.before !== undefined && (
            <>
              <p class="small">The fingerprint that goes:</p>
              <Fingerprint fingerprint={change.before} testId="restore-before" />
            </>
          )}
        </div>
      ))}
    </>
  );
}

function TrustChanges({ trust }: Pick<RestoreReview, 'trust'>) {
  if (trust.length === 0) return <p class="small">No trust in a key changes.</p>;
  return (
    <ul class="devices">
      {byWeight(trust).map((change) => (
        <li
          class="device small"
          key={`${change.origin} ${change.jid} ${change.peer} ${change.fingerprint}`}
          data-testid="restore-trust"
        >
          <span class="jid">{shownText(change.peer)}</span>
          <Fingerprint fingerprint={change.fingerprint} testId="restore-key" />
          <span class={change.isAlarm === true ? 'badge attention' : ''}>{trustText(change)}</span>
        </li>
      ))}
    </ul>
  );
}

/** Everything, in the order of its weight. */
export function Review(props: { readonly review: RestoreReview }) {
  const { createdAt, identities, trust, chats, sites, texts } = props.review;
  return (
    <div class="review" data-testid="restore-review">
      <p>
        A backup of {dayText(createdAt, Date.now())} with{' '}
        {texts === 1 ? '1 text' : `${texts} texts`}. This is what it would change:
      </p>
      <h3>Your devices</h3>
      <Identities identities={identities} />
      {chats.length > 0 && (
        <>
          <h3>Chats without encryption</h3>
          <ul class="devices">
            {chats.map(({ origin, jid, peer }) => (
              <li class="warning" key={`${origin} ${jid} ${peer}`} data-testid="restore-chat">
                What you write to <span class="jid">{shownText(peer)}</span> on {origin} leaves
                unencrypted, as it did when the backup was made.
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>Trust in keys</h3>
      <TrustChanges trust={trust} />
      <h3>Sites</h3>
      {sites.length === 0 && <p class="small">No setting of a site changes.</p>}
      <ul class="devices">
        {sites.map(({ origin, policy, granted }) => (
          <li class="device small" key={origin} data-testid="restore-site">
            <span class="jid">{origin}</span>: {POLICY_WORDS[policy].title}
            {granted.map(({ jid, endpoint }) => (
              <div class="muted" key={`${jid} ${endpoint}`}>
                <span class="jid">{shownText(jid)}</span> is protected at {shownText(endpoint)}
              </div>
            ))}
          </li>
        ))}
      </ul>
    </div>
  );
}
