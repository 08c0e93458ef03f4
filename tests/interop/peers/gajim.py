"""Gajim with its OMEMO plugin, unmodified, on a display of its own. The plugin of ours in `gajim/` types and reads in it.

Everything it keeps is in the folder it is given, so that it goes on with the same device when it is started again.
"""

import argparse
import json
import os
import pathlib
import pwd
import signal
import subprocess
import sys

from lines import end_with_parent, tell

PLUGIN = pathlib.Path(__file__).with_suffix("")
PLUGIN_NAME = "peer_remote"
DATA = ".local/share/gajim"


def become_ordinary(folder):
    """Gajim refuses to run as root; where the tests do, it runs as nobody, who gets the folder."""
    if os.geteuid() == 0:
        user = pwd.getpwnam("nobody")
        folder.parent.chmod(0o711)
        os.chown(folder, user.pw_uid, user.pw_gid)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
    os.chdir(folder)


def environment(folder):
    """Nothing of the desktop of whoever runs the tests, and no bus: it would hand over to a Gajim that is there already."""
    runtime = folder / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    return {
        "HOME": str(folder),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "XDG_RUNTIME_DIR": str(runtime),
        "DBUS_SESSION_BUS_ADDRESS": "disabled:",
        "DBUS_SYSTEM_BUS_ADDRESS": "disabled:",
        "GDK_BACKEND": "x11",
        "GSETTINGS_BACKEND": "memory",
        "GIO_USE_VFS": "local",
        "NO_AT_BRIDGE": "1",
    }


def start(command, **options):
    return subprocess.Popen(command, preexec_fn=end_with_parent, **options)


def start_display(env):
    """An X server on the first free number. Answers it and its name."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x1000x24", "-nolisten", "tcp", "-noreset"]
    server = start(command, env=env, pass_fds=[write], stdin=subprocess.DEVNULL, stdout=sys.stderr)
    os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    if not number:
        raise RuntimeError(f"Xvfb ended: {server.wait()}")
    return server, f":{number}"


def configure(folder, env, files, certificate, account):
    """What a user would click in Gajim before the first log-in: account, plugins, and trust in the server's certificate."""
    plugin = folder / DATA / "plugins" / PLUGIN_NAME
    if plugin.exists():
        return
    plugin.mkdir(parents=True)
    for name, content in files.items():
        (plugin / name).write_bytes(content)
    certificates = folder / DATA / "cert_store"
    certificates.mkdir()
    (certificates / "server").write_bytes(certificate)
    settings = [sys.executable, "-I", "-B", str(plugin / "settings.py")]
    subprocess.run(settings, input=json.dumps(account), text=True, env=env, check=True, stdout=sys.stderr)


def end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jid", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--ca", required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = pathlib.Path(options.folder)
    files = {path.name: path.read_bytes() for path in PLUGIN.iterdir() if path.is_file()}
    # Gajim keeps no CA of its own, only certificates of servers.
    certificate = pathlib.Path(options.ca).with_name("server.crt").read_bytes()
    password = os.environ.pop("PEER_PASSWORD")
    account = {"jid": options.jid, "password": password, "port": options.port, "plugins": ["omemo", PLUGIN_NAME]}
    become_ordinary(folder)
    # Not before: the kernel forgets it when the user changes.
    end_with_parent()
    children = []
    try:
        env = environment(folder)
        configure(folder, env, files, certificate, account)
        display, env["DISPLAY"] = start_display(env)
        children.append(display)
        # Its input and output are ours: the plugin reads and writes the lines, and logs out at the end of the input.
        gajim = start(["gajim", "--loglevel", "gajim.p.omemo=INFO"], env=env)
        children.insert(0, gajim)
        if gajim.wait() != 0:
            raise RuntimeError(f"Gajim ended: {gajim.returncode}")
    except Exception as error:
        tell("failed", why=str(error))
        sys.exit(1)
    finally:
        for child in children:
            end(child)


main()
