"""A scripted OMEMO client whose keys and sessions are libomemo-c's, the library of Dino and, as its parent, of ChatSecure.

slixmpp does the XMPP, the program in `libomemo-c/` the rest. It speaks the version of OMEMO it is told
and no other, sends no answer to a key exchange by itself, and trusts every key. Runs under Debian's own Python.
"""

import argparse
import asyncio
import logging
import os
import xml.etree.ElementTree as ET

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from libomemo_device import Device
from libomemo_elements import DIALECTS
from lines import answer_requests, end_with_parent, tell

CLIENT = "jabber:client"

log = logging.getLogger("libomemo-c")


class Client(ClientXMPP):
    def __init__(self, options):
        # The server chooses the resource: the account may have several devices.
        super().__init__(options.jid, os.environ.pop("PEER_PASSWORD"))
        self.own = options.jid
        self.ca_certs = options.ca
        self.dialect = DIALECTS[options.omemo]
        self.device = Device(options.device, options.folder, self.dialect.version)
        self.published = None
        self.incoming = asyncio.Queue()
        self.busy = asyncio.Lock()
        self.tasks = set()
        for plugin in ("xep_0004", "xep_0030", "xep_0060"):
            self.register_plugin(plugin)
        self.register_handler(
            Callback("message", MatchXPath(f"{{{CLIENT}}}message"), self.incoming.put_nowait)
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
            fingerprint = await self.device.own_fingerprint()
            self.begin(self.work())
            # Only now: what waited for us needs the keys.
            self.send_presence()
            tell("ready", device=self.device.id, fingerprint=fingerprint)
        except Exception as error:
            log.exception("start")
            self.give_up(repr(error))

    # What is published

    async def publish(self, node, payload, item=None):
        """With `item`, as one of many in its node."""
        form = self["xep_0004"].make_form("submit")
        form.add_field("FORM_TYPE", "hidden", value="http://jabber.org/protocol/pubsub#publish-options")
        form.add_field("pubsub#persist_items", value="true")
        form.add_field("pubsub#access_model", value="open")
        if item is not None:
            form.add_field("pubsub#max_items", value="max")
        await self["xep_0060"].publish(self.own, node, item or "current", payload, form, timeout=15)

    async def fetch(self, jid, node, item=None):
        """The newest item whatever its id, or the one that is named; None when there is none."""
        ids = None if item is None else [item]
        try:
            reply = await self["xep_0060"].get_items(jid, node, item_ids=ids, timeout=15)
        except IqError as error:
            if error.condition == "item-not-found":
                return None
            raise
        payloads = [item["payload"] for item in reply["pubsub"]["items"]]
        return payloads[-1] if payloads else None

    async def devices_of(self, jid):
        found = await self.fetch(jid, self.dialect.devices)
        return [] if found is None else self.dialect.read_list(found)

    async def publish_device(self):
        known = await self.devices_of(self.own)
        if self.device.id not in known:
            made = self.dialect.write_list([*known, self.device.id])
            await self.publish(self.dialect.devices, made)

    async def publish_bundle(self):
        """Publishes it when it is new or a prekey of it was used."""
        bundle = await self.device.bundle()
        if bundle == self.published:
            return
        node, item = self.dialect.bundle_address(self.device.id)
        await self.publish(node, self.dialect.write_bundle(bundle), item)
        self.published = bundle

    # Sessions

    async def build_session(self, jid, device):
        bundle = await self.fetch(jid, *self.dialect.bundle_address(device))
        if bundle is None:
            raise RuntimeError(f"no bundle of {jid} {device}")
        await self.device.build(jid, device, *self.dialect.read_bundle(bundle))

    async def recipients(self, jid):
        devices = [(owner, id) for owner in (jid, self.own) for id in await self.devices_of(owner)]
        return [device for device in devices if device != (self.own, self.device.id)]

    async def do_send(self, to, text):
        devices = await self.recipients(to)
        if not any(owner == to for owner, _ in devices):
            raise RuntimeError(f"{to} has no device")
        material, sealed = self.dialect.seal(text, self.own, to)
        keys = {}
        for owner, device in devices:
            if not await self.device.has_session(owner, device):
                await self.build_session(owner, device)
            is_key_exchange, data = await self.device.encrypt(owner, device, material)
            key = self.dialect.write_key(device, is_key_exchange, data)
            keys.setdefault(owner, []).append(key)
        message = self.make_message(to, self.dialect.fallback, mtype="chat")
        message.xml.append(self.dialect.write_message(self.device.id, keys, sealed))
        message.xml.append(ET.Element("{urn:xmpp:hints}store"))
        tag = {"namespace": self.dialect.namespace, "name": "OMEMO"}
        message.xml.append(ET.Element("{urn:xmpp:eme:0}encryption", tag))
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
        encrypted = xml.find(self.dialect.q("encrypted"))
        if encrypted is not None:
            text = await self.open(sender, encrypted)
            if text is not None:
                tell("message", sender=sender, text=text, encrypted=True)
        elif xml.findtext(f"{{{CLIENT}}}body") is not None:
            text = xml.findtext(f"{{{CLIENT}}}body")
            tell("message", sender=sender, text=text, encrypted=False)

    async def open(self, sender, encrypted):
        """The text; None when there is none."""
        keys = self.dialect.keys_for(encrypted, self.own, self.device.id)
        payload = encrypted.find(self.dialect.q("payload"))
        if not keys and payload is None:
            return None  # it answers a key exchange of another device of the account
        if len(keys) != 1:
            raise RuntimeError(f"{len(keys)} keys for this device")
        device = int(encrypted.find(self.dialect.q("header")).get("sid"))
        material = await self.device.decrypt(sender, device, *self.dialect.read_key(keys[0]))
        await self.publish_bundle()
        return None if payload is None else self.dialect.open(material, encrypted, sender, self.own)

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
    parser.add_argument("--omemo", choices=sorted(DIALECTS), required=True)
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
