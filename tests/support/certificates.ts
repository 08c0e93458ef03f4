// A throw-away CA and one certificate of it for everything the test server serves. Desktop clients insist on TLS.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface Certificates {
  /** The CA that clients must trust. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Makes `ca.crt`, `server.crt` and `server.key` in `folder`. Needs the openssl program. */
export function makeCertificates(folder: string, domain: string): Certificates {
  mkdirSync(folder, { recursive: true });
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const newKey = (file: string) =>
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', file);

  newKey('ca.key');
  openssl(
    ...['req', '-x509', '-new', '-key', 'ca.key', '-out', 'ca.crt', '-days', '30'],
    ...['-subj', '/CN=Omnemo test CA', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  );
  newKey('server.key');
  openssl('req', '-new', '-key', 'server.key', '-out', 'server.csr', '-subj', `/CN=${domain}`);
  writeFileSync(
    path.join(folder, 'server.ext'),
    [
      'basicConstraints=CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth',
      `subjectAltName=DNS:${domain},DNS:*.${domain},DNS:localhost,IP:127.0.0.1`,
      '',
    ].join('\n'),
  );
  openssl(
    ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key'],
    ...['-CAcreateserial', '-days', '30', '-extfile', 'server.ext', '-out', 'server.crt'],
  );
  return {
    ca: path.join(folder, 'ca.crt'),
    certificate: path.join(folder, 'server.crt'),
    key: path.join(folder, 'server.key'),
  };
}
