"""The program of `libomemo-c/`, which has the keys and sessions of one device, asked line by line."""

import asyncio
import pathlib
import secrets

#: What the library calls the versions of OMEMO.
FIRST, OMEMO_2 = 3, 4


class Device:
    """Bytes go in and out of the program as hex. `version` is the session version; each has sessions of its own."""

    def __init__(self, program, folder, version):
        self.program, self.folder, self.version = program, pathlib.Path(folder), version
        self.process = None
        self.id = 0

    async def start(self):
        kept = self.folder / "device-id"
        self.id = int(kept.read_text()) if kept.exists() else 1 + secrets.randbelow(2**31 - 1)
        self.process = await asyncio.create_subprocess_exec(
            *(self.program, str(self.folder), str(self.id)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )

    async def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        answer = (await self.process.stdout.readline()).decode().split()
        if answer[:1] != ["ok"]:
            raise RuntimeError(f"{words[0]}: {' '.join(answer) or 'the program has ended'}")
        return answer[1:]

    async def has_session(self, jid, device):
        return await self.ask("has", self.version, jid, device) == ["1"]

    async def bundle(self):
        return await self.ask("bundle", self.version)

    async def build(self, jid, device, *bundle):
        await self.ask("build", self.version, jid, device, *bundle)

    async def encrypt(self, jid, device, plain):
        is_key_exchange, sealed = await self.ask("encrypt", self.version, jid, device, plain.hex())
        return is_key_exchange == "1", bytes.fromhex(sealed)

    async def decrypt(self, jid, device, is_key_exchange, sealed):
        words = ("decrypt", self.version, jid, device, int(is_key_exchange), sealed.hex())
        return bytes.fromhex((await self.ask(*words))[0])

    async def own_fingerprint(self):
        """Of the identity key in X25519 form, whatever the version has on the wire."""
        return (await self.ask("bundle", FIRST))[0][-64:]

    async def fingerprint(self, jid, device):
        """None for a device without a session."""
        return next(iter(await self.ask("identity", jid, device)), None)

    async def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            await self.process.wait()
