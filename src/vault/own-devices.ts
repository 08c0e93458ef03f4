// Other devices of our own account: one that is added later is announced until the user has answered for it (design D7, M32), because
// whoever can log in, and the server, can add one and read along from then on. Pure.
import type { OmemoVersion } from '../omemo/types';
import { isActive } from './device-facts';
import { deviceOf } from './devices';
import type { DeviceRecord, PeerRecord } from './records';

function wasListed(device: DeviceRecord | undefined): boolean {
  return device !== undefined && Object.keys(device.versions).length > 0;
}

/**
 * The account's own peer record after a list of one version, with what is new in it marked. The first list there was tells of devices that
 * were there before us.
 */
export function withNews(
  before: PeerRecord,
  after: PeerRecord,
  version: OmemoVersion,
  ownDeviceId: number,
): PeerRecord {
  if (before.lists[version]?.seenAt === undefined) return after;
  const devices = after.devices.map((device): DeviceRecord => {
    const isAdded = isActive(device) && !wasListed(deviceOf(before, device.deviceId));
    return isAdded && device.deviceId !== ownDeviceId ? { ...device, isNew: true } : device;
  });
  return { ...after, devices };
}

/** The record after the user has answered for these devices. */
export function withoutNews(own: PeerRecord, deviceIds: readonly number[]): PeerRecord {
  const answered = new Set(deviceIds);
  const devices = own.devices.map((device): DeviceRecord => {
    if (!answered.has(device.deviceId)) return device;
    const { isNew: _answered, ...rest } = device;
    return rest;
  });
  return { ...own, devices };
}

/** Does a device wait for the user's answer. One that was taken off the lists still does: it may have read along. */
export function hasNews(own: PeerRecord | undefined): boolean {
  return own?.devices.some(({ isNew }) => isNew === true) === true;
}
