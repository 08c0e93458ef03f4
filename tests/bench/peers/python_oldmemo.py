"""One round of the scenarios of ../core/scenarios.ts with python-oldmemo, its records as JSON text in memory.

A driver of our own that uses Debian's packages for measuring only; no part of the extension. Prints the times as JSON.
"""

import asyncio
import json
import time
import warnings

import x3dh
from oldmemo import oldmemo
from omemo.session import Initiation
from omemo.storage import Just, Maybe, Nothing, Storage

MESSAGES = 1000
REPEATS = 20
KEY_MATERIAL = oldmemo.PlainKeyMaterialImpl(bytes(range(1, 17)), bytes(range(17, 33)))


class Memory(Storage):
    """Keeps what the library stores as JSON text, as a file would; the library's own cache is on, as by default."""

    def __init__(self):
        super().__init__()
        self.values = {}

    async def _load(self, key) -> Maybe:
        return Just(json.loads(self.values[key])) if key in self.values else Nothing()

    async def _store(self, key, value):
        self.values[key] = json.dumps(value)

    async def _delete(self, key):
        self.values.pop(key, None)


class Device:
    def __init__(self):
        self.storage = Memory()
        self.backend = oldmemo.Oldmemo(self.storage)

    async def make(self, prekeys):
        await self.backend.generate_pre_keys(prekeys)
        # Computes the public keys.
        await self.backend.get_bundle("own@localhost", 1)
        return self

    async def bundle(self, jid):
        made = await self.backend.get_bundle(jid, 1)
        keys = made.bundle
        first = min(made.pre_key_ids, key=made.pre_key_ids.get)
        one = x3dh.Bundle(
            keys.identity_key, keys.signed_pre_key, keys.signed_pre_key_sig, frozenset([first])
        )
        ids = {first: made.pre_key_ids[first]}
        return oldmemo.BundleImpl(jid, 1, one, made.signed_pre_key_id, ids)

    async def start(self, bundle):
        session, key = await self.backend.build_session_active(bundle.bare_jid, 1, bundle, KEY_MATERIAL)
        await self.backend.store_session(session)
        return session.key_exchange.serialize(key.serialize())[0]

    async def encrypt(self, jid):
        session = await self.backend.load_session(jid, 1)
        key = await self.backend.encrypt_key_material(session, KEY_MATERIAL)
        await self.backend.store_session(session)
        return key.serialize()

    async def accept(self, jid, data, sign):
        key_exchange, data = oldmemo.KeyExchangeImpl.parse(data, sign)
        key = oldmemo.EncryptedKeyMaterialImpl.parse(data, jid, 1)
        session, material = await self.backend.build_session_passive(jid, 1, key_exchange, key)
        assert session.initiation is Initiation.PASSIVE
        await self.backend.store_session(session)
        return material

    async def decrypt(self, jid, data):
        key = oldmemo.EncryptedKeyMaterialImpl.parse(data, jid, 1)
        session = await self.backend.load_session(jid, 1)
        material = await self.backend.decrypt_key_material(session, key)
        await self.backend.store_session(session)
        return material

    def copy_session(self, source, target):
        for key, value in list(self.storage.values.items()):
            if f"/{source}/" in key:
                self.storage.values[key.replace(f"/{source}/", f"/{target}/")] = value


def check(material):
    whole = material.key + material.auth_tag
    assert whole == KEY_MATERIAL.key + KEY_MATERIAL.auth_tag, "another key came out than went in"


async def timed(work):
    begin = time.perf_counter()
    result = await work
    return (time.perf_counter() - begin) * 1e3, result


async def each(works):
    for work in works:
        await work


async def making(times):
    times["a"], device = await timed(Device().make(100))
    for count in (1, 10, 100):
        bundles = [await (await Device().make(1)).bundle(f"b{count}-{i}@localhost") for i in range(count)]
        times[f"b{count}"], _ = await timed(each(device.start(bundle) for bundle in bundles))


async def acquainted():
    alice, bob = await Device().make(100), await Device().make(100)
    first = await alice.start(await bob.bundle("bob"))
    sign = bool((await alice.bundle("alice")).bundle.identity_key[31] & 0x80)
    check(await bob.accept("alice", first, sign))
    check(await alice.decrypt("bob", await bob.encrypt("alice")))
    check(await bob.decrypt("alice", await alice.encrypt("bob")))
    return alice, bob


async def fan_out(times):
    alice, _bob = await acquainted()
    for count in (1, 10, 100):
        names = [f"c{count}-{i}" for i in range(count)]
        for name in names:
            alice.copy_session("bob", name)
        rounds = [
            (await timed(each(alice.encrypt(name) for name in names)))[0]
            for _ in range(1 if count > 10 else REPEATS)
        ]
        times[f"c{count}"] = sorted(rounds)[len(rounds) // 2]


async def talk(alice, bob):
    for _ in range(MESSAGES // 2):
        await bob.decrypt("alice", await alice.encrypt("bob"))
        last = await alice.decrypt("bob", await bob.encrypt("alice"))
    check(last)


async def talking(times):
    alice, bob = await acquainted()
    sent = [await alice.encrypt("bob") for _ in range(MESSAGES)]
    times["d"], _ = await timed(each(bob.decrypt("alice", message) for message in sent))
    times["e"], _ = await timed(talk(alice, bob))
    for _ in range(MESSAGES):
        await alice.encrypt("bob")
    late = await alice.encrypt("bob")
    times["f"], last = await timed(bob.decrypt("alice", late))
    check(last)


async def main():
    # The library warns where it gives up late messages; nothing is late here that it would have to open.
    warnings.simplefilter("ignore")
    times = {}
    await making(times)
    await fan_out(times)
    await talking(times)
    print(json.dumps(times))


asyncio.run(main())
