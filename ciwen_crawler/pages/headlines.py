"""Headlines: what a link to an article says, without the date, the bullet and the markup around it."""

import re
from collections.abc import Iterator
from itertools import islice

from lxml import etree

from ciwen_crawler.pages.document import Element, line_of
from ciwen_crawler.text import clean

_BULLETS = "·•●○▪■◆ "
_DATE = re.compile(r"[\[(（]?\s*(?:\d{4}[-/.年])?\d{1,2}[-/.月]\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?\s*[\])）]?")
_INVITATION = re.compile(
    r"[\[(（【]?\s*(?:详细|详情|全文|阅读全文|查看全文|查看详情|更多|点击.{0,4}|>+)\s*[>»…]*[\])）】]?"
)
_LONGEST_INVITATION = 20
_FILE_NAME = re.compile(r"[\w-]+\.(?:png|jpe?g|gif|webp)", re.IGNORECASE | re.ASCII)
_TEXTLESS = frozenset("script style noscript iframe template head select textarea svg object".split())
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_PARTING = frozenset({*_HEADINGS, "br", "p", "div", "li", "dd", "dt", "img", "ul", "ol", "td", "tr"})
_MOST_NODES = 500  # of one link; anchors that nest cannot make the walk more than linear


def headline(link: Element) -> str | None:
    """A link's text, its markup flattened; of a link around a whole item, the heading."""
    if not len(link):
        return _trimmed(link.text)
    heading = next(islice(link.iter(*_HEADINGS), 1), None)
    held = line_of(heading) if heading is not None else None
    return _trimmed(held or "".join(_texts(link)))


def is_invitation(text: str) -> bool:
    """True for words such as [详细], which name no article."""
    return len(text) <= _LONGEST_INVITATION and bool(_INVITATION.fullmatch(text))


def description(link: Element) -> str | None:
    """What a link around a picture says of itself; `image.png` is no word."""
    alts = (image.get("alt") for image in islice(link.iter("img"), 8))
    lines = map(clean, (link.get("title"), *alts))
    return next((line for line in lines if line and not _FILE_NAME.fullmatch(line)), None)


def _texts(link: Element) -> Iterator[str]:
    walk = etree.iterwalk(link, events=("start", "end", "comment"))
    for event, node in islice(walk, _MOST_NODES):
        if event == "start":
            text = node.text or ""
            if node.tag in _TEXTLESS or (node is not link and not len(node) and _DATE.fullmatch(text.strip())):
                walk.skip_subtree()
            else:
                yield f" {text}" if node.tag in _PARTING else text
        else:
            if event == "end" and node.tag in _PARTING:
                yield " "
            if node is not link:
                yield node.tail or ""


def _trimmed(text: str | None) -> str | None:
    line = clean(text)
    return (line.strip(_BULLETS) or None) if line else None
