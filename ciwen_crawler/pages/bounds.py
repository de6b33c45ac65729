"""Bounds of a page that is read: what is beyond them is archived like any other, and nothing is read from it.

They are asked of the bytes, before any tree is made: that of a hostile page can take minutes and all memory there is.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping

from lxml import etree

# Bytes of a page, unpacked. The site's longest have 200 KB, and a page's tree can take a hundred times its bytes.
LONGEST = 4 * 1024 * 1024
# Tags and comments, by the sign that each begins with. The largest page known, of a portal, has 16,000.
MOST_TAGS = 50_000
# Attributes of one element, which libxml2 looks through at each further one. Real ones have thirty.
MOST_ATTRIBUTES = 500
# Bytes of a page that has too few of them for the time to matter.
_SHORT = 16 * 1024
# How often each byte may be looked at, tags that begin within tags being looked through from where each begins.
_PATIENCE = 8

# An attribute as HTML's tokenizer reads it (HTML Living Standard, section 13.2.5.32), blanks before it included.
_ATTRIBUTE = rb"""[\s/]*+[^\s/>%s][^\s/>=%s]*+(?:\s*+=\s*+(?:"[^"%s]*+"|'[^'%s]*+'|[^\s>"'%s][^\s>%s]*+))?+"""
_TAG = rb"<[a-zA-Z](?:%s){0,%d}+[\s/]*+"
# A tag without the sign that begins one, which is how nearly all are written, ends at once. What does not end, for a
# sign within a value or for too many attributes, is looked at again.
_UNENDED = re.compile(_TAG % (_ATTRIBUTE.replace(b"%s", b"<"), MOST_ATTRIBUTES) + rb"(?!>)")
_ATTRIBUTE = _ATTRIBUTE.replace(b"%s", b"")
_ANY = re.compile(_TAG % (_ATTRIBUTE, MOST_ATTRIBUTES))
_OVERFULL = re.compile(rb"<[a-zA-Z](?:%s){%d}" % (_ATTRIBUTE, MOST_ATTRIBUTES))


def beyond(body: bytes) -> str | None:
    """What makes a page too much to be read, in words; None where nothing does."""
    if len(body) > LONGEST:
        return f"longer than {LONGEST >> 20} MB"
    if body.count(b"<") > MOST_TAGS:
        return f"more than {MOST_TAGS:,} tags"
    if len(body) > _SHORT and _is_overfull(body):
        return f"an element with more than {MOST_ATTRIBUTES} attributes"
    return None


def _is_overfull(body: bytes) -> bool:
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        body = body.decode("utf-16", "replace").encode("utf-8", "replace")
    return _may_be_overfull(body) and _Attributes().are_too_many(body)


def _may_be_overfull(body: bytes) -> bool:
    """Whether some element has too many attributes, or what looks like one: `i<n` in a script does."""
    patience = _PATIENCE * len(body)
    for unended in _UNENDED.finditer(body):
        begin = unended.start()
        tag = _ANY.match(body, begin)
        patience -= tag.end() - begin if tag else 0
        if patience < 0 or _OVERFULL.match(body, begin):
            return True
    return False


class _Attributes:
    """Hears of each element from the parser, which makes no tree for it."""

    def are_too_many(self, body: bytes) -> bool:
        """Whether some element of a page has too many."""
        parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True, target=self)  # type: ignore[arg-type]
        try:
            etree.fromstring(body, parser)
        except _TooMany:
            return True
        except etree.XMLSyntaxError:  # nothing but blanks
            pass
        return False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """As lxml calls it."""
        if len(attributes) > MOST_ATTRIBUTES:
            raise _TooMany

    def close(self) -> None:
        """As lxml calls it."""


class _TooMany(Exception):
    pass
