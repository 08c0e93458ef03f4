// What devices call themselves (XEP-0384 0.9.1 §5.3.1): kept as the list says it, shown where their key signed it. Pure steps.
import { isSignedLabel } from '../omemo/identity';
import type { OmemoVersion } from '../omemo/types';
import type { DeviceLabel } from '../rpc/vault-api';
import { VERSIONS } from '../rpc/versions';
import { factsOf, withFacts } from './device-facts';
import { deviceOf, withDevice } from './devices';
import type { DeviceRecord, PeerRecord } from './records';

/** The peer after a list that names its devices so; a device it does not name has no label any more. */
export function withLabels(
  peer: PeerRecord,
  version: OmemoVersion,
  labels: readonly DeviceLabel[] = [],
): PeerRecord {
  const unnamed = peer.devices.map((device) => {
    const { label, ...facts } = factsOf(device, version);
    return label === undefined ? device : withFacts(device, version, facts);
  });
  return labels.reduce<PeerRecord>(
    (record, { deviceId, ...label }) => {
      const device = deviceOf(record, deviceId);
      if (device?.versions[version] === undefined) return record;
      const facts = { ...factsOf(device, version), label };
      return withDevice(record, withFacts(device, version, facts));
    },
    { ...peer, devices: unnamed },
  );
}

/** The label of a device, if its key signed one. */
export async function labelOf(device: DeviceRecord): Promise<string | undefined> {
  const { identityKey } = device;
  if (identityKey === undefined) return undefined;
  const labels = VERSIONS.flatMap((version) => factsOf(device, version).label ?? []);
  for (const { label, signature } of labels) {
    if (await isSignedLabel(identityKey, label, signature)) return label;
  }
  return undefined;
}
