// Converse as it comes from npm with its own OMEMO (libomemo.js), in a browser without the extension.
import { startChromium, type TestBrowser } from '../support/chromium';
import type { Converse } from '../support/converse';
import type { TestServer } from '../support/server';
import { startSite, type Site } from '../support/site';
import { encryptedMessages } from '../support/stanzas';
import { until } from '../support/wait';
import { fingerprintsIn, openConverse, ownFingerprintIn } from './converse-page';
import type { Peer, PeerMessage } from './peer';

const RECEIVE_MS = 40_000;
const WAIT = { timeout: 20_000 };
const LISTS = ['eu.siacs.conversations.axolotl.devicelist', 'urn:xmpp:omemo:2:devices'];
/**
 * Shown for a message without text that is for another device of the account, which gets to all of them: by it a session is
 * begun or answered. A text has a body for those who cannot read it, which would be shown instead of the first words.
 */
const FOR_ANOTHER_DEVICE = /^Undecryptable OMEMO message.*it was not encrypted for this device/s;

function chatWith(jid: string): string {
  return `converse-chat[jid="${jid}"]`;
}

/**
 * Starts Converse for an account of the server; ends when its device is published.
 * @param isSilent writes nothing by itself: to open a chat is else to say so, encrypted.
 */
export async function startConversePeer(
  server: TestServer,
  account: { name: string; password: string },
  isSilent = false,
): Promise<Peer> {
  const jid = server.jid(account.name);
  const messages: PeerMessage[] = [];
  const failures = new Set<string>();
  const complaints: string[] = [];
  let site: Site | undefined;
  let browser: TestBrowser | undefined;
  let converse: Converse | undefined;
  let fingerprint = '';
  /** The archive has older messages, too, which a new device cannot open: they are not for it. */
  let madeAt = 0;

  const running = (): Converse => {
    if (converse === undefined) throw new Error('converse is offline');
    return converse;
  };
  const stop = async () => {
    converse = undefined;
    await browser?.close();
    await site?.stop();
  };
  const goOnline = async () => {
    if (site === undefined || browser === undefined) throw new Error('converse has ended');
    const url = site.converseUrl({
      jid,
      password: account.password,
      url: server.websocketUrl,
      omemo: isSilent ? 'silent' : 'on',
    });
    converse = await openConverse({
      browser,
      url,
      onShown: (shown) => {
        messages.splice(0, messages.length, ...shown.messages);
        for (const { text, sentAt } of shown.errors) {
          const isOlder = sentAt !== undefined && Date.parse(sentAt) < madeAt;
          if (!isOlder && !FOR_ANOTHER_DEVICE.test(text)) failures.add(text);
        }
      },
      onComplaint: (text) => complaints.push(text),
    });
  };
  try {
    site = await startSite();
    browser = await startChromium();
    madeAt = Date.now();
    const mark = server.wire.mark();
    await goOnline();
    for (const node of LISTS)
      await server.wire.wait(
        `converse to publish ${node}`,
        ({ dir, jid: by, xml }) =>
          dir === 'in' && by.startsWith(`${jid}/`) && xml.includes(`<publish node='${node}'`),
        { from: mark },
      );
    fingerprint = await ownFingerprintIn(running().page, jid);
  } catch (error) {
    await stop();
    throw error;
  }

  const openChat = async (contact: string) => {
    await running().openChat(contact);
    // Until it has the devices of the contact it would send in clear.
    await running().page.waitForSelector(`${chatWith(contact)} .toggle-omemo .fa-lock`, WAIT);
  };
  /**
   * Opens the chat as one who is written to does: not before there is something to read. Else Converse fetches from the
   * archive what it is still working on, and the copy, which no longer opens, can take the place of the text.
   */
  const openWritten = async (contact: string) => {
    const unread = `.open-chat.unread-msgs[data-jid="${contact}"]`;
    await running().page.waitForSelector(`${chatWith(contact)} textarea, ${unread}`, WAIT);
    await openChat(contact);
  };
  return {
    jid,
    fingerprint,
    messages,
    get failures() {
      return [...failures];
    },
    send: async (to, text) => {
      await openChat(to);
      const mark = server.wire.mark();
      await running().send(text);
      const isSent = () =>
        encryptedMessages(server.wire.records(mark)).some(
          ({ dir, jid: by, xml }) =>
            dir === 'in' && by.startsWith(`${jid}/`) && xml.includes('<store '),
        );
      await until(`converse to send "${text}"`, isSent);
    },
    receives: async (from, text) => {
      await openWritten(from);
      const find = () =>
        messages.find((message) => message.sender === from && message.text === text);
      try {
        return await until(`converse to show "${text}"`, find, { timeoutMs: RECEIVE_MS });
      } catch (cause) {
        throw new Error(`converse did not show "${text}": ${complaints.slice(-5).join('; ')}`, {
          cause,
        });
      }
    },
    fingerprints: (contact) => fingerprintsIn(running().page, contact),
    goOffline: async () => {
      const leaving = running();
      converse = undefined;
      await leaving.logOut();
      await leaving.page.close();
    },
    goOnline,
    startAnotherDevice: () => startConversePeer(server, account, isSilent),
    stop,
  };
}
