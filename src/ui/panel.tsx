// A page of our own for what a popup cannot do: it closes when a file is chosen. Backups, restoring them, and what is kept of texts.
import { useEffect, useState } from 'preact/hooks';
import type { KeptAccount } from '../rpc/backup-api';
import type { Client } from '../rpc/port';
import type { PopupApi } from '../rpc/popup-api';
import { PROMISE, WITH_PASSPHRASE, WITHOUT_PASSPHRASE } from './format';
import { Kept } from './kept';
import { MakeBackup } from './make-backup';
import { RestoreBackup } from './restore-backup';
import { sentenceFor, type Store } from './store';

interface Loaded {
  readonly accounts: readonly KeptAccount[];
  readonly error?: string;
  readonly turn: number;
}

function useAccounts(client: Client<PopupApi>): Loaded {
  const [loaded, setLoaded] = useState<Loaded>({ accounts: [], turn: 0 });
  useEffect(() => {
    const load = (): void => {
      client.request('accounts', {}).then(
        (accounts) => setLoaded(({ turn }) => ({ accounts, turn: turn + 1 })),
        (error: unknown) =>
          // A vault that was locked meanwhile shows nothing any more.
          setLoaded(({ turn }) => ({ accounts: [], error: sentenceFor(error), turn: turn + 1 })),
      );
    };
    load();
    return client.onEvent(load);
  }, [client]);
  return loaded;
}

/** The whole panel. */
export function Panel(props: { readonly client: Client<PopupApi>; readonly store: Store }) {
  const { client, store } = props;
  const { accounts, error, turn } = useAccounts(client);
  const [{ error: failure, lock }, setSnapshot] = useState(store.get());
  useEffect(() => {
    setSnapshot(store.get());
    return store.subscribe(() => setSnapshot(store.get()));
  }, [store]);
  const shown = error ?? failure;
  return (
    <>
      <header>
        <span class="brand">Omnemo</span>
        <span class="origin">Backup and storage</span>
      </header>
      <main>
        {shown !== undefined && (
          <p class="alarm" role="alert">
            {shown}
          </p>
        )}
        <MakeBackup client={client} accounts={accounts} />
        <RestoreBackup client={client} />
        {accounts.length > 0 && (
          <Kept client={client} store={store} accounts={accounts} turn={turn} />
        )}
      </main>
      <footer>
        <p>{PROMISE}</p>
        {lock !== undefined && <p>{lock.hasPassphrase ? WITH_PASSPHRASE : WITHOUT_PASSPHRASE}</p>}
      </footer>
    </>
  );
}
