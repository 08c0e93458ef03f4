"""A scripted OMEMO client: slixmpp and python-omemo, unmodified, with one of its backends. Runs under Debian's own Python.

It knows the version of OMEMO it is told to speak and no other. Its keys stay in the folder it is given, so that it goes
on with the same device when it is started again.
"""

import argparse
import asyncio
import logging
import os
import sys
import uuid
import xml.etree.ElementTree as ET

import omemo
from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from dialects import DIALECTS
from lines import answer_requests, end_with_parent, tell
from storage import Storage

CLIENT = "jabber:client"
PUBSUB = "http://jabber.org/protocol/pubsub"
EVENT = PUBSUB + "#event"
DATA = "jabber:x:data"
TRUSTED, UNDECIDED = "trusted", "undecided"

log = logging.getLogger("bot")


def bare(jid):
    return str(jid).partition("/")[0]


def q(namespace, name):
    return f"{{{namespace}}}{name}"


def element(ns, tag, /, text=None, children=(), **attributes):
    made = ET.Element(q(ns, tag), attributes)
    made.text = text
    made.extend(children)
    return made


def publish_options(is_one_of_many):
    def field(name, value, **attributes):
        return element(DATA, "field", var=name, children=[element(DATA, "value", value)], **attributes)

    fields = [
        field("FORM_TYPE", PUBSUB + "#publish-options", type="hidden"),
        field("pubsub#persist_items", "true"),
        field("pubsub#access_model", "open"),
    ]
    if is_one_of_many:
        fields.append(field("pubsub#max_items", "max"))
    form = element(DATA, "x", type="submit", children=fields)
    return element(PUBSUB, "publish-options", children=[form])


def session_manager_class(bot):
    """python-omemo calls most hooks without an instance, hence the closure."""
    dialect = bot.dialect

    class Manager(omemo.SessionManager):
        @staticmethod
        async def _upload_bundle(bundle):
            node, item = dialect.bundle_node(bundle.device_id), dialect.bundle_item(bundle.device_id)
            try:
                await bot.publish(node, dialect.etree.serialize_bundle(bundle), item)
            except (IqError, IqTimeout) as error:
                raise omemo.BundleUploadFailed(str(error)) from error

        @staticmethod
        async def _download_bundle(namespace, bare_jid, device_id):
            try:
                node, item = dialect.bundle_node(device_id), dialect.bundle_item(device_id)
                found = await bot.fetch(bare_jid, node, item)
            except (IqError, IqTimeout) as error:
                raise omemo.BundleDownloadFailed(str(error)) from error
            if found is None:
                raise omemo.BundleNotFound(f"{bare_jid} {device_id}")
            return dialect.etree.parse_bundle(found, bare_jid, device_id)

        @staticmethod
        async def _delete_bundle(namespace, device_id):
            raise omemo.BundleDeletionFailed("never needed here")

        @staticmethod
        async def _upload_device_list(namespace, device_list):
            payload = dialect.etree.serialize_device_list(device_list)
            try:
                await bot.publish(dialect.devices, payload)
            except (IqError, IqTimeout) as error:
                raise omemo.DeviceListUploadFailed(str(error)) from error

        @staticmethod
        async def _download_device_list(namespace, bare_jid):
            try:
                found = await bot.fetch(bare_jid, dialect.devices)
            except IqError as error:
                if error.condition == "item-not-found":
                    return {}
                raise omemo.DeviceListDownloadFailed(str(error)) from error
            except IqTimeout as error:
                raise omemo.DeviceListDownloadFailed(str(error)) from error
            return {} if found is None else dialect.etree.parse_device_list(found)

        async def _evaluate_custom_trust_level(self, device):
            is_trusted = device.trust_level_name == TRUSTED
            return omemo.TrustLevel.TRUSTED if is_trusted else omemo.TrustLevel.UNDECIDED

        async def _make_trust_decision(self, undecided, identifier):
            for device in undecided:
                await self.set_trust(device.bare_jid, device.identity_key, TRUSTED)

        @staticmethod
        async def _send_message(message, bare_jid):
            bot.send_omemo(bare_jid, message)

    return Manager


