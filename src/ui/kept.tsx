// What is kept of texts, by account and chat, and for how long.
import { useEffect, useState } from 'preact/hooks';
import type { KeptAccount } from '../rpc/backup-api';
import type { Client } from '../rpc/port';
import type { ChatSize, PopupApi } from '../rpc/popup-api';
import { shownText } from './format';
import { sizeText } from './keeping';
import { RetentionChoice } from './retention';
import type { Store } from './store';

/** Counts the archive of an account part by part. Throws what the vault throws. */
export async function countArchive(
  client: Pick<Client<PopupApi>, 'request'>,
  { origin, jid }: Pick<KeptAccount, 'origin' | 'jid'>,
): Promise<readonly ChatSize[]> {
  const chats = new Map<string, ChatSize>();
  let after: Uint8Array | undefined;
  do {
    const place = { origin, jid, ...(after !== undefined && { after }) };
    const part = await client.request('archiveSize', place);
    for (const { peer, count, bytes } of part.chats) {
      const known = chats.get(peer) ?? { peer, count: 0, bytes: 0 };
      chats.set(peer, { peer, count: known.count + count, bytes: known.bytes + bytes });
    }
    after = part.after;
  } while (after !== undefined);
  return [...chats.values()].toSorted((a, b) => b.bytes - a.bytes);
}

function Sizes(props: {
  readonly client: Client<PopupApi>;
  readonly account: KeptAccount;
  /** Counted anew with each other number. */
  readonly turn: number;
}) {
  const { client, account, turn } = props;
  const [chats, setChats] = useState<readonly ChatSize[] | 'failed'>();
  useEffect(() => {
    let isWanted = true;
    countArchive(client, account).then(
      (counted) => isWanted && setChats(counted),
      () => isWanted && setChats('failed'),
    );
    return () => {
      isWanted = false;
    };
  }, [client, account.origin, account.jid, turn]);
  if (chats === undefined) return <p class="muted small">Counting…</p>;
  if (chats === 'failed') return <p class="alarm">The texts could not be counted.</p>;
  const total = chats.reduce(
    (sum, { count, bytes }) => ({ count: sum.count + count, bytes: sum.bytes + bytes }),
    { count: 0, bytes: 0 },
  );
  return (
    <>
      <p class="small" data-testid="kept-total">
        {sizeText(total.count, total.bytes)}
      </p>
      <ul class="devices">
        {chats.map(({ peer, count, bytes }) => (
          <li class="row small" key={peer} data-testid="kept-chat" data-jid={peer}>
            <span class="jid">{shownText(peer)}</span>
            <span class="muted">{sizeText(count, bytes)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The part of the panel about texts. */
export function Kept(props: {
  readonly client: Client<PopupApi>;
  readonly store: Store;
  readonly accounts: readonly KeptAccount[];
  readonly turn: number;
}) {
  const { client, store, accounts, turn } = props;
  const origins = [...new Set(accounts.map(({ origin }) => origin))];
  return (
    <section>
      <h2>Texts that are kept</h2>
      <p class="small">
        They answer a page when it fetches its history again, and are in your backups. Single chats
        can have a rule of their own: open the popup on their site.
      </p>
      {origins.map((origin) => {
        const here = accounts.filter((account) => account.origin === origin);
        const retention = here[0]?.retention ?? 'ever';
        return (
          <div class="card" key={origin} data-testid="kept-site">
            <h3 class="jid">{origin}</h3>
            {here.map((account) => (
              <div key={account.jid}>
                <p class="jid">{shownText(account.jid)}</p>
                <Sizes client={client} account={account} turn={turn} />
              </div>
            ))}
            <RetentionChoice store={store} origin={origin} own={retention} site={retention} />
          </div>
        );
      })}
    </section>
  );
}
