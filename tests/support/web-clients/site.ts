// The web site of one client, on localhost; under 127.0.0.1 it is the same site, which the extension may not touch.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { build } from 'vite';
import { portOf } from '../ports';
import type { ClientAccount, ClientKind } from './client';
import { RECORDER } from './frames';

const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

export interface ClientSite {
  /** Where the extension may be let to the page. */
  readonly origin: string;
  /** The page that logs this account in. */
  url(account: ClientAccount): string;
  /** The same page where the extension is not allowed. */
  plainUrl(account: ClientAccount): string;
  stop(): Promise<void>;
}

async function bundled(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    root: path.dirname(entry),
    build: { write: false, rollupOptions: { input: entry, output: { format: 'iife' } } },
  });
  const outputs = [result].flat().flatMap((each) => ('output' in each ? each.output : []));
  const chunk = outputs.find((each) => each.type === 'chunk');
  if (chunk?.type !== 'chunk') throw new Error(`${entry}: no script came of it`);
  return chunk.code;
}

function fileOf(kind: ClientKind, pathname: string): string | undefined {
  const [, first = '', ...rest] = path.posix.normalize(decodeURIComponent(pathname)).split('/');
  const folder = kind.folders[first];
  if (folder === undefined) return undefined;
  const file = path.join(folder, ...rest);
  const isThere = file.startsWith(folder + path.sep) && existsSync(file);
  return isThere && statSync(file).isFile() ? file : undefined;
}

export async function startClientSite(kind: ClientKind): Promise<ClientSite> {
  const script = kind.script === undefined ? '' : await bundled(kind.script);
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>${kind.name}</title>
<link rel="icon" href="data:,">
<script>${RECORDER}</script>
${kind.html}
</html>`;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/') {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
      return;
    }
    if (pathname === '/client.js') {
      response.writeHead(200, { 'content-type': 'text/javascript; charset=utf-8' }).end(script);
      return;
    }
    const file = fileOf(kind, pathname);
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, 'cache-control': 'max-age=3600' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const port = portOf(server);
  const query = ({ jid, password, url, contact }: ClientAccount) =>
    new URLSearchParams({ jid, password, url, contact });
  return {
    origin: `http://localhost:${port}`,
    url: (account) => `http://localhost:${port}/?${query(account)}`,
    plainUrl: (account) => `http://127.0.0.1:${port}/?${query(account)}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
