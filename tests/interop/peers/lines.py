"""JSON lines between a peer and the test that started it.

Requests arrive on stdin as {"id": n, "do": name, ...}, each is answered on stdout by {"id": n, "ok": ...};
everything else that happens is a line with an "event".
"""

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def tell(event, **details):
    write({"event": event, **details})


async def answer_requests(answer):
    """Lets `answer(name, details)` answer one request after the other; ends with the input."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        request = json.loads(line)
        number, name = request.pop("id"), request.pop("do")
        try:
            write({"id": number, "ok": True, **await answer(name, request)})
        except Exception as error:
            logging.exception("request %s", name)
            write({"id": number, "ok": False, "error": repr(error)})


def end_with_parent():
    """The kernel ends this process with the one that started it, however that one ends."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
