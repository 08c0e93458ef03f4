"""Libervia's backend, unmodified, driven over a D-Bus session bus of its own by the calls that its frontends make.

Its home is the folder it is given, so that it goes on with the same device when it is started again.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

from gi.repository import Gio, GLib

from lines import end_with_parent, tell, write

NAME = "org.libervia.Libervia"
PATH = "/org/libervia/Libervia/bridge"
PROFILE = "peer"
NO_LIMIT = -1
#: Of the calls used here.
SIGNATURES = {
    "getReady": ("core", ""),
    "isConnected": ("core", "s"),
    "profileCreate": ("core", "sss"),
    "profileStartSession": ("core", "ss"),
    "setParam": ("core", "sssis"),
    "connect": ("core", "ssa{ss}"),
    "disconnect": ("core", "s"),
    "messageSend": ("core", "sa{ss}a{ss}sss"),
    "messageEncryptionStart": ("core", "ssbs"),
    "encryptionTrustUIGet": ("core", "sss"),
}
NAMESPACES = {"legacy": "eu.siacs.conversations.axolotl", "omemo2": "urn:xmpp:omemo:2"}
#: The bus starts nothing by itself: Libervia's name would have a second backend started by a call that comes too early.
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir={folder}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
SETTINGS = """[DEFAULT]
hosts_dict = {hosts}
"""
CALL_MS = 60_000
START_S = 90
NOT_FOR_US = "has not been encrypted for our device"


def bare(jid):
    return jid.partition("/")[0]


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(8)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait(what, probe, timeout=START_S):
    """Lets what the backend tells be heard meanwhile."""
    deadline = time.monotonic() + timeout
    while True:
        while GLib.MainContext.default().iteration(False):
            pass
        if probe():
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"no {what} within {timeout} s")
        time.sleep(0.05)


class Libervia:
    def __init__(self, options):
        self.jid = options.jid
        self.home = pathlib.Path(options.folder)
        self.namespace = NAMESPACES[options.omemo]
        self.password = os.environ.pop("PEER_PASSWORD")
        self.environment = {
            "HOME": str(self.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            # What Twisted trusts.
            "SSL_CERT_FILE": options.ca,
        }
        self.bus_daemon = None
        self.backend = None
        self.rest = b""
        #: Archived texts from before the device was made, which are not for it, and its complaints of them.
        self.older_texts, self.older_complaints = 0, 0
        self.made_at = None
        self.loop = GLib.MainLoop()
        self.configure(options.port)

    def configure(self, port):
        host = self.jid.partition("@")[2]
        hosts = json.dumps({host: {"host": "127.0.0.1", "port": port}})
        (self.home / ".libervia.conf").write_text(SETTINGS.format(hosts=hosts))
        (self.home / "bus.conf").write_text(BUS.format(folder=self.home))

    # The backend and the bus to it

    def call(self, method, *arguments):
        interface, signature = SIGNATURES[method]
        answer = self.bus.call_sync(
            *(NAME, PATH, f"{NAME}.{interface}", method),
            GLib.Variant(f"({signature})", arguments),
            *(None, Gio.DBusCallFlags.NO_AUTO_START, CALL_MS, None),
        )
        return answer.unpack()

    def start(self, command, output):
        # The backend makes a folder where it is started.
        options = {"cwd": self.home, "env": self.environment, "stdin": subprocess.DEVNULL, "stdout": output}
        return subprocess.Popen(command, preexec_fn=end_with_parent, **options)

    def start_bus(self):
        command = ["dbus-daemon", f"--config-file={self.home / 'bus.conf'}", "--nofork", "--nopidfile", "--print-address"]
        self.bus_daemon = self.start(command, subprocess.PIPE)
        address = self.bus_daemon.stdout.readline().decode().strip()
        if not address:
            raise RuntimeError(f"dbus-daemon ended: {self.bus_daemon.wait()}")
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = address
        flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
        self.bus = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
        for interface, signal_name, handler in (("core", "messageNew", self.on_message), ("plugin", "xmlLog", self.on_xml)):
            self.bus.signal_subscribe(
                *(None, f"{NAME}.{interface}", signal_name, PATH, None),
                *(Gio.DBusSignalFlags.NONE, handler),
            )

    def is_ready(self):
        if self.backend.poll() is not None:
            raise RuntimeError(f"the backend ended: {self.backend.returncode}")
        try:
            self.call("getReady")
        except GLib.Error:  # not on the bus yet
            return False
        return True

    def log_in(self):
        is_fresh = not (self.home / ".local/share").exists()
        self.backend = self.start(["libervia-backend", "foreground"], sys.stderr)
        wait("backend", self.is_ready)
        if is_fresh:
            self.made_at = time.time()
            self.call("profileCreate", PROFILE, self.password, "")
            self.call("profileStartSession", self.password, PROFILE)
            self.call("setParam", "Xml log", "true", "Debug", NO_LIMIT, PROFILE)
            self.call("setParam", "JabberID", self.jid, "Connection", NO_LIMIT, PROFILE)
            self.call("setParam", "Password", self.password, "Connection", NO_LIMIT, PROFILE)
        self.call("connect", PROFILE, self.password, {})
        wait("log-in", lambda: self.call("isConnected", PROFILE)[0])

    def log_out(self):
        if self.backend is None:
            return
        try:
            self.call("disconnect", PROFILE)
        except GLib.Error as error:  # it is ended all the same
            print(f"no log-out: {error.message}", file=sys.stderr)
        end(self.backend)

    # What it tells

    def on_message(self, _bus, _sender, _path, _interface, _signal, parameters):
        _, at, sender, _, texts, _, kind, extra, _ = parameters.unpack()
        extra = json.loads(extra) if extra else {}
        text = "\n".join(texts.values())
        if kind == "info":
            if extra.get("info_type") == "DECRYPTION_ERROR":
                self.complain(text)
        elif bare(sender) != self.jid:
            tell("message", at=at, sender=bare(sender), text=text, encrypted=bool(extra.get("encrypted")))

    def complain(self, text):
        if f"message from {self.jid}" in text:  # devices of its own account among themselves
            return
        if NOT_FOR_US in text and self.older_complaints < self.older_texts:
            self.older_complaints += 1
        else:
            tell("undecrypted", error=text)

    def on_xml(self, _bus, _sender, _path, _interface, _signal, parameters):
        direction, xml, _ = parameters.unpack()
        if direction != "IN" or "<forwarded" not in xml or self.made_at is None:
            return
        for forwarded in ET.fromstring(xml).iterfind(".//{urn:xmpp:forward:0}forwarded"):
            delay, message = forwarded.find("{urn:xmpp:delay}delay"), forwarded.find("{jabber:client}message")
            is_text = message.find("{jabber:client}body") is not None
            at = datetime.datetime.fromisoformat(delay.get("stamp").replace("Z", "+00:00")).timestamp()
            if is_text and at < self.made_at and bare(message.get("from")) != self.jid:
                self.older_texts += 1

    def trust_form(self, jid):
        """JID and fingerprint of each device in the form of the trust manager, this one first, without a JID."""
        (form,) = self.call("encryptionTrustUIGet", jid, self.namespace, PROFILE)
        owner = ""
        for widget in ET.fromstring(form).iter("widget"):
            if widget.get("type") == "jid":
                owner = widget.get("value")
            text = widget.findtext("value") or widget.get("value") or ""
            if re.fullmatch("(?:[0-9a-f]{8} ?){8}", text):
                yield owner, text.replace(" ", "")

    # What can be asked of it

    def try_to_send(self, to, text, passing):
        """False after a failure that passes."""
        try:
            self.call("messageSend", to, {"": text}, {}, "chat", "{}", PROFILE)
        except GLib.Error as error:
            if not re.search(passing, error.message):
                raise
            return False
        return True

    def do_send(self, to, text):
        self.call("messageEncryptionStart", to, self.namespace, True, PROFILE)
        try:
            # It does not ask for lists that the server has not told of yet.
            wait(f"devices of {to}", lambda: self.try_to_send(to, text, "NoEligibleDevices"), 3)
        except (GLib.Error, RuntimeError) as error:
            # Where two lists with a new device came at once, each took what it kept of the other, until it is started again.
            print(f"started again: {error}", file=sys.stderr)
            self.log_out()
            self.log_in()
            wait(f"devices of {to}", lambda: self.try_to_send(to, text, "NoEligibleDevices|KeyError"), 10)
        return {}

    def do_fingerprints(self, jid):
        return {"fingerprints": sorted(fingerprint for owner, fingerprint in self.trust_form(jid) if owner)}

    def handle(self, request):
        number, name = request.pop("id"), request.pop("do")
        try:
            write({"id": number, "ok": True, **getattr(self, "do_" + name)(**request)})
        except Exception as error:
            write({"id": number, "ok": False, "error": str(error)})

    def on_input(self, source, _condition):
        data = os.read(source, 65536)
        if not data:  # the end of the input is the order to log out
            self.loop.quit()
            return False
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.handle(json.loads(line))
        return True

    def run(self):
        self.start_bus()
        self.log_in()
        # It answers when the device is published.
        _, fingerprint = next(self.trust_form(self.jid))
        wait("complaints of what is older than the device", lambda: self.older_complaints >= self.older_texts)
        # A restart fetches nothing of it again.
        self.made_at = None
        tell("ready", fingerprint=fingerprint)
        GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, self.on_input)
        self.loop.run()

    def stop(self):
        self.log_out()
        if self.bus_daemon is not None:
            end(self.bus_daemon)


def main():
    end_with_parent()
    parser = argparse.ArgumentParser()
    parser.add_argument("--jid", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--omemo", choices=NAMESPACES, required=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    libervia = Libervia(parser.parse_args())
    try:
        libervia.run()
    except Exception as error:
        tell("failed", why=str(error))
        sys.exit(1)
    finally:
        libervia.stop()


main()
