// The import rules of layout.md §1 as a pure function over source texts, so that the rules themselves can be tested.
import path from 'node:path';

export interface Import {
  readonly target: string;
  readonly isTypeOnly: boolean;
}

type Files = ReadonlyMap<string, string>;

/** Folder → folders it may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  crypto: [],
  omemo: ['crypto', 'jid', 'limits'],
  rpc: ['omemo', 'jid', 'log', 'limits'],
  xml: ['jid', 'limits'],
  stream: ['xml', 'rpc', 'jid', 'log'],
  session: ['stream', 'xml', 'rpc', 'jid', 'log', 'limits'],
  vault: ['omemo', 'crypto', 'rpc', 'jid', 'log', 'limits'],
  ui: ['rpc', 'jid', 'log'],
  entrypoints: ['ui', 'session', 'stream', 'vault', 'jid', 'log'],
  jid: [],
  log: [],
  limits: [],
};

/** Package → files that may import it. */
const PACKAGES: readonly { readonly name: RegExp; readonly users: RegExp }[] = [
  { name: /^@noble\/(curves|ciphers|hashes)\/[\w-]+\.js$/, users: /^src\/crypto\// },
  { name: /^strophe\.js$/, users: /^src\/xml\// },
  { name: /^cborg$/, users: /^src\/vault\/cbor\.ts$/ },
  { name: /^idb$/, users: /^src\/vault\/(db|opening)\.ts$/ },
  { name: /^webextension-polyfill$/, users: /^(src\/(vault|ui)|entrypoints)\// },
  { name: /^preact(\/hooks)?$/, users: /^(src\/ui|entrypoints\/popup)\// },
  { name: /^wxt\//, users: /^entrypoints\// },
];

const STATEMENT =
  /^[ \t]*(?:import|export)\s+(?<clause>[^'";]*?\sfrom\s*)?['"](?<target>[^'"]+)['"]|\bimport\(\s*['"](?<dynamic>[^'"]+)['"]/gm;

function isTypeClause(clause: string): boolean {
  if (/^type\s/.test(clause)) return true;
  const names = /^\{(?<list>[^}]*)\}\s+from\s*$/.exec(clause)?.groups?.['list'];
  return (
    names !== undefined &&
    names
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean)
      .every((name) => name.startsWith('type '))
  );
}

/** All import and export-from statements of a file. */
export function importsOf(source: string): readonly Import[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(STATEMENT)].map(({ groups = {} }) => ({
    target: groups['target'] ?? groups['dynamic'] ?? '',
    isTypeOnly: groups['clause'] !== undefined && isTypeClause(groups['clause']),
  }));
}

function layerOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'src' ? second.replace(/\.tsx?$/, '') : top;
}

function resolve(from: string, target: string, files: Files): string | undefined {
  const base = path.posix.join(path.posix.dirname(from), target);
  return [base, `${base}.ts`, `${base}.tsx`].find((file) => files.has(file));
}

function checkInner(from: string, to: string, { isTypeOnly }: Import): string | undefined {
  const source = layerOf(from);
  const target = layerOf(to);
  if (from.startsWith('src/stream/hook/') && !to.startsWith('src/stream/hook/'))
    return target === 'rpc' && isTypeOnly ? undefined : 'page-world code imports only types of rpc';
  if (source === target) return undefined;
  if (!MAY_IMPORT[source]?.includes(target)) return `${source} may not import ${target}`;
  if (source === 'rpc' && target === 'omemo' && !isTypeOnly)
    return 'rpc imports only types of omemo';
  return undefined;
}

function checkOne(from: string, each: Import, files: Files): string | undefined {
  const { target } = each;
  if (/\.css$/.test(target))
    return layerOf(from) === 'entrypoints' ? undefined : 'styles belong to entrypoints';
  if (target.startsWith('.')) {
    const to = resolve(from, target, files);
    return to === undefined ? 'leads nowhere' : checkInner(from, to, each);
  }
  const known = PACKAGES.find(({ name }) => name.test(target));
  if (known === undefined) return 'is no package of the extension';
  return known.users.test(from) ? undefined : 'is not for this file';
}

/** Files on a circle of imports that exist at run time. */
function circles(files: Files): string[] {
  const next = (file: string) =>
    importsOf(files.get(file) ?? '')
      .filter(({ isTypeOnly, target }) => !isTypeOnly && target.startsWith('.'))
      .map(({ target }) => resolve(file, target, files))
      .filter((target) => target !== undefined);
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, trail: readonly string[]) => {
    if (trail.includes(file)) {
      found.push(`circle: ${[...trail.slice(trail.indexOf(file)), file].join(' → ')}`);
      return;
    }
    if (done.has(file)) return;
    for (const target of next(file)) walk(target, [...trail, file]);
    done.add(file);
  };
  for (const file of files.keys()) walk(file, []);
  return found;
}

/** Every import that breaks a rule, in words. Paths are relative to the project, with forward slashes. */
export function layerViolations(files: Files): readonly string[] {
  const wrong = [...files].flatMap(([file, source]) =>
    importsOf(source).flatMap((each) => {
      const why = checkOne(file, each, files);
      return why === undefined ? [] : [`${file}: '${each.target}' ${why}`];
    }),
  );
  return [...wrong, ...circles(files)];
}
