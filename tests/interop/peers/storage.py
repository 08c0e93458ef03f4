"""Where the clients on python-omemo keep their keys: a file, so that a restart goes on with the same device."""

import json
import sqlite3

import omemo
from omemo.storage import Just, Nothing


class Storage(omemo.Storage):
    def __init__(self, path):
        super().__init__()
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.execute("CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT)")

    async def _load(self, key):
        row = self.database.execute("SELECT value FROM kept WHERE key = ?", (key,)).fetchone()
        return Nothing() if row is None else Just(json.loads(row[0]))

    async def _store(self, key, value):
        self.database.execute("REPLACE INTO kept VALUES (?, ?)", (key, json.dumps(value)))

    async def _delete(self, key):
        self.database.execute("DELETE FROM kept WHERE key = ?", (key,))
