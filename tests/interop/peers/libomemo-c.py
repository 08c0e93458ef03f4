"""A scripted OMEMO client whose keys and sessions are libomemo-c's, the library of Dino and, as its parent, of ChatSecure.

slixmpp does the XMPP, the program in `libomemo-c/` the rest. It speaks the first OMEMO, sends no answer to a key
exchange by itself, and trusts every key. Runs under Debian's own Python.
"""

import argparse
import asyncio
import base64
import logging
import os
import pathlib
import secrets
import xml.etree.ElementTree as ET

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from lines import answer_requests, end_with_parent, tell

NAMESPACE = "eu.siacs.conversations.axolotl"
DEVICES = NAMESPACE + ".devicelist"
#: What the library calls it.
SESSION_VERSION = 3
CLIENT = "jabber:client"
FALLBACK = "This message is OMEMO-encrypted."

log = logging.getLogger("libomemo-c")


def q(name, namespace=NAMESPACE):
    return f"{{{namespace}}}{name}"


def element(tag, text=None, children=(), **attributes):
    made = ET.Element(q(tag), attributes)
    made.text = text
    made.extend(children)
    return made


def to_base64(hex_text):
    return base64.b64encode(bytes.fromhex(hex_text)).decode()


def from_base64(found):
    return base64.b64decode(found.text)


class Device:
    """The program with the keys. Bytes go in and out as hex."""

    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)
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
        return await self.ask("has", SESSION_VERSION, jid, device) == ["1"]

    async def bundle(self):
        return await self.ask("bundle", SESSION_VERSION)

    async def build(self, jid, device, *bundle):
        await self.ask("build", SESSION_VERSION, jid, device, *bundle)

    async def encrypt(self, jid, device, plain):
        is_key_exchange, sealed = await self.ask("encrypt", SESSION_VERSION, jid, device, plain.hex())
        return is_key_exchange == "1", sealed

    async def decrypt(self, jid, device, is_key_exchange, sealed):
        words = ("decrypt", SESSION_VERSION, jid, device, int(is_key_exchange), sealed.hex())
        return bytes.fromhex((await self.ask(*words))[0])

    async def fingerprint(self, jid, device):
        """None for a device without a session."""
        return next(iter(await self.ask("identity", jid, device)), None)

    async def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            await self.process.wait()


