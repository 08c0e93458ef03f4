// Compares two archives of the extension, file by file and then byte by byte.
import { strFromU8, unzipSync } from 'fflate';

/** The files of an archive by name. @throws Error for what is no archive */
export function filesOf(bytes) {
  return new Map(Object.entries(unzipSync(bytes)));
}

/** Which browser an archive is for: only Firefox needs an id in the manifest. */
export function browserOf(bytes) {
  const manifest = filesOf(bytes).get('manifest.json');
  if (manifest === undefined) throw new Error('it has no manifest.json');
  return 'browser_specific_settings' in JSON.parse(strFromU8(manifest)) ? 'firefox' : 'chrome';
}

function firstDifference(one, other) {
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at === -1 ? Math.min(one.length, other.length) : at;
}

function differenceOf(name, given, built) {
  if (built === undefined) return `${name}: not built from this tree`;
  if (given === undefined) return `${name}: missing`;
  if (Buffer.compare(given, built) === 0) return undefined;
  const at = firstDifference(given, built);
  return `${name}: differs from byte ${at} on (${given.length} bytes, built ${built.length})`;
}

/** One line for each difference of a given archive from the one built; none where they are the same, byte for byte. */
export function differences(given, built) {
  if (Buffer.compare(given, built) === 0) return [];
  const [ours, theirs] = [filesOf(built), filesOf(given)];
  const names = [...new Set([...ours.keys(), ...theirs.keys()])].sort();
  const lines = names.flatMap((name) => differenceOf(name, theirs.get(name), ours.get(name)) ?? []);
  if (lines.length > 0) return lines;
  return [
    `the archive: every file is the same, but it is packed differently from byte ${firstDifference(given, built)} on`,
  ];
}
