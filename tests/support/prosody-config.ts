// The configuration of the private Prosody of the tests: everything on loopback, everything in one folder.
import type { ServerPorts } from './server';

export interface ProsodyPaths {
  readonly modules: readonly string[];
  readonly data: string;
  readonly pid: string;
  readonly adminSocket: string;
  readonly log: string;
  readonly wire: string;
  readonly certificates: string;
  readonly certificate: string;
  readonly key: string;
}

export interface ProsodySettings {
  readonly domain: string;
  /** Make up for what libpurple and Profanity miss in a plain Prosody (see mod_legacy_hints). */
  readonly legacyHints: boolean;
  /** How long a broken stream can be resumed. */
  readonly resumeSeconds: number;
  readonly extraModules: readonly string[];
}

function lua(text: string): string {
  return `"${text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

function list(texts: readonly string[]): string {
  return `{ ${texts.map(lua).join(', ')} }`;
}

/** Text of prosody.cfg.lua. */
export function prosodyConfig(
  paths: ProsodyPaths,
  ports: ServerPorts,
  settings: ProsodySettings,
): string {
  const { domain } = settings;
  const modules = [
    ...['roster', 'saslauth', 'tls', 'disco', 'ping', 'time', 'version', 'uptime'],
    ...['pep', 'vcard4', 'vcard_legacy', 'private', 'bookmarks', 'blocklist'],
    ...['carbons', 'smacks', 'csi_simple', 'mam', 'offline', 'bosh', 'websocket'],
    ...['admin_shell', 'wirelog', 'sni_local'],
    ...(settings.legacyHints ? ['legacy_hints'] : []),
    ...settings.extraModules,
  ];
  const tls = `{ certificate = ${lua(paths.certificate)}, key = ${lua(paths.key)} }`;
  return `-- written for one test run; stream errors are logged at level debug only
${process.getuid?.() === 0 ? 'run_as_root = true' : ''}
plugin_paths = ${list(paths.modules)}
data_path = ${lua(paths.data)}
pidfile = ${lua(paths.pid)}
admin_socket = ${lua(paths.adminSocket)}
log = { { levels = { min = "debug" }, to = "file", filename = ${lua(paths.log)} } }
wirelog_file = ${lua(paths.wire)}

interfaces = { "127.0.0.1" }
c2s_ports = { ${ports.xmpp} }
c2s_direct_tls_ports = { ${ports.xmpps} }
s2s_ports = { }
http_interfaces = { "127.0.0.1" }
http_ports = { ${ports.http} }
https_interfaces = { "127.0.0.1" }
https_ports = { ${ports.https} }
certificates = ${lua(paths.certificates)}
ssl = ${tls}
https_ssl = ${tls}
c2s_direct_tls_ssl = ${tls}

modules_enabled = ${list(modules)}
modules_disabled = { "s2s", "s2s_bidi", "s2s_auth_certs", "dialback" }

authentication = "internal_plain"
storage = "internal"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
s2s_require_encryption = false
-- room for the over-long stanzas of the tests
c2s_stanza_size_limit = 4 * 1024 * 1024

archive_expires_after = "never"
max_archive_query_results = 500
default_archive_policy = true
smacks_hibernation_time = ${settings.resumeSeconds}
limits = { }

consider_bosh_secure = true
consider_websocket_secure = true
http_default_host = ${lua(domain)}
http_max_content_size = 64 * 1024 * 1024

VirtualHost ${lua(domain)}
	disco_items = {
		{ ${lua(`conference.${domain}`)}, "Rooms" },
		{ ${lua(`upload.${domain}`)}, "Files" },
	}

Component ${lua(`conference.${domain}`)} "muc"
	modules_enabled = { "muc_mam" }
	name = "Rooms"
	restrict_room_creation = false
	muc_room_locking = false
	muc_log_all_rooms = true
	muc_log_expires_after = "never"
	muc_room_default_history_length = 20

Component ${lua(`upload.${domain}`)} "http_file_share"
	name = "Files"
	http_host = ${lua(domain)}
	http_external_url = ${lua(`https://127.0.0.1:${ports.https}/`)}
	http_file_share_size_limit = 32 * 1024 * 1024
	http_file_share_daily_quota = 1024 * 1024 * 1024
	http_file_share_access = ${list([domain])}
`;
}
