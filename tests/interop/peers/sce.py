"""The envelope of urn:xmpp:omemo:2 (XEP-0420, profile of XEP-0384 §5.5.1): what is encrypted instead of the bare text.

Writes what the profile asks for, and opens nothing else: the page on the other side is held to it.
"""

import datetime
import secrets
import string
import xml.etree.ElementTree as ET

NAMESPACE = "urn:xmpp:sce:1"
CLIENT = "jabber:client"
#: The most characters the profile lets a sender add.
MAX_PADDING = 200
STAMP = "%Y-%m-%dT%H:%M:%SZ"
#: What a server reads must not come out of a ciphertext (XEP-0420 §8).
FOR_SERVERS = {
    "urn:xmpp:hints",
    "urn:xmpp:sid:0",
    "urn:xmpp:eme:0",
    "http://jabber.org/protocol/address",
}


class EnvelopeRefused(Exception):
    pass


def q(name):
    return f"{{{NAMESPACE}}}{name}"


def seal(text, sender, recipient):
    """The bytes to encrypt. Both addresses are bare."""
    envelope = ET.Element(q("envelope"))
    body = ET.SubElement(ET.SubElement(envelope, q("content")), f"{{{CLIENT}}}body")
    body.text = text
    padding = ET.SubElement(envelope, q("rpad"))
    padding.text = "".join(
        secrets.choice(string.ascii_letters) for _ in range(secrets.randbelow(MAX_PADDING + 1))
    )
    ET.SubElement(envelope, q("from"), jid=sender)
    ET.SubElement(envelope, q("to"), jid=recipient)
    now = datetime.datetime.now(datetime.timezone.utc)
    ET.SubElement(envelope, q("time"), stamp=now.strftime(STAMP))
    return ET.tostring(envelope)


def require(condition, what):
    if not condition:
        raise EnvelopeRefused(what)


def one(envelope, name):
    found = envelope.findall(q(name))
    require(len(found) == 1, f"{len(found)} elements {name}")
    return found[0]


def check_time(stamp):
    try:
        # With and without fractions of a second.
        datetime.datetime.strptime(stamp.partition(".")[0].rstrip("Z") + "Z", STAMP)
    except ValueError as error:
        raise EnvelopeRefused(f"time {stamp}") from error
    require(stamp.endswith("Z"), f"time {stamp} is not in UTC")


def open_envelope(plain, sender, recipient):
    """The text. `sender` and `recipient` are the bare addresses that the stanza has."""
    text = plain.decode()
    require("<!" not in text and "<?" not in text, "more than elements")
    try:
        envelope = ET.fromstring(text)
    except ET.ParseError as error:
        raise EnvelopeRefused("no XML") from error
    require(envelope.tag == q("envelope"), f"root {envelope.tag}")
    known = {q(name) for name in ("content", "rpad", "from", "to", "time")}
    require({child.tag for child in envelope} <= known, "a foreign affix")
    one(envelope, "rpad")
    require(one(envelope, "from").get("jid") == sender, "another sender")
    require(one(envelope, "to").get("jid") == recipient, "another recipient")
    check_time(one(envelope, "time").get("stamp", ""))
    content = one(envelope, "content")
    namespaces = [child.tag[1:].partition("}")[0] for child in content if child.tag[0] == "{"]
    require(len(namespaces) == len(content), "an element without namespace")
    require(not FOR_SERVERS.intersection(namespaces), "an element for servers")
    bodies = content.findall(f"{{{CLIENT}}}body")
    require(len(bodies) == 1, f"{len(bodies)} bodies")
    return bodies[0].text or ""
