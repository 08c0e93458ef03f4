"""Profanity, unmodified, on a terminal of its own: lines are typed; its log, database and key files say what happened.

Its home is the folder it is given, so that it goes on with the same device when it is started again.
"""

import argparse
import base64
import configparser
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import secrets
import select
import signal
import sqlite3
import struct
import sys
import termios
import time

from lines import end_with_parent, tell, write

SETTINGS = """[ui]
splash=false
beep=false
flash=false
vercheck=false
tips=false
[notifications]
message=false
room=false
invite=false
sub=false
[logging]
chlog=true
[omemo]
log=on
policy=always
trustmode=blind
"""
#: The certificate is of a test CA of this run, and everything is on loopback.
ACCOUNT = """[peer]
enabled=true
jid={jid}
password={password}
resource={resource}
server=127.0.0.1
port={port}
presence.last=online
presence.login=online
tls.policy=trust
omemo.policy=always
"""
TICK = 0.05


class Profanity:
    def __init__(self, options):
        self.jid = options.jid
        self.home = pathlib.Path(options.folder)
        self.data = self.home / ".local/share/profanity"
        self.log_path = self.home / "profanity.log"
        self.screen = self.home / "screen.log"
        self.configure(os.environ.pop("PEER_PASSWORD"), options.port)
        self.log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self.last_row = max((row[0] for row in self.rows(0)), default=0)
        self.chats = set()
        self.status = None
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "HOME": str(self.home), "TERM": "xterm", "LANG": "C.UTF-8"}
            for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "LC_ALL"):
                environment.pop(name, None)
            arguments = ["profanity", "-a", "peer", "-l", "DEBUG", "-f", str(self.log_path)]
            os.execvpe("profanity", arguments, environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))

    def configure(self, password, port):
        settings = self.home / ".config/profanity/profrc"
        if settings.exists():
            return
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS)
        self.data.mkdir(parents=True)
        # Two devices of one account need two names.
        resource = f"profanity-{secrets.token_hex(4)}"
        account = ACCOUNT.format(jid=self.jid, password=password, port=port, resource=resource)
        (self.data / "accounts").write_text(account)
        (self.data / "accounts").chmod(0o600)

    # What it wrote

    def folder(self, kind):
        return self.data / kind / self.jid.replace("@", "_at_")

    def keys(self, name):
        parser = configparser.RawConfigParser(delimiters=("=",), strict=False)
        parser.optionxform = str
        parser.read(self.folder("omemo") / name)
        return parser

    def has_session(self, jid):
        return self.keys("sessions.txt").has_section(jid)

    def logged(self, text):
        if not self.log_path.exists():
            return False
        with open(self.log_path, errors="replace") as log:
            log.seek(self.log_start)
            return text in log.read()

    def rows(self, after):
        """Reads without a lock: Profanity gives up on a message that it cannot store at once."""
        path = self.folder("database") / "chatlog.db"
        # There while something is being written.
        journal = path.with_name("chatlog.db-journal")
        query = "SELECT id, from_jid, to_jid, message, encryption FROM ChatLogs WHERE id > ? ORDER BY id"
        for _ in range(20):
            if not path.exists():
                return []
            if not journal.exists():
                try:
                    with contextlib.closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as database:
                        found = database.execute(query, (after,)).fetchall()
                except sqlite3.DatabaseError:  # its tables are not made yet, or they were written meanwhile
                    found = []
                if not journal.exists():
                    return found
            time.sleep(0.005)
        return []

    # The terminal

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\r")

    def pump(self, also=()):
        """Lets it draw, tells what it received, and answers which of `also` can be read."""
        readable, _, _ = select.select([self.terminal, *also], [], [], TICK)
        if self.terminal in readable:
            try:
                with open(self.screen, "ab") as screen:
                    screen.write(os.read(self.terminal, 65536))
            except OSError:  # the terminal's other end is closed: it has ended
                self.reap()
        for number, sender, _, text, encryption in self.rows(self.last_row):
            self.last_row = number
            if sender != self.jid:
                tell("message", sender=sender, text=text or "", encrypted=encryption == "omemo")
        return [source for source in readable if source != self.terminal]

    def reap(self):
        if self.status is None:
            _, self.status = os.waitpid(self.pid, 0)

    def wait(self, what, probe, timeout):
        deadline = time.monotonic() + timeout
        while not probe():
            self.pump()
            if self.status is not None:
                raise RuntimeError(f"ended while waiting for {what}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"no {what} within {timeout} s")

    # What can be asked of it

    def start(self):
        # The first thing it does about OMEMO once the server has told what it can do.
        self.wait("log-in", lambda: self.logged("[OMEMO] publish crypto materials"), 60)
        if not (self.folder("omemo") / "identity.txt").exists():
            self.type("/omemo gen")
        # Making the keys freezes it for seconds.
        self.wait("keys", lambda: self.keys("identity.txt").has_option("identity", "device_id"), 120)
        identity = self.keys("identity.txt")["identity"]
        device = identity["device_id"]
        # It fetches its own bundle after all has been published.
        done = f"omemo_start_device_session_handle_bundle: {device}"
        self.wait("the published device", lambda: self.logged(done), 120)
        key = base64.b64decode(identity["identity_key_public"]).hex()
        tell("ready", device=int(device), fingerprint=key[-64:])

    def do_send(self, to, text):
        if to not in self.chats:
            self.type(f"/omemo start {to}")
            self.chats.add(to)
        self.wait(f"a session with {to}", lambda: self.has_session(to), 30)
        before = max((row[0] for row in self.rows(0)), default=0)
        sent = (self.jid, to, text, "omemo")
        self.type(f"/msg {to} {text}")
        self.wait("the sent message", lambda: any(row[1:] == sent for row in self.rows(before)), 20)
        return {}

    def do_fingerprints(self, jid):
        known = self.keys("known_devices.txt")
        values = known[jid].values() if known.has_section(jid) else []
        keys = ["".join(c for c in value.lower() if c in "0123456789abcdef") for value in values]
        return {"fingerprints": sorted(key[-64:] for key in keys)}

    def handle(self, request):
        number, name = request.pop("id"), request.pop("do")
        try:
            write({"id": number, "ok": True, **getattr(self, "do_" + name)(**request)})
        except Exception as error:
            write({"id": number, "ok": False, "error": str(error)})

    def serve(self):
        rest = b""
        while self.status is None:
            if not self.pump([sys.stdin.fileno()]):
                continue
            data = os.read(sys.stdin.fileno(), 65536)
            if not data:  # the end of the input is the order to log out
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self.handle(json.loads(line))
        raise RuntimeError(f"Profanity ended: {self.status}")

    def stop(self):
        if self.status is not None:
            return
        self.type("/quit")
        deadline = time.monotonic() + 5
        while self.status is None and time.monotonic() < deadline:
            self.pump()
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.reap()


def main():
    end_with_parent()
    parser = argparse.ArgumentParser()
    parser.add_argument("--jid", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--ca", help="not used: see ACCOUNT")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    profanity = Profanity(parser.parse_args())
    try:
        profanity.start()
        profanity.serve()
    except Exception as error:
        tell("failed", why=str(error))
        sys.exit(1)
    finally:
        profanity.stop()


main()
