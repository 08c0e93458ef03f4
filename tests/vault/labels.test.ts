// Labels of devices, signed by OpenSSL.
import { ed25519 } from '@noble/curves/ed25519.js';
import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { OMEMO2 } from '../../src/rpc/versions';
import { withIdentityKey, withList } from '../../src/vault/devices';
import { labelOf, withLabels } from '../../src/vault/labels';
import { newPeer, type PeerRecord } from '../../src/vault/records';
import { jid, present, START } from './world';

function keys() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = new Uint8Array(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32));
  return {
    identityKey: ed25519.utils.toMontgomery(raw),
    signed: (label: string) => ({
      deviceId: 5,
      label,
      signature: new Uint8Array(sign(null, Buffer.from(label), privateKey)),
    }),
  };
}

const { identityKey, signed } = keys();

function peer(): PeerRecord {
  const list = { kind: 'present', value: [5, 6] } as const;
  const listed = withList(newPeer(jid('romeo@example.net')), OMEMO2, list, START);
  return withIdentityKey(listed, 5, identityKey, 'blind', START).peer;
}

const shown = (record: PeerRecord) => labelOf(present(record.devices[0]));

describe('a label', () => {
  it('is shown when the key of the device signed it, of either sign', async () => {
    for (let n = 0; n < 8; n++) {
      const other = keys();
      const record = withIdentityKey(
        withList(newPeer(jid('a@b')), OMEMO2, { kind: 'present', value: [5] }, START),
        5,
        other.identityKey,
        'blind',
        START,
      ).peer;
      expect(await shown(withLabels(record, OMEMO2, [other.signed('Télé 📱')]))).toBe('Télé 📱');
    }
  });

  it('is not shown when anyone else signed it, or another label', async () => {
    const stolen = { ...signed('phone'), label: 'laptop' };
    for (const label of [keys().signed('phone'), stolen]) {
      expect(await shown(withLabels(peer(), OMEMO2, [label]))).toBeUndefined();
    }
  });

  it('waits for the key of the device', async () => {
    const list = { kind: 'present', value: [5] } as const;
    const listed = withList(newPeer(jid('a@b')), OMEMO2, list, START);
    const labelled = withLabels(listed, OMEMO2, [signed('phone')]);
    expect(await shown(labelled)).toBeUndefined();
    expect(await shown(withIdentityKey(labelled, 5, identityKey, 'blind', START).peer)).toBe(
      'phone',
    );
  });

  it('goes when the list no longer has it, and none is made for a device that is not listed', async () => {
    const labelled = withLabels(peer(), OMEMO2, [signed('phone')]);
    expect(withLabels(labelled, OMEMO2)).toEqual(peer());
    expect(withLabels(peer(), OMEMO2, [{ ...signed('phone'), deviceId: 99 }])).toEqual(peer());
  });
});
