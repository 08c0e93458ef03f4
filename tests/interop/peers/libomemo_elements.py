"""What the library leaves to its users: payloads, and the elements of both versions of OMEMO.

Keys and bundles are lists of words as the program of `libomemo-c/` takes and gives them.
"""

import base64
import hashlib
import hmac
import secrets
import xml.etree.ElementTree as ET

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

import sce
from libomemo_device import FIRST, OMEMO_2


def to_base64(data):
    return base64.b64encode(data).decode()


def from_base64(found):
    return base64.b64decode(found.text)


class Dialect:
    namespace = ""
    #: Names of the elements of a bundle, and of the attributes with ids.
    list_name = signed_key = signed_id = signature = identity = prekey = prekey_id = ""
    flag = ""

    def q(self, name):
        return f"{{{self.namespace}}}{name}"

    def element(self, tag, text=None, children=(), **attributes):
        made = ET.Element(self.q(tag), attributes)
        made.text = text
        made.extend(children)
        return made

    def write_list(self, ids):
        return self.element(self.list_name, children=[self.element("device", id=str(id)) for id in ids])

    def read_list(self, found):
        return [int(device.get("id")) for device in found.iter(self.q("device"))]

    def write_bundle(self, bundle):
        def of(name, hex_text, **attributes):
            return self.element(name, to_base64(bytes.fromhex(hex_text)), **attributes)

        identity, signed_id, signed, signature, *prekeys = bundle
        pairs = [prekey.split(":") for prekey in prekeys]
        public = [of(self.prekey, key, **{self.prekey_id: id}) for id, key in pairs]
        children = [
            of(self.signed_key, signed, **{self.signed_id: signed_id}),
            of(self.signature, signature),
            of(self.identity, identity),
            self.element("prekeys", children=public),
        ]
        return self.element("bundle", children=children)

    def read_bundle(self, found):
        """With one of its prekeys."""
        signed = found.find(self.q(self.signed_key))
        prekey = secrets.choice(found.findall(f"{self.q('prekeys')}/{self.q(self.prekey)}"))
        return (
            from_base64(found.find(self.q(self.identity))).hex(),
            *(signed.get(self.signed_id), from_base64(signed).hex()),
            from_base64(found.find(self.q(self.signature))).hex(),
            *(prekey.get(self.prekey_id), from_base64(prekey).hex()),
        )

    def write_key(self, device, is_key_exchange, data):
        flag = {self.flag: "true"} if is_key_exchange else {}
        return self.element("key", to_base64(data), rid=str(device), **flag)

    def read_key(self, key):
        return key.get(self.flag) in ("true", "1"), from_base64(key)


class First(Dialect):
    """eu.siacs.conversations.axolotl: AES-128-GCM, the tag goes through the sessions with the key."""

    version = FIRST
    namespace = "eu.siacs.conversations.axolotl"
    devices = namespace + ".devicelist"
    list_name = "list"
    signed_key, signed_id = "signedPreKeyPublic", "signedPreKeyId"
    signature, identity = "signedPreKeySignature", "identityKey"
    prekey, prekey_id = "preKeyPublic", "preKeyId"
    flag = "prekey"
    fallback = "This message is OMEMO-encrypted."

    def bundle_address(self, device):
        """Node, and the item where others have theirs in the same node."""
        return f"{self.namespace}.bundles:{device}", None

    def seal(self, text, own, recipient):
        """What goes through the sessions, and what everybody gets."""
        key, iv = secrets.token_bytes(16), secrets.token_bytes(12)
        sealed = AESGCM(key).encrypt(iv, text.encode(), None)
        return key + sealed[-16:], (iv, sealed[:-16])

    def write_message(self, sid, keys, sealed):
        """`keys` by their owner."""
        iv, payload = sealed
        children = [key for owned in keys.values() for key in owned]
        children.append(self.element("iv", to_base64(iv)))
        header = self.element("header", children=children, sid=str(sid))
        parts = [header, self.element("payload", to_base64(payload))]
        return self.element("encrypted", children=parts)

    def keys_for(self, encrypted, own, device):
        keys = encrypted.findall(f"{self.q('header')}/{self.q('key')}")
        return [key for key in keys if key.get("rid") == str(device)]

    def open(self, material, encrypted, sender, own):
        iv = from_base64(encrypted.find(f"{self.q('header')}/{self.q('iv')}"))
        sealed = from_base64(encrypted.find(self.q("payload"))) + material[16:]
        return AESGCM(material[:16]).decrypt(iv, sealed, None).decode()


class Second(Dialect):
    """urn:xmpp:omemo:2: an envelope under AES-256-CBC and HMAC, the tag goes through the sessions with the key."""

    version = OMEMO_2
    namespace = "urn:xmpp:omemo:2"
    devices = namespace + ":devices"
    list_name = "devices"
    signed_key, signed_id = "spk", "id"
    signature, identity = "spks", "ik"
    prekey, prekey_id = "pk", "id"
    flag = "kex"
    #: XEP-0420 §9 forbids one.
    fallback = None

    def bundle_address(self, device):
        return self.namespace + ":bundles", str(device)

    @staticmethod
    def derive(key):
        """The cipher and the key of the MAC."""
        salt, info = bytes(32), b"OMEMO Payload"
        derived = HKDF(hashes.SHA256(), length=80, salt=salt, info=info).derive(key)
        return Cipher(algorithms.AES(derived[:32]), modes.CBC(derived[64:])), derived[32:64]

    def seal(self, text, own, recipient):
        key = secrets.token_bytes(32)
        cipher, mac_key = self.derive(key)
        padder = padding.PKCS7(128).padder()
        padded = padder.update(sce.seal(text, own, recipient)) + padder.finalize()
        encryptor = cipher.encryptor()
        sealed = encryptor.update(padded) + encryptor.finalize()
        return key + hmac.digest(mac_key, sealed, hashlib.sha256)[:16], sealed

    def write_message(self, sid, keys, sealed):
        owners = [self.element("keys", children=owned, jid=owner) for owner, owned in keys.items()]
        header = self.element("header", children=owners, sid=str(sid))
        parts = [header, self.element("payload", to_base64(sealed))]
        return self.element("encrypted", children=parts)

    def keys_for(self, encrypted, own, device):
        owners = encrypted.findall(f"{self.q('header')}/{self.q('keys')}")
        keys = [key for owner in owners if owner.get("jid") == own for key in owner]
        return [key for key in keys if key.get("rid") == str(device)]

    def open(self, material, encrypted, sender, own):
        if len(material) != 48:
            raise RuntimeError(f"{len(material)} bytes of key material")
        sealed = from_base64(encrypted.find(self.q("payload")))
        cipher, mac_key = self.derive(material[:32])
        if not hmac.compare_digest(hmac.digest(mac_key, sealed, hashlib.sha256)[:16], material[32:]):
            raise RuntimeError("the tag of the payload does not match")
        decryptor = cipher.decryptor()
        padded = decryptor.update(sealed) + decryptor.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        return sce.open_envelope(unpadder.update(padded) + unpadder.finalize(), sender, own)


DIALECTS = {"legacy": First(), "omemo2": Second()}
