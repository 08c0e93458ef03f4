"""Drives Gajim's own window from inside, by JSON lines on stdin and stdout.

It does what a user does: it opens chats, switches their encryption on, puts text into the input field and activates the
action behind the send button. All OMEMO work, and all trust in new devices, is that of Gajim's own OMEMO plugin.
"""

import json
import logging
import os
from contextlib import suppress

from gi.repository import GLib
from nbxmpp.errors import StanzaError
from nbxmpp.protocol import JID

from gajim.common import app, ged
from gajim.plugins import GajimPlugin

ACCOUNT = "peer"
TRY_AGAIN_MS = 100
TRIES = 300

log = logging.getLogger("gajim.p.peer_remote")

# Gajim prints things; nothing but our lines may reach the test.
_lines = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def write(message):
    _lines.write(json.dumps(message) + "\n")


def tell(event, **details):
    write({"event": event, **details})


class Later(Exception):
    """Raised by what has to be tried again."""


class PeerRemote(GajimPlugin):
    def init(self):
        self.events_handlers = {
            "signed-in": (ged.POSTGUI, self._on_signed_in),
            "message-received": (ged.POSTGUI, self._on_message),
            "mam-message-received": (ged.POSTGUI, self._on_message),
            "message-sent": (ged.POSTGUI, self._on_sent),
            "message-not-sent": (ged.POSTGUI, self._on_not_sent),
        }
        self._rest = b""
        self._devices = []
        self._has_bundle = False
        self._sent = None

    def activate(self):
        os.set_blocking(0, False)
        condition = GLib.IOCondition.IN | GLib.IOCondition.HUP
        GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, condition, self._on_input)

    # Requests

    def _on_input(self, _source, _condition):
        try:
            data = os.read(0, 65536)
        except BlockingIOError:
            return True
        if not data:  # the end of the input is the order to log out
            app.app.start_shutdown(message="")
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._handle(json.loads(line))
        return True

    def _handle(self, request):
        number, name = request.pop("id"), request.pop("do")

        def refuse(why):
            write({"id": number, "ok": False, "error": why})

        self._repeat(lambda: write({"id": number, "ok": True, **getattr(self, "do_" + name)(**request)}), refuse)

    @staticmethod
    def _repeat(step, give_up):
        """Tries until the step does not ask for more time; Gajim goes on in between."""
        tries = TRIES

        def attempt():
            nonlocal tries
            try:
                step()
            except Later as error:
                tries -= 1
                if tries > 0:
                    return True
                give_up(f"still: {error}")
            except Exception as error:
                log.exception("peer remote")
                give_up(repr(error))
            return False

        if attempt():
            GLib.timeout_add(TRY_AGAIN_MS, attempt)

    # Events

    def _on_signed_in(self, _event):
        self._devices, self._has_bundle = [], False
        self._repeat(self._tell_ready, lambda why: tell("failed", why=why))

    def _on_message(self, event):
        properties = event.properties
        if not event.msgtxt:  # receipts, markers, chat states
            return
        if self._is_ours(properties) or self._is_older(properties):
            return
        encrypted = properties.encrypted
        # It shows a text of its own in place of what it could not open, and of what was not for this device.
        is_open = encrypted is not None and encrypted.additional_data.get("fingerprint") is not None
        if properties.eme is not None and not is_open:
            tell("undecrypted", error=event.msgtxt)
        else:
            tell("message", sender=JID.from_string(str(event.jid)).bare, text=event.msgtxt, encrypted=is_open)

    def _is_ours(self, properties):
        """Written by another device of this account: a copy of it comes, live or from the archive."""
        writer = properties.from_
        own = self._client().get_own_jid().bare
        return properties.is_sent_carbon or (writer is not None and writer.bare == own)

    @staticmethod
    def _is_older(properties):
        """From the archive and from before this device: it was not for it. Our file came with the device."""
        return properties.is_mam_message and properties.mam.timestamp < os.stat(__file__).st_mtime

    def _on_sent(self, event):
        if event.message:
            is_encrypted = bool(event.additional_data.get("encrypted"))
            self._sent = (str(event.jid), event.message, is_encrypted)

    def _on_not_sent(self, event):
        self._sent = event.error

    # Gajim's parts

    @staticmethod
    def _client():
        return app.get_client(ACCOUNT)

    def _omemo(self):
        return self._client().get_module("OMEMO")

    # nbxmpp holds callbacks weakly, so these must be methods. What is not there yet is asked for again.

    def _on_devices(self, task):
        with suppress(StanzaError):
            self._devices = list(task.finish() or [])

    def _on_bundle(self, task):
        with suppress(StanzaError):
            self._has_bundle = task.finish() is not None

    def _tell_ready(self):
        """Once the server shows the own device and its keys to others."""
        backend = self._omemo().backend
        own = str(self._client().get_own_jid().bare)
        nbxmpp = self._client().connection.get_module("OMEMO")
        if backend.own_device not in self._devices:
            nbxmpp.request_devicelist(jid=own, callback=self._on_devices)
            raise Later("the own device is not listed")
        if not self._has_bundle:
            nbxmpp.request_bundle(own, backend.own_device, callback=self._on_bundle)
            raise Later("the own keys are not there")
        tell("ready", device=backend.own_device, fingerprint=backend.own_fingerprint)

    def _require_session(self, jid):
        """Gajim asks for lists and keys by itself; a user would see that the chat is not encrypted yet, and wait."""
        backend = self._omemo().backend
        if not backend.get_devices(jid, without_self=True):
            raise Later(f"no device of {jid}")
        if backend.devices_without_sessions(jid):
            raise Later(f"no session with a device of {jid}")

    def _show(self, jid):
        target = JID.from_string(jid)
        if not app.window.chat_exists(ACCOUNT, target):
            app.window.add_chat(ACCOUNT, target, "contact", select=True)
        app.window.select_chat(ACCOUNT, target)
        contact = self._client().get_module("Contacts").get_contact(target)
        contact.settings.set("encryption", "OMEMO")
        control = app.window.get_control()
        if control is None or not control.is_loaded(ACCOUNT, target):
            raise Later(f"the chat with {jid} is not on screen")

    # What can be asked of it

    def do_send(self, to, text):
        self._require_session(to)
        self._show(to)
        self._sent = None
        field = app.window.get_chat_stack().get_message_input()
        field.clear()
        field.insert_text(text)
        app.window.activate_action("send-message", None)
        if self._sent is None and field.has_text:
            # The action is off while Gajim is busy with something else; the text still stands there.
            raise Later("the text was not taken")
        if self._sent != (to, text, True):
            raise RuntimeError(f"instead of an encrypted message: {self._sent}")
        return {}

    def do_fingerprints(self, jid):
        rows = self._omemo().backend.storage.getFingerprints(jid)
        return {"fingerprints": sorted(row.public_key.get_fingerprint() for row in rows)}
