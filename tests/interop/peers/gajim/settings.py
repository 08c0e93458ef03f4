"""Writes Gajim's settings with Gajim's own code, before its first start. Takes the account as JSON on stdin."""

import json
import sys

from gajim.common import app, configpaths
from gajim.common.settings import Settings

ACCOUNT = "peer"

options = json.load(sys.stdin)
name, domain = options["jid"].split("@")

configpaths.init()
configpaths.create_paths()
app.settings = Settings()
app.settings.init()

for key in ("use_keyring", "show_notifications", "sounds_on", "autoaway", "autoxa"):
    app.settings.set(key, False)

app.settings.add_account(ACCOUNT)
for key, value in {
    "name": name,
    "hostname": domain,
    "password": options["password"],
    "savepass": True,
    "resource": "gajim",
    "active": True,
    "autoconnect": True,
    "use_custom_host": True,
    "custom_host": "127.0.0.1",
    "custom_port": options["port"],
    "custom_type": "START TLS",
}.items():
    app.settings.set_account_setting(ACCOUNT, key, value)

for plugin in options["plugins"]:
    app.settings.set_plugin_setting(plugin, "active", True)
app.settings.shutdown()