class Client(ClientXMPP):
    def __init__(self, options):
        # The server chooses the resource: the account may have several devices.
        super().__init__(options.jid, os.environ.pop("PEER_PASSWORD"))
        self.own = options.jid
        self.ca_certs = options.ca
        self.device = Device(options.device, options.folder)
        self.published = None
        self.incoming = asyncio.Queue()
        self.busy = asyncio.Lock()
        self.tasks = set()
        for plugin in ("xep_0004", "xep_0030", "xep_0060"):
            self.register_plugin(plugin)
        self.register_handler(
            Callback("message", MatchXPath(q("message", CLIENT)), self.incoming.put_nowait)
        )
        self.add_event_handler("session_start", self.session_start)
        self.add_event_handler("failed_auth", lambda _: self.give_up("authentication failed"))

    def begin(self, coroutine):
        """Starts a task and keeps it: the event loop itself holds tasks weakly."""
        task = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def give_up(self, why):
        tell("failed", why=why)
        self.loop.stop()

    async def session_start(self, _):
        try:
            await self.device.start()
            await self.get_roster()
            await self.publish_bundle()
            await self.publish_device()
            self.begin(self.work())
            # Only now: what waited for us needs the keys.
            self.send_presence()
            tell("ready", device=self.device.id, fingerprint=self.published[0][-64:])
        except Exception as error:
            log.exception("start")
            self.give_up(repr(error))

    # What is published

    async def publish(self, node, payload):
        form = self["xep_0004"].make_form("submit")
        form.add_field("FORM_TYPE", "hidden", value="http://jabber.org/protocol/pubsub#publish-options")
        form.add_field("pubsub#persist_items", value="true")
        form.add_field("pubsub#access_model", value="open")
        await self["xep_0060"].publish(self.own, node, "current", payload, form, timeout=15)

    async def fetch(self, jid, node):
        """The newest item whatever its id, or None."""
        try:
            reply = await self["xep_0060"].get_items(jid, node, timeout=15)
        except IqError as error:
            if error.condition == "item-not-found":
                return None
            raise
        payloads = [item["payload"] for item in reply["pubsub"]["items"]]
        return payloads[-1] if payloads else None

    async def devices_of(self, jid):
        found = await self.fetch(jid, DEVICES)
        return [] if found is None else [int(device.get("id")) for device in found.iter(q("device"))]

    async def publish_device(self):
        known = await self.devices_of(self.own)
        if self.device.id not in known:
            children = [element("device", id=str(id)) for id in [*known, self.device.id]]
            await self.publish(DEVICES, element("list", children=children))

    async def publish_bundle(self):
        """Publishes it when it is new or a prekey of it was used."""
        bundle = await self.device.bundle()
        if bundle == self.published:
            return
        identity, signed_id, signed, signature, *prekeys = bundle
        pairs = [prekey.split(":") for prekey in prekeys]
        public = [element("preKeyPublic", to_base64(key), preKeyId=id) for id, key in pairs]
        children = [
            element("signedPreKeyPublic", to_base64(signed), signedPreKeyId=signed_id),
            element("signedPreKeySignature", to_base64(signature)),
            element("identityKey", to_base64(identity)),
            element("prekeys", children=public),
        ]
        await self.publish(f"{NAMESPACE}.bundles:{self.device.id}", element("bundle", children=children))
        self.published = bundle

    # Sessions

    async def build_session(self, jid, device):
        bundle = await self.fetch(jid, f"{NAMESPACE}.bundles:{device}")
        if bundle is None:
            raise RuntimeError(f"no bundle of {jid} {device}")
        signed = bundle.find(q("signedPreKeyPublic"))
        prekey = secrets.choice(bundle.findall(f"{q('prekeys')}/{q('preKeyPublic')}"))
        await self.device.build(
            *(jid, device, from_base64(bundle.find(q("identityKey"))).hex()),
            *(signed.get("signedPreKeyId"), from_base64(signed).hex()),
            from_base64(bundle.find(q("signedPreKeySignature"))).hex(),
            *(prekey.get("preKeyId"), from_base64(prekey).hex()),
        )

    async def recipients(self, jid):
        devices = [(owner, id) for owner in (jid, self.own) for id in await self.devices_of(owner)]
        return [device for device in devices if device != (self.own, self.device.id)]

    async def do_send(self, to, text):
        devices = await self.recipients(to)
        if not any(owner == to for owner, _ in devices):
            raise RuntimeError(f"{to} has no device")
        key, iv = secrets.token_bytes(16), secrets.token_bytes(12)
        sealed = AESGCM(key).encrypt(iv, text.encode(), None)
        keys = []
        for owner, device in devices:
            if not await self.device.has_session(owner, device):
                await self.build_session(owner, device)
            is_key_exchange, bytes_ = await self.device.encrypt(owner, device, key + sealed[-16:])
            flag = {"prekey": "true"} if is_key_exchange else {}
            keys.append(element("key", to_base64(bytes_), rid=str(device), **flag))
        keys.append(element("iv", base64.b64encode(iv).decode()))
        header = element("header", children=keys, sid=str(self.device.id))
        payload = element("payload", base64.b64encode(sealed[:-16]).decode())
        message = self.make_message(to, FALLBACK, mtype="chat")
        message.xml.append(element("encrypted", children=[header, payload]))
        message.xml.append(ET.Element(q("store", "urn:xmpp:hints")))
        message.send()
        return {}

    async def do_fingerprints(self, jid):
        known = [await self.device.fingerprint(jid, id) for id in await self.devices_of(jid)]
        return {"fingerprints": sorted(filter(None, known))}

    # What arrives

    async def work(self):
        """Everything that arrives is handled in the order in which it arrived."""
        while True:
            stanza = await self.incoming.get()
            try:
                async with self.busy:
                    await self.on_message(stanza.xml)
            except Exception as error:
                log.exception("incoming")
                tell("undecrypted", error=repr(error))

    async def on_message(self, xml):
        sender = xml.get("from", self.own).partition("/")[0]
        encrypted = xml.find(q("encrypted"))
        if encrypted is not None:
            text = await self.open(sender, encrypted)
            if text is not None:
                tell("message", sender=sender, text=text, encrypted=True)
        elif xml.findtext(q("body", CLIENT)) is not None:
            tell("message", sender=sender, text=xml.findtext(q("body", CLIENT)), encrypted=False)

    async def open(self, sender, encrypted):
        """The text; None when there is none."""
        header = encrypted.find(q("header"))
        keys = [key for key in header.findall(q("key")) if key.get("rid") == str(self.device.id)]
        payload = encrypted.find(q("payload"))
        if not keys and payload is None:
            return None  # it answers a key exchange of another device of the account
        if len(keys) != 1:
            raise RuntimeError(f"{len(keys)} keys for this device")
        is_key_exchange = keys[0].get("prekey") in ("true", "1")
        device = int(header.get("sid"))
        material = await self.device.decrypt(sender, device, is_key_exchange, from_base64(keys[0]))
        await self.publish_bundle()
        if payload is None:
            return None
        key, tag = material[:16], material[16:]
        sealed = from_base64(payload) + tag
        return AESGCM(key).decrypt(from_base64(header.find(q("iv"))), sealed, None).decode()

    async def answer(self, name, details):
        async with self.busy:
            return await getattr(self, "do_" + name)(**details)

    async def serve(self):
        await answer_requests(self.answer)
        # The end of the input is the order to log out.
        await self.disconnect()
        await self.device.stop()
        self.loop.stop()


def main():
    end_with_parent()
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", required=True, help="the built program")
    parser.add_argument("--jid", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--ca", required=True)
    options = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG)
    client = Client(options)
    client.begin(client.serve())
    client.connect(address=("127.0.0.1", options.port), force_starttls=True)
    client.loop.run_forever()


main()
