// What is known of a device by version, pure. Key and trust are the device's own (design D3); lists, bundles and sessions belong
// to a version.
import type { OmemoVersion } from '../omemo/types';
import { OMEMO2, VERSIONS } from '../rpc/versions';
import type { DeviceFacts, DeviceRecord, PeerRecord } from './records';

const UNLISTED: DeviceFacts = { isActive: false };

/** What is known of a device in a version. */
export function factsOf(device: DeviceRecord, version: OmemoVersion): DeviceFacts {
  return device.versions[version] ?? UNLISTED;
}

/** The device with other facts in one version. */
export function withFacts(
  device: DeviceRecord,
  version: OmemoVersion,
  facts: DeviceFacts,
): DeviceRecord {
  return { ...device, versions: { ...device.versions, [version]: facts } };
}

/** The versions in which the device is on the list of its owner, preferred first (design D4). */
export function activeVersions(device: DeviceRecord): readonly OmemoVersion[] {
  return VERSIONS.filter((version) => factsOf(device, version).isActive);
}

/**
 * The same in the order in which this peer is written to: as the user wants it, else as the device itself writes, else legacy
 * first. COMPAT(Converse 14): it writes in OMEMO 2 to whoever has both, so a session in legacy would never be answered and
 * every message of ours in it stay a key exchange.
 */
export function versionsFor(
  { prefersOmemo2 }: PeerRecord,
  device: DeviceRecord,
): readonly OmemoVersion[] {
  const versions = activeVersions(device);
  const isOmemo2First = prefersOmemo2 === true || device.writesIn === OMEMO2;
  return isOmemo2First ? versions.toReversed() : versions;
}

/** Is the device on a list of its owner. */
export function isActive(device: DeviceRecord): boolean {
  return activeVersions(device).length > 0;
}
