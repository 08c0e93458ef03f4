// No WebSocket from a worker's script of a protected site (design D17, I-12, M16): no content script runs in workers, so what
// they open would pass by us. The browser itself refuses it there, by a content policy put on the script's answer. Pages'
// own scripts are no concern of that policy: only a document or a worker takes one.
//
// Not reached: workers made of a blob, which have the policy of their page, and BOSH in a worker, which looks like any request.
// A rule that blocks sockets as such would need a permission for every server; one for `http` does not cover `ws`.
import browser from 'webextension-polyfill';

const RULE_ID = 1;

/** All that a worker may connect to: everything but `ws:` and `wss:`. */
const POLICY = 'connect-src http: https: blob: data:';

/**
 * Has the browser keep the rule for these origins and no other. Rules of this kind outlive the browser and updates of the
 * extension, so that pages restored at a start find it.
 */
export async function renewWorkerGate(origins: readonly string[]): Promise<void> {
  const hosts = [...new Set(origins.map((origin) => new URL(origin).hostname))];
  await browser.declarativeNetRequest.updateDynamicRules({
    removeRuleIds: [RULE_ID],
    addRules: hosts.length === 0 ? [] : [ruleFor(hosts)],
  });
}

function ruleFor(hosts: string[]) {
  return {
    id: RULE_ID,
    action: {
      type: 'modifyHeaders' as const,
      responseHeaders: [
        { header: 'content-security-policy', operation: 'append' as const, value: POLICY },
      ],
    },
    // A worker's script is of its page's own origin. Of other kinds some can be documents in the end, as what is fetched ahead.
    condition: {
      initiatorDomains: hosts,
      requestDomains: hosts,
      resourceTypes: ['script' as const],
    },
  };
}
