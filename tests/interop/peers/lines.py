"""JSON lines between a peer and the test that started it.

Requests arrive on stdin as {"id": n, "do": name, ...}, each is answered on stdout by {"id": n, "ok": ...};
everything else that happens is a line with an "event".
"""

import ctypes
import json
import os
import signal
import sys


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def tell(event, **details):
    write({"event": event, **details})


def end_with_parent():
    """The kernel ends this process with the one that started it, however that one ends."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
