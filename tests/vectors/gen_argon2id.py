# Makes argon2id.json; needs `pip install argon2-cffi==25.1.0 cryptography pynacl`.
import json
from importlib.metadata import version

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as seal


def argon2(password, salt, memory, passes, lanes):
    return hash_secret_raw(
        password.encode(), salt, time_cost=passes, memory_cost=memory,
        parallelism=lanes, hash_len=32, type=Type.ID, version=0x13)


def hkdf(secret, info):
    return HKDF(SHA256(), 32, None, info.encode()).derive(secret)


def public(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


cases = []
for password, salt, memory, passes, lanes in [
    ("correct horse battery staple", bytes(range(16)), 32768, 3, 1),
    ("correct horse battery staple", bytes(range(16)), 19456, 2, 1),
    ("pässwörd ünïcode", bytes(range(100, 116)), 19456, 2, 1),
    ("four lanes", bytes(range(32)), 1024, 2, 4),
    ("", bytes(range(8)), 256, 1, 1),
]:
    cases.append(dict(
        password=password, salt=salt.hex(), memory=memory, passes=passes, lanes=lanes,
        key=argon2(password, salt, memory, passes, lanes).hex()))

# A vault key under a passphrase.
vault_key, salt, nonce = bytes(range(32)), bytes(range(50, 66)), bytes(range(24))
held_key = public(hkdf(vault_key, "omnemo held messages"))
numbers = b"".join(number.to_bytes(4, "big") for number in (19456, 2, 1))
context = b"omnemo vault key 2\n" + numbers + held_key + salt
wrapped = seal(vault_key, context, nonce, argon2("pässwörd ünïcode", salt, 19456, 2, 1))
record = dict(
    passphrase="pässwörd ünïcode", vaultKey=vault_key.hex(), salt=salt.hex(), nonce=nonce.hex(),
    memory=19456, passes=2, lanes=1, heldKey=held_key.hex(), wrapped=wrapped.hex())

# A box.
private, once = bytes(range(1, 33)), bytes(range(33, 65))
shared = X25519PrivateKey.from_private_bytes(once).exchange(
    X25519PublicKey.from_public_bytes(public(private)))
key = hkdf(shared + public(once) + public(private), "a purpose")
box = dict(
    privateKey=private.hex(), publicKey=public(private).hex(), once=once.hex(), purpose="a purpose",
    text="held until later", box=(public(once) + seal(b"held until later", None, bytes(24), key)).hex())

print(json.dumps(dict(
    source="the reference implementation of Argon2 in C, OpenSSL and libsodium, by their bindings for Python",
    version=", ".join(f"{name} {version(name)}" for name in ["argon2-cffi", "cryptography", "pynacl"]),
    command="python3 tests/vectors/gen_argon2id.py > tests/vectors/argon2id.json",
    date="2026-11-26", cases=cases, record=record, box=box), indent=2, ensure_ascii=False))
