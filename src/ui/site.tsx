// The current site: what is going on, what waits for a decision, and its policy.
import { explainRefusal } from '../rpc/reasons';
import type { SiteView } from '../rpc/popup-api';
import type { TrustPolicy } from '../rpc/vault-api';
import {
  accountsInState,
  accountsToAsk,
  POLICY_WORDS,
  shownText,
  siteState,
  STATE_WORDS,
  stateDetail,
  withoutSmText,
} from './format';
import { RetentionChoice } from './retention';
import type { Store } from './store';

/** The state of the site in words, and the way to protect it. */
export function SiteStatus(props: { readonly view: SiteView; onProtect(): void }) {
  const { view } = props;
  const state = siteState(view);
  const { title, tone } = STATE_WORDS[state];
  const accounts = accountsInState(view);
  return (
    <section class={`status ${tone}`}>
      <div data-testid="site-state" data-state={state} role="status">
        <h1>{title}</h1>
        {state !== 'pending' && accounts.length > 0 && (
          <p class="jid">{accounts.map(shownText).join(', ')}</p>
        )}
        <p>{stateDetail(view)}</p>
      </div>
      {state === 'unprotected' && (
        <button
          type="button"
          class="primary wide"
          data-testid="protect"
          onClick={() => props.onProtect()}
        >
          Protect this site
        </button>
      )}
      {view.refusal !== undefined && (
        <p class="alarm">
          A message was not sent:{' '}
          <span data-testid="refusal" role="status">
            {explainRefusal(view.refusal.code)}
          </span>
        </p>
      )}
      {view.withoutSmSince !== undefined && (
        <p class="muted small" data-testid="without-sm">
          {withoutSmText(view.withoutSmSince, Date.now())}
        </p>
      )}
    </section>
  );
}

/** Accounts seen on the site that the user has not decided about, or left alone. */
export function SeenAccounts(props: { readonly store: Store; readonly view: SiteView }) {
  const { store, view } = props;
  const { origin } = view;
  return (
    <>
      {accountsToAsk(view).map(({ jid, endpoint }) => (
        <section class="card ask" key={`${jid} ${endpoint}`}>
          <h3>Protect this account here?</h3>
          <p class="jid">{shownText(jid)}</p>
          <p class="muted small">seen at {shownText(endpoint)}</p>
          <p class="small">
            Omnemo makes keys for it in this browser and publishes them on its server. Until you
            decide, its messages are not sent.
          </p>
          <div class="buttons">
            <button
              type="button"
              class="primary"
              data-testid="pending-grant"
              onClick={() =>
                void store.act('decideAccount', { origin, jid, endpoint, decision: 'grant' })
              }
            >
              Protect
            </button>
            <button
              type="button"
              data-testid="pending-ignore"
              onClick={() =>
                void store.act('decideAccount', { origin, jid, endpoint, decision: 'ignore' })
              }
            >
              Not here
            </button>
          </div>
        </section>
      ))}
      {view.ignored.map(({ jid, endpoint }) => (
        <p class="row small" key={`${jid} ${endpoint}`}>
          <span>
            <span class="jid">{shownText(jid)}</span>{' '}
            <span class="muted">is not protected here</span>
          </span>
          <button
            type="button"
            onClick={() =>
              void store.act('decideAccount', { origin, jid, endpoint, decision: 'grant' })
            }
          >
            Protect
          </button>
        </p>
      ))}
    </>
  );
}

const POLICIES: readonly TrustPolicy[] = ['blind', 'ask', 'verified-only'];

/** The trust policy of the site, and how long its texts are kept. */
export function Policy(props: { readonly store: Store; readonly view: SiteView }) {
  const { store, view } = props;
  return (
    <section>
      <h3>
        <label for="policy">New devices of contacts</label>
      </h3>
      <select
        id="policy"
        class="wide"
        data-testid="policy"
        value={view.policy}
        onChange={({ currentTarget }) => {
          const policy = POLICIES.find((candidate) => candidate === currentTarget.value);
          currentTarget.value = view.policy; // the vault's answer decides what is shown
          if (policy !== undefined) void store.act('setPolicy', { origin: view.origin, policy });
        }}
      >
        {POLICIES.map((policy) => (
          <option key={policy} value={policy}>
            {POLICY_WORDS[policy].title}
          </option>
        ))}
      </select>
      <p class="muted small">{POLICY_WORDS[view.policy].detail}</p>
      <h3>What you read and wrote</h3>
      <RetentionChoice
        store={store}
        origin={view.origin}
        own={view.retention}
        site={view.retention}
      />
    </section>
  );
}
