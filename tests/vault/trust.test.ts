import { describe, expect, it } from 'vitest';
import { LEGACY } from '../../src/rpc/versions';
import type { Trust, TrustPolicy } from '../../src/rpc/vault-api';
import { newPeer, type DeviceRecord, type PeerRecord } from '../../src/vault/records';
import { audienceOf, keyRecordOf, trustOf, withKey, withTrust } from '../../src/vault/trust';
import { jid, START } from './world';

const ROMEO = jid('romeo@example.net');
const keyOf = (fill: number) => new Uint8Array(32).fill(fill);
const NOBODY = newPeer(ROMEO);

const device = (deviceId: number, more: Partial<DeviceRecord> = {}): DeviceRecord => ({
  deviceId,
  identityKey: keyOf(deviceId),
  firstSeen: START,
  lastSeen: START,
  versions: { [LEGACY]: { isActive: true } },
  ...more,
});

const trusting = (trusts: readonly Trust[]): PeerRecord => ({
  ...NOBODY,
  devices: trusts.map((_, index) => device(index + 1)),
  keys: trusts.map((trust, index) => ({
    identityKey: keyOf(index + 1),
    trust,
    firstSeen: START,
  })),
});

describe('a new key', () => {
  it.each([
    ['blind', 'trusted'],
    ['ask', 'undecided'],
    ['verified-only', 'undecided'],
  ] as const)('under the policy %s is %s', (policy, trust) => {
    expect(trustOf(withKey(NOBODY, keyOf(1), policy, START), keyOf(1))).toBe(trust);
  });

  it('is trusted blindly until the first verification of this person, then asked for', () => {
    const one = withKey(NOBODY, keyOf(1), 'blind', START);
    const two = withKey(one, keyOf(2), 'blind', START);
    expect(trustOf(two, keyOf(2))).toBe('trusted');
    const verified = withTrust(two, keyOf(1), 'verified', START);
    expect(trustOf(verified, keyOf(2))).toBe('trusted');
    const three = withKey(verified, keyOf(3), 'blind', START);
    expect(trustOf(three, keyOf(3))).toBe('undecided');
  });

  it('is still trusted blindly when another key is only distrusted', () => {
    const one = withTrust(withKey(NOBODY, keyOf(1), 'blind', START), keyOf(1), 'distrusted', 0);
    expect(trustOf(withKey(one, keyOf(2), 'blind', START), keyOf(2))).toBe('trusted');
  });

  it('nobody has seen is undecided', () => {
    expect(trustOf(NOBODY, keyOf(1))).toBe('undecided');
    expect(keyRecordOf(NOBODY, keyOf(1))).toBe(undefined);
  });
});

describe('a known key', () => {
  it.each(['undecided', 'trusted', 'verified', 'distrusted'] as const)(
    'keeps the trust %s when it is seen again',
    (trust) => {
      const peer = withTrust(NOBODY, keyOf(1), trust, START);
      expect(withKey(peer, keyOf(1), 'blind', START + 1)).toBe(peer);
    },
  );

  it('keeps its date and its place is taken once when trust changes', () => {
    const peer = withKey(withKey(NOBODY, keyOf(1), 'ask', START), keyOf(2), 'ask', START);
    const after = withTrust(peer, keyOf(1), 'verified', START + 9);
    expect(after.keys).toHaveLength(2);
    expect(keyRecordOf(after, keyOf(1))).toEqual({
      identityKey: keyOf(1),
      trust: 'verified',
      firstSeen: START,
    });
    expect(keyRecordOf(peer, keyOf(1))?.trust).toBe('undecided');
  });
});

describe('the audience', () => {
  const POLICIES: readonly TrustPolicy[] = ['blind', 'ask', 'verified-only'];
  const outcome = (policy: TrustPolicy, trust: Trust) => {
    const audience = audienceOf(trusting([trust]), policy, undefined);
    if (audience.kind === 'held') return audience.code;
    return audience.skipped[0]?.code ?? audience.devices.length;
  };

  it('follows policy and trust', () => {
    const table = POLICIES.map((policy) =>
      (['undecided', 'trusted', 'verified', 'distrusted'] as const).map((trust) =>
        outcome(policy, trust),
      ),
    );
    expect(table).toEqual([
      ['undecided-keys', 1, 1, 'distrusted'],
      ['undecided-keys', 1, 1, 'distrusted'],
      ['not-verified', 'not-verified', 1, 'distrusted'],
    ]);
  });

  it('is held by one undecided key among trusted ones', () => {
    const peer = trusting(['trusted', 'undecided', 'verified']);
    expect(audienceOf(peer, 'blind', undefined)).toEqual({ kind: 'held', code: 'undecided-keys' });
  });

  it('is held by one changed key, whatever the trust in the old one', () => {
    const peer = trusting(['verified', 'distrusted']);
    const devices = [device(1), device(2, { changedKey: keyOf(9) })];
    expect(audienceOf({ ...peer, devices }, 'blind', undefined)).toEqual({
      kind: 'held',
      code: 'key-changed',
    });
  });

  it('goes on to the former key of a device once the changed one is distrusted', () => {
    const peer = withTrust(trusting(['trusted', 'trusted']), keyOf(9), 'distrusted', 1);
    const devices = [device(1), device(2, { changedKey: keyOf(9) })];
    expect(audienceOf({ ...peer, devices }, 'blind', undefined)).toEqual({
      kind: 'open',
      devices,
      skipped: [],
    });
    const [third] = [device(2, { changedKey: keyOf(7) })];
    expect(audienceOf({ ...peer, devices: [third] }, 'blind', undefined)).toMatchObject({
      code: 'key-changed',
    });
  });

  it('leaves out inactive devices and our own, alarms and undecided keys included', () => {
    const peer = trusting(['trusted', 'undecided', 'undecided']);
    const devices = [
      device(1),
      device(2, { versions: { [LEGACY]: { isActive: false } }, changedKey: keyOf(9) }),
      device(3, { changedKey: keyOf(8) }),
    ];
    expect(audienceOf({ ...peer, devices }, 'blind', 3)).toEqual({
      kind: 'open',
      devices: [device(1)],
      skipped: [],
    });
  });

  it('names a device without key as skipped', () => {
    const { identityKey: _none, ...bare } = device(1);
    expect(audienceOf({ ...NOBODY, devices: [bare] }, 'blind', undefined)).toEqual({
      kind: 'open',
      devices: [],
      skipped: [{ device: bare, code: 'no-bundle' }],
    });
  });

  it('never trusts a key by its device id: a known key under another id keeps its trust', () => {
    const peer = trusting(['distrusted']);
    const devices = [device(77, { identityKey: keyOf(1) })];
    expect(audienceOf({ ...peer, devices }, 'blind', undefined)).toMatchObject({
      devices: [],
      skipped: [{ code: 'distrusted' }],
    });
  });
});
