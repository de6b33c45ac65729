"""Assets: what a page needs to be seen as it was, by the addresses that its HTML and its stylesheets name.

They make no rows, so a better reading of them derives nothing anew.
"""

from collections.abc import Iterable, Iterator, Sized
from itertools import chain
from typing import NamedTuple

from lxml import etree

from ciwen_crawler.capture import Capture
from ciwen_crawler.charset import header_label
from ciwen_crawler.identity import absolute
from ciwen_crawler.pages import is_page
from ciwen_crawler.pages.document import Element, document_of
from ciwen_crawler.pages.stylesheet import (
    FONT,
    IMAGE,
    READ,
    STYLE,
    named_by_attribute,
    named_by_element,
    named_by_sheet,
)

__all__ = ["FONT", "IMAGE", "SCRIPT", "STYLE", "Asset", "assets", "excess"]

SCRIPT = "script"
MOST = 500  # of one page or stylesheet; the site's pages name forty

_ICONS = frozenset({"icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon"})
_USES = {"style": STYLE, "script": SCRIPT, "font": FONT, "image": IMAGE}  # of a preload
# Where an element names an image. Lazy images have the real one in an attribute of their script's choice.
_IMAGES = {
    "img": ("src", "data-src", "data-original", "data-lazy-src"),
    "video": ("poster",),
    "image": ("href", "xlink:href"),  # of SVG
    "use": ("href", "xlink:href"),
}
_SETS = {"img": ("srcset", "data-srcset"), "source": ("srcset",), "link": ("imagesrcset",)}
_BLANK = " \t\n\f\r"


class Asset(NamedTuple):
    """One address, and what the page wants it for."""

    url: str  # absolute, http or https, without fragment
    use: str  # style, script, image or font


def assets(capture: Capture, use: str | None = None) -> tuple[Asset, ...]:
    """What a page or a stylesheet names, in its order and each address once, 500 at most; () for all else.

    `use` is what the capture was asked for, where that was as another's asset: servers call stylesheets what they like.
    """
    if use == STYLE or (use is None and capture.mime == "text/css"):
        named: Iterable[tuple[str, str, str]] = _of_sheet(capture)
    elif use is None and is_page(capture):
        named = _of_page(capture)
    else:
        return ()
    found: dict[str, Asset] = {}
    for base, address, purpose in named:
        # An address without a path means the page itself, as does `url(#gradient)`.
        url = None if not address.strip(_BLANK) or address.lstrip(_BLANK)[0] == "#" else absolute(base, address)
        if url is not None:
            found.setdefault(url, Asset(url, purpose))
        if len(found) == MOST:
            break
    return tuple(found.values())


def excess(capture: Capture, use: str | None, found: Sized) -> str | None:
    """Why a capture may name more than what `assets` found, in words; None where it does not."""
    if len(found) == MOST:
        return f"names {MOST} assets or more, of which those are taken"
    if use == STYLE and len(capture.body) > READ:
        return f"is a stylesheet of more than {READ >> 10} KB, of which those are read"
    return None


def _of_sheet(capture: Capture) -> Iterator[tuple[str, str, str]]:
    if capture.is_whole:
        for address, use in named_by_sheet(capture.body, header_label(capture.header("content-type"))):
            yield capture.url, address, use


def _of_page(capture: Capture) -> Iterator[tuple[str, str, str]]:
    document = document_of(capture)
    for element in document.root.iter(etree.Element):
        for address, use in chain(_of_element(element), _of_style(element)):
            yield document.base, address, use


def _of_element(element: Element) -> Iterator[tuple[str, str]]:
    """What an element's own attributes name."""
    tag = element.tag
    if tag == "link":
        yield from _linked(element)
    elif tag == "script":
        yield element.get("src", ""), SCRIPT
    elif tag == "input" and element.get("type", "").strip().lower() == "image":
        yield element.get("src", ""), IMAGE
    for name in (*_IMAGES.get(tag, ()), "background"):
        yield element.get(name, ""), IMAGE
    for name in _SETS.get(tag, ()):
        for address in _candidates(element.get(name, "")):
            yield address, IMAGE


def _linked(link: Element) -> Iterator[tuple[str, str]]:
    relations = frozenset(link.get("rel", "").lower().split())
    use = None
    if "stylesheet" in relations:
        use = STYLE
    elif relations & _ICONS:
        use = IMAGE
    elif "preload" in relations:
        use = _USES.get(link.get("as", "").strip().lower())
    if use:
        yield link.get("href", ""), use


def _of_style(element: Element) -> Iterator[tuple[str, str]]:
    """What CSS within the page names."""
    if element.tag == "style":
        yield from named_by_element(element.text or "")
    yield from named_by_attribute(element.get("style", ""))


def _candidates(srcset: str) -> Iterator[str]:
    """The addresses of a srcset (HTML Living Standard, "parse a srcset attribute"); one may itself hold commas."""
    rest = srcset
    for _ in range(MOST):
        rest = rest.lstrip(_BLANK + ",")
        address, *others = rest.split(maxsplit=1)[:2] or [""]
        if not address:
            return
        rest = others[0] if others else ""
        if not address.endswith(","):
            rest = rest.partition(",")[2]  # what stood there is its width or density
        yield address.rstrip(",")
