// The configuration of the private ejabberd of the tests: everything on loopback, everything in one folder. Its modules are
// those that Debian switches on, as far as they say anything to clients, and the archive.
import type { ServerPorts } from './server';

export interface EjabberdPaths {
  readonly wire: string;
  readonly certificate: string;
  readonly key: string;
}

export interface EjabberdSettings {
  readonly domain: string;
  /** How long a broken stream can be resumed. */
  readonly resumeSeconds: number;
}

/** Text of ejabberd.yml, which is written as JSON: every JSON is YAML. */
export function ejabberdConfig(
  paths: EjabberdPaths,
  ports: ServerPorts,
  { domain, resumeSeconds }: EjabberdSettings,
): string {
  const ip = '127.0.0.1';
  const handlers = {
    '/api': 'mod_http_api',
    '/http-bind': 'mod_bosh',
    '/upload': 'mod_http_upload',
    '/xmpp-websocket': 'ejabberd_http_ws',
  };
  const http = { module: 'ejabberd_http', ip, request_handlers: handlers };
  return JSON.stringify({
    hosts: [domain],
    loglevel: 'info',
    log_rotate_size: 'infinity',
    certfiles: [paths.certificate, paths.key],
    listen: [
      { module: 'ejabberd_c2s', ip, port: ports.xmpp, starttls: true },
      { module: 'ejabberd_c2s', ip, port: ports.xmpps, tls: true },
      { ...http, port: ports.http },
      { ...http, port: ports.https, tls: true },
    ],
    auth_method: 'internal',
    // Nobody but the tests reaches the port.
    api_permissions: { tests: { from: 'mod_http_api', who: 'all', what: '*' } },
    modules: {
      ...Object.fromEntries(DEFAULTS.map((name) => [name, {}])),
      mod_http_upload: {
        put_url: `https://127.0.0.1:${ports.https}/upload`,
        docroot: '@HOME@/upload',
        host: `upload.${domain}`,
      },
      mod_mam: { assume_mam_usage: true, default: 'always', request_activates_archiving: false },
      mod_muc: {
        host: `conference.${domain}`,
        access_create: 'all',
        default_room_options: { mam: true },
      },
      // No `force_node_config`: the rights of the nodes are what clients ask for.
      mod_pubsub: { plugins: ['flat', 'pep'] },
      mod_stream_mgmt: { resend_on_timeout: 'if_offline', resume_timeout: resumeSeconds },
      mod_wirelog: { file: paths.wire },
    },
  });
}

const DEFAULTS = [
  ...['mod_adhoc', 'mod_admin_extra', 'mod_avatar', 'mod_blocking', 'mod_bosh', 'mod_caps'],
  ...['mod_carboncopy', 'mod_client_state', 'mod_disco', 'mod_http_api', 'mod_last'],
  ...['mod_legacy_auth', 'mod_offline', 'mod_ping', 'mod_privacy', 'mod_private', 'mod_roster'],
  ...['mod_vcard', 'mod_vcard_xupdate', 'mod_version'],
];
