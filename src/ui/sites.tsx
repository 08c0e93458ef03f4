// All protected sites, and the way out.
import { useState } from 'preact/hooks';
import { Confirm } from './confirm';
import type { Snapshot, Store } from './store';

/** Lists the protected sites; `current` is the one shown above. */
export function Sites(props: {
  readonly store: Store;
  readonly sites: Snapshot['sites'];
  readonly current: string | undefined;
}) {
  const { store, sites, current } = props;
  const [asking, setAsking] = useState<string>();
  return (
    <details data-testid="sites" class="contact">
      <summary>
        <span>Protected sites</span>
        <span class="badge">{sites.length}</span>
      </summary>
      {sites.length === 0 && <p class="muted">None yet.</p>}
      <ul class="devices">
        {sites.map(({ origin, protected: isProtected }) => (
          <li key={origin} class="device">
            <div class="row">
              <span class="jid">
                {origin}
                {origin === current && <span class="muted"> (this one)</span>}
                {!isProtected && (
                  <span class="muted"> – the browser’s permission was taken back</span>
                )}
              </span>
              <button
                type="button"
                data-testid="unprotect"
                aria-label={`Stop protecting ${origin}`}
                onClick={() => setAsking(origin)}
              >
                Stop
              </button>
            </div>
            {asking === origin && (
              <Confirm
                testId="confirm-unprotect"
                yes="Stop protecting"
                isDangerous
                question="Its pages are reloaded, and from then on messages leave as the page writes them. Where one is connected, this browser is taken off the device list of its account first, so that contacts do not go on encrypting for it. Keys and history stay in this browser."
                onYes={() => {
                  setAsking(undefined);
                  void store.act('unprotect', { origin });
                }}
                onNo={() => setAsking(undefined)}
              />
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
