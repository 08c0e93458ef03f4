# Gajim takes the first name of a plugin, in alphabetical order, and wants it to be the plugin's class.
from .plugin import PeerRemote  # noqa: F401
