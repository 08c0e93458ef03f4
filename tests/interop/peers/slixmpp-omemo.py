"""A scripted client on slixmpp-omemo, the plugin that most bots use, as PyPI has it. Runs in the tests' own environment.

Everything of OMEMO is the plugin's: it speaks both versions in one account, and blindly trusts keys as its users do.
"""

import argparse
import asyncio
import logging
import os
import sys

from omemo import OMEMOException
from slixmpp import ClientXMPP
from slixmpp.jid import JID
from slixmpp.plugins.base import register_plugin
from slixmpp_omemo import XEP_0384

from lines import answer_requests, end_with_parent, tell
from storage import Storage

log = logging.getLogger("client")


class Omemo(XEP_0384):
    default_config = {**XEP_0384.default_config, "folder": None}

    def plugin_init(self):
        self.kept = Storage(os.path.join(self.folder, "omemo.sqlite"))
        super().plugin_init()

    @property
    def storage(self):
        return self.kept

    @property
    def _btbv_enabled(self):
        return True

    async def _prompt_manual_trust(self, manually_trusted, identifier):
        raise OMEMOException(f"nobody is here to judge {manually_trusted}")


register_plugin(Omemo)


class Client(ClientXMPP):
    def __init__(self, options):
        # The server chooses the resource: the account may have several devices.
        super().__init__(options.jid, os.environ.pop("PEER_PASSWORD"))
        self.ca_certs = options.ca
        # The port of the tests speaks STARTTLS.
        self.enable_direct_tls = False
        self.incoming = asyncio.Queue()
        self.busy = asyncio.Lock()
        self.tasks = set()
        self.register_plugin("xep_0115")
        config = {"folder": options.folder}
        self.register_plugin("xep_0384", config, module=sys.modules[__name__])
        self.add_event_handler("session_start", self.session_start)
        self.add_event_handler("message", self.incoming.put_nowait)
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
            manager = await self["xep_0384"].get_session_manager()
            device, _ = await manager.get_own_device_information()
            self.begin(self.work())
            # Only now: what waited for us needs the keys.
            self.send_presence()
            fingerprint = "".join(manager.format_identity_key(device.identity_key))
            tell("ready", device=device.device_id, fingerprint=fingerprint)
        except Exception as error:
            log.exception("start")
            self.give_up(repr(error))

    async def work(self):
        """Everything that arrives is handled in the order in which it arrived."""
        while True:
            stanza = await self.incoming.get()
            try:
                async with self.busy:
                    await self.on_message(stanza)
            except Exception as error:
                log.exception("incoming")
                tell("undecrypted", error=repr(error))

    async def on_message(self, stanza):
        is_encrypted = bool(self["xep_0384"].is_encrypted(stanza))
        if is_encrypted:
            stanza, _ = await self["xep_0384"].decrypt_message(stanza)
        if stanza["body"]:
            sender = stanza["from"].bare
            tell("message", sender=sender, text=stanza["body"], encrypted=is_encrypted)

    async def do_send(self, to, text):
        plugin, recipient = self["xep_0384"], JID(to)
        # What a program with windows does when a chat is opened: the list may not have been pushed yet.
        if not await self.devices(to):
            await plugin.refresh_device_lists({recipient}, force_download=True)
        plain = self.make_message(mto=recipient, mbody=text, mtype="chat")
        encrypted, errors = await plugin.encrypt_message(plain, recipient)
        if errors or encrypted is None:
            raise RuntimeError(f"not encrypted for every device: {errors}")
        encrypted.send()
        return {}

    async def devices(self, jid):
        manager = await self["xep_0384"].get_session_manager()
        return await manager.get_device_information(jid)

    async def do_fingerprints(self, jid):
        manager = await self["xep_0384"].get_session_manager()
        known = await self.devices(jid)
        keys = ["".join(manager.format_identity_key(device.identity_key)) for device in known]
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
    parser.add_argument("--jid", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--ca", required=True)
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.DEBUG)
    client = Client(options)
    client.begin(client.serve())
    client.connect("127.0.0.1", options.port)
    client.loop.run_forever()


main()
