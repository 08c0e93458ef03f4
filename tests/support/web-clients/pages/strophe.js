// A page on strophe.js over WebSocket: logs in anew after a lost connection, and fetches its history each time.
import { $iq, $msg, $pres, Strophe } from 'strophe.js';
import { account, connection, failed, history, received, start } from './page.js';

const MAM = 'urn:xmpp:mam:2';
const stream = new Strophe.Connection(account.url);
const bare = Strophe.getBareJidFromJid;
let isLoggedOut = false;
let fetched = [];

const textOf = (message) => message.getElementsByTagName('body')[0]?.textContent ?? '';

function onMessage(message) {
  const from = message.getAttribute('from') ?? '';
  const result = message.getElementsByTagNameNS(MAM, 'result')[0];
  if (result) {
    const inner = result.getElementsByTagName('message')[0];
    const isMine = bare(inner.getAttribute('from')) === account.jid;
    const direction = isMine ? 'sent' : 'received';
    fetched.push({ text: textOf(inner), direction, id: result.getAttribute('id') });
  } else if (message.getAttribute('type') === 'error') {
    failed(
      message.getAttribute('id'),
      message.querySelector('error text')?.textContent ?? 'failed',
    );
  } else if (bare(from) === account.contact) {
    const id = message.getElementsByTagNameNS('urn:xmpp:sid:0', 'stanza-id')[0];
    received(textOf(message), id?.getAttribute('id'));
  }
  return true;
}

function showHistory() {
  fetched = [];
  const asked = $iq({ type: 'set', id: stream.getUniqueId('mam') })
    .c('query', { xmlns: MAM })
    .c('x', { xmlns: 'jabber:x:data', type: 'submit' })
    .c('field', { var: 'FORM_TYPE', type: 'hidden' })
    .c('value', {}, MAM)
    .up()
    .c('field', { var: 'with' })
    .c('value', {}, account.contact);
  stream.sendIQ(asked, () => {
    history(fetched);
    stream.send($pres());
    connection(true);
  });
}

function logIn() {
  stream.reset();
  stream.connect(account.jid, account.password, (status) => {
    if (status === Strophe.Status.CONNECTED) {
      stream.addHandler(onMessage, null, 'message');
      stream.sendIQ($iq({ type: 'get' }).c('query', { xmlns: 'jabber:iq:roster' }));
      showHistory();
    } else if (status === Strophe.Status.DISCONNECTED) {
      connection(false);
      if (!isLoggedOut) setTimeout(logIn, 1000);
    }
  });
}

start({
  send: (text) => {
    const id = stream.getUniqueId('chat');
    stream.send($msg({ to: account.contact, type: 'chat', id }).c('body', {}, text));
    return id;
  },
  logOut: () => {
    isLoggedOut = true;
    stream.disconnect('logged out');
  },
});
logIn();
