"""python-omemo's backends as one side of the cross-check: oldmemo for the legacy version, twomemo for omemo:2.

A driver of our own that uses Debian's packages for tests only; no part of the extension. Reads one JSON request per
line, answers each with one line (tests/cross/peer.ts). Bytes are hex. Which session a message belongs to is decided as
python-omemo's session manager does: one session per device, and a key exchange that would build another one replaces it.
"""

import asyncio
import importlib
import json
import sys
import warnings

import doubleratchet
import x3dh
import xeddsa
from omemo.backend import DecryptionFailed, KeyExchangeFailed
from omemo.session import Initiation
from omemo.storage import Just, Maybe, Nothing, Storage

LEGACY = "eu.siacs.conversations.axolotl"
OTHER = ("other@localhost", 1001)
OWN = ("own@localhost", 2002)
PREKEYS = 100


class Memory(Storage):
    """Keeps what the library stores as JSON text, as a file would."""

    def __init__(self):
        super().__init__(disable_cache=True)
        self.values = {}

    async def _load(self, key) -> Maybe:
        return Just(json.loads(self.values[key])) if key in self.values else Nothing()

    async def _store(self, key, value):
        self.values[key] = json.dumps(value)

    async def _delete(self, key):
        self.values.pop(key, None)


class Legacy:
    """Keys and frames as they stand on the wire: 05 before each key, the identity key in Curve25519 form."""

    def __init__(self, library):
        self.library = library
        self.state = library.StateImpl

    def write_key(self, key):
        return self.state.serialize_public_key(key)

    def read_key(self, key):
        return self.state.parse_public_key(key)

    def write_identity(self, key):
        return self.write_key(xeddsa.ed25519_pub_to_curve25519_pub(key))

    def read_identity(self, key, signature):
        return xeddsa.curve25519_pub_to_ed25519_pub(self.read_key(key), bool(signature[63] & 0x80))

    def write_signature(self, signature, identity):
        return signature[:63] + bytes([signature[63] | identity[31] & 0x80])

    def read_signature(self, signature):
        return signature[:63] + bytes([signature[63] & 0x7F])

    def write_key_exchange(self, key_exchange, message):
        return key_exchange.serialize(message)[0]

    def read_key_exchange(self, data, identity):
        return self.library.KeyExchangeImpl.parse(data, bool(identity[31] & 0x80))


class Omemo2:
    """Keys without prefix, the identity key in Ed25519 form."""

    def __init__(self, library):
        self.library = library

    def write_key(self, key):
        return key

    read_key = write_identity = read_signature = write_key

    def read_identity(self, key, _signature):
        return key

    def write_signature(self, signature, _identity):
        return signature

    def write_key_exchange(self, key_exchange, message):
        return key_exchange.serialize(message)

    def read_key_exchange(self, data, _identity):
        return self.library.KeyExchangeImpl.parse(data)


