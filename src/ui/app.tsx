// The popup: the current site first, then its accounts, then everything else.
import { useEffect, useState } from 'preact/hooks';
import { Account } from './account';
import { REMINDERS } from './backup-words';
import { PROMISE, STATE_WORDS, WITH_PASSPHRASE, WITHOUT_PASSPHRASE } from './format';
import { Health } from './health';
import { Passphrase, Unlock } from './lock';
import { Policy, SeenAccounts, SiteStatus } from './site';
import { Sites } from './sites';
import type { Snapshot, Store } from './store';

function useSnapshot(store: Store): Snapshot {
  const [snapshot, setSnapshot] = useState(store.get());
  useEffect(() => {
    setSnapshot(store.get());
    return store.subscribe(() => setSnapshot(store.get()));
  }, [store]);
  return snapshot;
}

function Nowhere() {
  const { title, detail } = STATE_WORDS.impossible;
  return (
    <section class="status neutral">
      <div data-testid="site-state" data-state="impossible" role="status">
        <h1>{title}</h1>
        <p>{detail}</p>
      </div>
    </section>
  );
}

/** The whole popup. `onProtect` runs inside the click, because only then may the browser ask for a permission. */
export function App(props: {
  readonly store: Store;
  readonly origin: string | undefined;
  onProtect(): void;
  onPanel(): void;
}) {
  const { store, origin } = props;
  const { lock, health, view, sites, error } = useSnapshot(store);
  const reminder = view?.accounts.find((account) => account.reminder !== undefined)?.reminder;
  return (
    <>
      <header>
        <span class="brand">Omnemo</span>
        <span class="origin">{origin ?? ''}</span>
        {lock?.hasPassphrase === true && !lock.isLocked && (
          <button
            type="button"
            class="link"
            data-testid="lock-now"
            onClick={() => void store.act('lockNow', {})}
          >
            Lock now
          </button>
        )}
      </header>
      <main>
        {error !== undefined && (
          <p class="alarm" role="alert">
            {error}
          </p>
        )}
        {health !== undefined && <Health store={store} health={health} />}
        {lock?.isLocked === true && <Unlock store={store} lock={lock} />}
        {origin === undefined && lock?.isLocked === false && <Nowhere />}
        {view !== undefined && (
          <>
            <SiteStatus view={view} onProtect={() => props.onProtect()} />
            {view.protected && <SeenAccounts store={store} view={view} />}
            {view.protected &&
              view.accounts.map((account) => (
                <Account
                  key={account.jid}
                  store={store}
                  origin={view.origin}
                  account={account}
                  retention={view.retention}
                />
              ))}
            {view.protected && <Policy store={store} view={view} />}
          </>
        )}
        {lock?.isLocked === false && (
          <>
            <Passphrase store={store} lock={lock} />
            <Sites store={store} sites={sites} current={origin} />
          </>
        )}
      </main>
      <footer>
        {reminder !== undefined && <p data-testid="backup-reminder">{REMINDERS[reminder]}</p>}
        <p>
          <button type="button" class="link" data-testid="panel" onClick={() => props.onPanel()}>
            Backup and storage
          </button>
        </p>
        <p>{PROMISE}</p>
        {lock !== undefined && <p>{lock.hasPassphrase ? WITH_PASSPHRASE : WITHOUT_PASSPHRASE}</p>}
      </footer>
    </>
  );
}
