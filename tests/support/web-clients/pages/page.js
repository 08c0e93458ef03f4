// What the pages on libraries have in common: a window with one chat, as an application on a library would draw it.

const query = new URLSearchParams(location.search);
const root = document.documentElement;
const list = document.querySelector('#messages');
const form = document.querySelector('form');

/** What a page needs to know to log in; `contact` is the other side of its one chat. */
export const account = {
  jid: query.get('jid'),
  password: query.get('password'),
  url: query.get('url'),
  contact: query.get('contact'),
};

document.querySelector('h1').textContent = account.contact;

/** Archive ids of what is shown: a text that waited offline comes from the archive as well. */
let shown = new Set();

function add({ text, direction, id, error }) {
  if (!text || (id && shown.has(id))) return;
  if (id) shown.add(id);
  const item = document.createElement('li');
  item.dataset.direction = direction;
  item.textContent = text;
  if (error) item.dataset.error = error;
  list.append(item);
  item.scrollIntoView();
}

/** Shows a text that just arrived. */
export function received(text, id) {
  add({ text, direction: 'received', id });
}

/** Shows everything the archive has, in place of what was shown. */
export function history(messages) {
  shown = new Set();
  list.replaceChildren();
  messages.forEach(add);
}

/** Marks the latest text the page sent under this id as not delivered. */
export function failed(id, error) {
  const item = [...list.children].findLast((each) => each.dataset.id === id);
  if (item) item.dataset.error = error;
}

/** Says whether there is a connection; without one nothing can be typed. */
export function connection(isThere) {
  root.dataset.connection = isThere ? 'connected' : 'disconnected';
  for (const field of form.elements) field.disabled = !isThere;
}

/** Wires the form to a client: `send(text)` answers the id of the message. */
export function start({ send, logOut }) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const field = form.elements.text;
    const text = field.value;
    field.value = '';
    add({ text, direction: 'sent' });
    list.lastChild.dataset.id = send(text);
  });
  document.querySelector('#log-out').addEventListener('click', logOut);
}
