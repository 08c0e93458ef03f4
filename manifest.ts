// The manifest. No host permission and no content script stands in it: sites are granted one by one at run time and the
// scripts are registered by us (design D16). All that differs between the browsers is in `ONLY`.
import type { UserManifest } from 'wxt';

function iconsOf(state: string, sizes: readonly number[]): Record<string, string> {
  return Object.fromEntries(sizes.map((size) => [String(size), `icon/${state}-${size}.png`]));
}

const ACTION = {
  default_title: 'Omnemo',
  default_popup: 'popup.html',
  default_icon: iconsOf('off', [16, 32, 48]),
};

const COMMON: UserManifest = {
  name: 'Omnemo',
  short_name: 'Omnemo',
  description: 'OMEMO end-to-end encryption for web XMPP clients that have none.',
  permissions: [
    'storage',
    'unlimitedStorage',
    'scripting',
    'activeTab',
    'declarativeNetRequestWithHostAccess',
    'idle',
  ],
  optional_host_permissions: ['https://*/*', 'http://localhost/*', 'http://127.0.0.1/*'],
  content_security_policy: {
    extension_pages:
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
  },
  // A private window shares our process and database: its keys and texts would outlive it, and be those of the others.
  incognito: 'not_allowed',
  icons: iconsOf('on', [16, 32, 48, 128]),
  action: ACTION,
};

/** The id Firefox keeps our data and permissions under; a change of it would lose every key. */
export const GECKO_ID = 'omnemo@extension';

const ONLY: Readonly<Record<'chrome' | 'firefox', UserManifest>> = {
  chrome: {
    minimum_chrome_version: '148',
    // Byte arrays cross runtime ports intact; without it Chromium turns them into plain objects.
    ...({ message_serialization: 'structured_clone' } as object),
  },
  firefox: {
    browser_specific_settings: {
      gecko: {
        id: GECKO_ID,
        // The oldest we test in.
        strict_min_version: '153.0',
        data_collection_permissions: { required: ['none'] },
      },
    },
    // Else the icon hides in the menu of extensions, and with it what it says of the page.
    action: { ...ACTION, default_area: 'navbar' },
  },
};

/** What a build for this browser adds to what wxt finds by itself. */
export function manifestFor(browser: string): UserManifest {
  return { ...COMMON, ...(browser === 'firefox' ? ONLY.firefox : ONLY.chrome) };
}