class Driver:
    def __init__(self, version):
        name = "oldmemo" if version == LEGACY else "twomemo"
        self.library = importlib.import_module(f"{name}.{name}")
        self.wire = Legacy(self.library) if version == LEGACY else Omemo2(self.library)
        self.make_backend = getattr(self.library, name.capitalize())
        self.open_store({})

    def open_store(self, values):
        self.storage = Memory()
        self.storage.values = dict(values)
        self.backend = self.make_backend(self.storage)
        self.other_identity = bytes.fromhex(values["other"]) if "other" in values else None

    def material(self, request):
        data = bytes.fromhex(request["keyMaterial"])
        length = self.library.PlainKeyMaterialImpl.KEY_LENGTH
        return self.library.PlainKeyMaterialImpl(data[:length], data[length:])

    async def create(self, request):
        """`request` has the bundle of the other device: a client fetches it before it opens anything."""
        signature = bytes.fromhex(request["signature"])
        self.other_identity = self.wire.read_identity(bytes.fromhex(request["identityKey"]), signature)
        self.storage.values["other"] = self.other_identity.hex()
        await self.refill()
        return {}

    async def refill(self):
        missing = PREKEYS - await self.backend.get_num_visible_pre_keys()
        if missing > 0:
            await self.backend.generate_pre_keys(missing)
        # Gives ids to the new keys.
        await self.backend.get_bundle(*OWN)

    async def bundle(self, _request):
        bundle = await self.backend.get_bundle(*OWN)
        keys = bundle.bundle
        return {
            "identityKey": self.wire.write_identity(keys.identity_key).hex(),
            "signedPrekeyId": bundle.signed_pre_key_id,
            "signedPrekey": self.wire.write_key(keys.signed_pre_key).hex(),
            "signature": self.wire.write_signature(keys.signed_pre_key_sig, keys.identity_key).hex(),
            "prekeys": [
                {"id": id, "key": self.wire.write_key(key).hex()}
                for key, id in sorted(bundle.pre_key_ids.items(), key=lambda item: item[1])
            ],
        }

    async def start(self, request):
        signature = bytes.fromhex(request["signature"])
        prekeys = {
            self.wire.read_key(bytes.fromhex(item["key"])): item["id"] for item in request["prekeys"]
        }
        bundle = self.library.BundleImpl(
            *OTHER,
            x3dh.Bundle(
                self.other_identity,
                self.wire.read_key(bytes.fromhex(request["signedPrekey"])),
                self.wire.read_signature(signature),
                frozenset(prekeys),
            ),
            request["signedPrekeyId"],
            prekeys,
        )
        session, key = await self.backend.build_session_active(*OTHER, bundle, self.material(request))
        await self.backend.store_session(session)
        return self.written(session, key)

    async def encrypt(self, request):
        session = await self.backend.load_session(*OTHER)
        key = await self.backend.encrypt_key_material(session, self.material(request))
        await self.backend.store_session(session)
        return self.written(session, key)

    def written(self, session, key):
        message = key.serialize()
        is_key_exchange = session.initiation is Initiation.ACTIVE and not session.confirmed
        data = self.wire.write_key_exchange(session.key_exchange, message) if is_key_exchange else message
        return {"bytes": data.hex(), "isKeyExchange": is_key_exchange}

    async def decrypt(self, request):
        try:
            return await self.open(bytes.fromhex(request["bytes"]), request["isKeyExchange"])
        except (DecryptionFailed, KeyExchangeFailed, ValueError) as error:
            return {"refused": reason(error)}

    async def open(self, data, is_key_exchange):
        key_exchange = None
        if is_key_exchange:
            key_exchange, data = self.wire.read_key_exchange(data, self.other_identity)
        key = self.library.EncryptedKeyMaterialImpl.parse(data, *OTHER)
        session = await self.backend.load_session(*OTHER)
        if key_exchange is not None and session is not None:
            is_same = session.initiation is Initiation.PASSIVE and session.key_exchange.builds_same_session(
                key_exchange
            )
            session = session if is_same else None
        if session is not None:
            material = await self.backend.decrypt_key_material(session, key)
        elif key_exchange is not None:
            session, material = await self.backend.build_session_passive(*OTHER, key_exchange, key)
        else:
            return {"refused": "no-session"}
        await self.backend.store_session(session)
        if key_exchange is not None and await self.backend.delete_pre_key(session):
            await self.refill()
        return {"keyMaterial": (material.key + material.auth_tag).hex()}

    async def rotate(self, _request):
        await self.backend.rotate_signed_pre_key()
        await self.backend.get_bundle(*OWN)
        return {}

    async def sessions(self, _request):
        session = await self.backend.load_session(*OTHER)
        return {"sessions": [] if session is None else [session.key_exchange.header.ephemeral_key.hex()]}

    async def save(self, _request):
        return {"state": self.storage.values}

    async def restore(self, request):
        self.open_store(request["state"])
        return {}


def reason(error):
    """What the library says: a used message key is told from everything else."""
    is_duplicate = isinstance(error.__cause__, doubleratchet.DuplicateMessageException)
    return "duplicate" if is_duplicate else type(error.__cause__ or error).__name__


async def main():
    # The library warns where it gives up late messages; the model counts them.
    warnings.simplefilter("ignore")
    driver = Driver(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        answer = await getattr(driver, request["do"])(request)
        print(json.dumps(answer), flush=True)


asyncio.run(main())
