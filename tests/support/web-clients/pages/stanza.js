// A page on stanza over WebSocket: the library resumes; a new session fetches its history.
import { createClient } from 'stanza';
import { account, connection, failed, history, received, start } from './page.js';

const client = createClient({
  jid: account.jid,
  password: account.password,
  transports: { websocket: account.url, bosh: false },
  autoReconnect: true,
});
const bare = (jid) => jid.split('/')[0];

client.on('chat', (message) => {
  if (bare(message.from) !== account.contact) return;
  const id = message.stanzaIds?.find(({ by }) => by === account.jid)?.id;
  received(message.body, id);
});
client.on('message:error', ({ id, error }) => failed(id, error.text ?? 'failed'));

client.on('session:started', async () => {
  await client.getRoster();
  const { results } = await client.searchHistory({ with: account.contact });
  history(
    results.map(({ id, item: { message } }) => ({
      text: message.body,
      direction: bare(message.from) === account.jid ? 'sent' : 'received',
      id,
    })),
  );
  client.sendPresence();
  connection(true);
});
client.on('stream:management:resumed', () => connection(true));
client.on('disconnected', () => connection(false));

start({
  send: (text) => {
    const id = client.nextId();
    client.sendMessage({ id, to: account.contact, type: 'chat', body: text });
    return id;
  },
  logOut: () => void client.disconnect(),
});
client.connect();
