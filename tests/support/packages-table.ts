// The table of packages in README.md, as data.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const README = path.join(import.meta.dirname, '..', '..', 'README.md');

export interface PackageRow {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly kilobytes: number;
}

/** The rows under "Packages in the extension": name, version, what for, licence, kB. */
export function packagesInReadme(): readonly PackageRow[] {
  const [, section = ''] = readFileSync(README, 'utf8').split('## Packages in the extension');
  const [table = ''] = section.split('\n## ');
  const cells = /^\| `([^`]+)` +\| (\S+) +\| [^|]+ \| (\S+) +\| +([\d.]+) \|$/gm;
  return [...table.matchAll(cells)].map(
    ([, name = '', version = '', licence = '', kilobytes = '']) => ({
      name,
      version,
      licence,
      kilobytes: Number(kilobytes),
    }),
  );
}