class Bot(ClientXMPP):
    def __init__(self, options):
        # The server chooses the resource: the account may have several devices.
        super().__init__(options.jid, os.environ.pop("PEER_PASSWORD"))
        self.own = options.jid
        self.dialect = DIALECTS[options.omemo]
        self.ca_certs = options.ca
        self.storage = Storage(os.path.join(options.folder, "omemo.sqlite"))
        self.manager = None
        self.incoming = asyncio.Queue()
        self.busy = asyncio.Lock()
        self.tasks = set()
        for plugin in ("xep_0030", "xep_0060", "xep_0115", "xep_0163"):
            self.register_plugin(plugin)
        self["xep_0163"].add_interest(self.dialect.devices)
        self.register_handler(
            Callback("message", MatchXPath(q(CLIENT, "message")), self.incoming.put_nowait)
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
            await self.get_roster()
            self.manager = await session_manager_class(self).create(
                *([self.dialect.backend(self.storage)], self.storage),
                *(self.own, "bot", UNDECIDED),
            )
            await self.manager.after_history_sync()
            await self.manager.ensure_data_consistency()
            device, _ = await self.manager.get_own_device_information()
            self.begin(self.work())
            # Only now: what waited for us needs the keys.
            self.send_presence()
            fingerprint = "".join(self.manager.format_identity_key(device.identity_key))
            tell("ready", device=device.device_id, fingerprint=fingerprint)
        except Exception as error:
            log.exception("start")
            self.give_up(repr(error))

    async def ask(self, kind, children, to=None):
        iq = self.Iq()
        iq["type"] = kind
        if to:
            iq["to"] = to
        iq.xml.append(element(PUBSUB, "pubsub", children=children))
        return (await iq.send(timeout=15)).xml

    async def fetch(self, jid, node, item=None):
        """The newest item whatever its id, as clients differ in it, or the one that is named."""
        named = [] if item is None else [element(PUBSUB, "item", id=item)]
        reply = await self.ask("get", [element(PUBSUB, "items", node=node, children=named)], to=jid)
        found = reply.findall(f".//{q(PUBSUB, 'item')}")
        return found[-1][0] if found and len(found[-1]) else None

    async def publish(self, node, payload, item=None):
        """With `item`, as one of many in its node."""
        made = element(PUBSUB, "item", id=item or "current", children=[payload])
        publish = element(PUBSUB, "publish", node=node, children=[made])
        await self.ask("set", [publish, publish_options(is_one_of_many=item is not None)])

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
        sender = bare(xml.get("from", self.own))
        items = xml.find(f"{q(EVENT, 'event')}/{q(EVENT, 'items')}")
        encrypted = xml.find(q(self.dialect.namespace, "encrypted"))
        if items is not None:
            await self.on_event(sender, items)
        elif encrypted is not None:
            text = await self.open(sender, encrypted)
            if text is not None:
                tell("message", sender=sender, text=text, encrypted=True)
        elif xml.findtext(q(CLIENT, "body")) is not None:
            tell("message", sender=sender, text=xml.findtext(q(CLIENT, "body")), encrypted=False)

    async def open(self, sender, encrypted):
        """The text; None when there is none."""
        message = await self.dialect.parse(encrypted, sender, self.own, self.manager)
        try:
            plain, _, _ = await self.manager.decrypt(message)
        except omemo.MessageNotForUs:
            # One without text answers a key exchange of another device of the account.
            if encrypted.find(q(self.dialect.namespace, "payload")) is not None:
                raise
            return None
        return None if plain is None else self.dialect.open(plain, sender, self.own)

    async def on_event(self, sender, items):
        found = items.findall(q(EVENT, "item"))
        if items.get("node") == self.dialect.devices and found and len(found[-1]):
            devices = self.dialect.etree.parse_device_list(found[-1][0])
            await self.manager.update_device_list(self.dialect.namespace, sender, devices)

    def send_omemo(self, to, message, has_text=False):
        namespace = self.dialect.namespace
        stanza = self.Message()
        stanza["to"] = to
        stanza["type"] = "chat"
        stanza["id"] = str(uuid.uuid4())
        stanza.xml.append(self.dialect.etree.serialize_message(message))
        stanza.xml.append(element("urn:xmpp:hints", "store"))
        if has_text:
            tag = element("urn:xmpp:eme:0", "encryption", namespace=namespace, name="OMEMO")
            stanza.xml.append(tag)
            if self.dialect.fallback is not None:
                stanza["body"] = self.dialect.fallback
        stanza.send()

    async def do_send(self, to, text):
        namespace = self.dialect.namespace
        await self.manager.refresh_device_list(namespace, to)
        plain = {namespace: self.dialect.seal(text, self.own, to)}
        messages, errors = await self.manager.encrypt(frozenset([to]), plain)
        if errors or not messages:
            raise RuntimeError(f"not encrypted for every device: {errors}")
        for message in messages:
            self.send_omemo(to, message, has_text=True)
        return {}

    async def do_fingerprints(self, jid):
        await self.manager.refresh_device_list(self.dialect.namespace, jid)
        known = await self.manager.get_device_information(jid)
        keys = ["".join(self.manager.format_identity_key(d.identity_key)) for d in known]
        return {"fingerprints": sorted(keys)}

    async def answer(self, name, details):
        async with self.busy:
            return await getattr(self, "do_" + name)(**details)

    async def serve(self):
        await answer_requests(self.answer)
        # The end of the input is the order to log out.
        await self.disconnect()
        self.loop.stop()


def main():
    end_with_parent()
    parser = argparse.ArgumentParser()
    parser.add_argument("--omemo", choices=sorted(DIALECTS), required=True)
    parser.add_argument("--jid", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--ca", required=True)
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
    bot = Bot(options)
    bot.begin(bot.serve())
    bot.connect(address=("127.0.0.1", options.port), force_starttls=True)
    bot.loop.run_forever()


main()
