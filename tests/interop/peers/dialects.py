"""How python-omemo's two backends put OMEMO on the wire: oldmemo the first version, twomemo urn:xmpp:omemo:2."""

import oldmemo
import oldmemo.etree
import twomemo
import twomemo.etree

import sce

FALLBACK = "This message is OMEMO-encrypted."


class Legacy:
    namespace = oldmemo.oldmemo.NAMESPACE
    devices = namespace + ".devicelist"
    backend = oldmemo.Oldmemo
    etree = oldmemo.etree
    #: What stands beside a text for clients without OMEMO.
    fallback = FALLBACK

    def bundle_node(self, device):
        return f"{self.namespace}.bundles:{device}"

    def bundle_item(self, device):
        """None: there is one item, whatever its id, in which clients differ."""
        return None

    async def parse(self, encrypted, sender, own, manager):
        return await oldmemo.etree.parse_message(encrypted, sender, own, manager)

    def seal(self, text, own, recipient):
        return text.encode()

    def open(self, plain, sender, own):
        return plain.decode()


class Omemo2:
    namespace = twomemo.twomemo.NAMESPACE
    devices = namespace + ":devices"
    backend = twomemo.Twomemo
    etree = twomemo.etree
    #: XEP-0420 §9 forbids one.
    fallback = None

    def bundle_node(self, device):
        return self.namespace + ":bundles"

    def bundle_item(self, device):
        """All bundles of an account are in one node."""
        return str(device)

    async def parse(self, encrypted, sender, own, manager):
        return twomemo.etree.parse_message(encrypted, sender)

    def seal(self, text, own, recipient):
        return sce.seal(text, own, recipient)

    def open(self, plain, sender, own):
        return sce.open_envelope(plain, sender, own)


DIALECTS = {"legacy": Legacy(), "omemo2": Omemo2()}
