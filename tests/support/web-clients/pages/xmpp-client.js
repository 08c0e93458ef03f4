// A page on @xmpp/client over WebSocket: the library resumes; a new session fetches its history.
import { client, jid, xml } from '@xmpp/client';
import { account, connection, failed, history, received, start } from './page.js';

const MAM = 'urn:xmpp:mam:2';
const { local: username, domain } = jid(account.jid);
const xmpp = client({ service: account.url, domain, username, password: account.password });
const isFrom = (stanza, bare) =>
  jid(stanza.attrs.from ?? '')
    .bare()
    .toString() === bare;
let fetched = [];
let count = 0;

xmpp.on('stanza', (stanza) => {
  if (!stanza.is('message')) return;
  const result = stanza.getChild('result', MAM);
  if (result) {
    const inner = result.getChild('forwarded', 'urn:xmpp:forward:0').getChild('message');
    const direction = isFrom(inner, account.jid) ? 'sent' : 'received';
    fetched.push({ text: inner.getChildText('body'), direction, id: result.attrs.id });
  } else if (stanza.attrs.type === 'error') {
    failed(stanza.attrs.id, stanza.getChild('error')?.getChildText('text') ?? 'failed');
  } else if (isFrom(stanza, account.contact)) {
    received(stanza.getChildText('body'), stanza.getChild('stanza-id', 'urn:xmpp:sid:0')?.attrs.id);
  }
});

xmpp.on('online', async () => {
  fetched = [];
  await xmpp.iqCaller.get(xml('query', { xmlns: 'jabber:iq:roster' }));
  const field = (name, value) => xml('field', { var: name }, xml('value', {}, value));
  const form = xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, field('FORM_TYPE', MAM));
  form.append(field('with', account.contact));
  await xmpp.iqCaller.set(xml('query', { xmlns: MAM }, form));
  history(fetched);
  await xmpp.send(xml('presence'));
  connection(true);
});
xmpp.streamManagement.on('resumed', () => connection(true));
xmpp.on('disconnect', () => connection(false));
xmpp.on('offline', () => connection(false));
// Refused connections while the network is away; the library tries again.
xmpp.on('error', () => undefined);

start({
  send: (text) => {
    const id = `chat-${Date.now()}-${++count}`;
    const attributes = { to: account.contact, type: 'chat', id };
    void xmpp.send(xml('message', attributes, xml('body', {}, text)));
    return id;
  },
  logOut: () => void xmpp.stop(),
});
void xmpp.start();
