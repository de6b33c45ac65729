"""Breadcrumbs: where an article stands in the site, as links and words."""

import re
from collections.abc import Iterator

from lxml import etree

from ciwen_crawler.identity import absolute
from ciwen_crawler.pages.document import Document, Element, line_of, outermost
from ciwen_crawler.text import content_form, fold

Crumb = tuple[str | None, str]

# The containers of all the site's templates. The current one prints its crumb twice, for wide and narrow screens.
_CONTAINERS = ("local", "m_local", "crumb", "crumbs", "artLink", "cNav")
_HERE = "当前位置"
_HERE_WORDS = re.compile(r"您?的?(?:当前|现在的|所在|所处)位置\s*(?:是|为)?\s*[:：]?")
# A hyphen parts crumbs only where it stands alone: names may hold one.
_SEPARATOR = re.compile(r"\s*[>›»＞→]+\s*|(?:^|\s)[-–—|/·]+(?=\s|$)")
_ASIDE = frozenset({"form", "script", "style", "iframe", "h1", "select"})
_NO_CHANNEL = frozenset({"正文", "内容", "详情"})


def read_crumbs(document: Document, base: str) -> Iterator[tuple[str, tuple[Crumb, ...] | None]]:
    """The breadcrumb, by container, in the order of trust."""
    for name in _CONTAINERS:
        for container in outermost(document.having(f".{name}")):
            yield f".{name}", _crumbs_in(container, base)
    if _HERE in document.text:
        found = document.page.xpath(f"//*[text()[contains(.,'{_HERE}')]][not(self::script)]")
        for container in outermost(each.root for each in found):
            yield _HERE, _crumbs_in(container, base)


def channel_of(crumbs: tuple[Crumb, ...], title: str | None) -> str | None:
    """The last crumb that names a channel: neither the home page, nor 正文, nor the article's own title."""
    own = content_form(title)
    return next(
        (
            text
            for _, text in reversed(crumbs)
            if text not in _NO_CHANNEL and not text.endswith("首页") and content_form(text) != own
        ),
        None,
    )


def _crumbs_in(container: Element, base: str) -> tuple[Crumb, ...] | None:
    return tuple(_pieces(container, base)) or None


def _pieces(container: Element, base: str) -> Iterator[Crumb]:
    walk = etree.iterwalk(container, events=("start", "end", "comment"))
    for event, node in walk:
        if event != "start":
            if node is not container:
                yield from _words(node.tail)
        elif node.tag == "a":
            walk.skip_subtree()
            text = line_of(node)
            href = node.get("href")
            # Some templates write the separator within the link.
            text = _SEPARATOR.sub(" ", text).strip() if text else None
            if text:
                yield (absolute(base, href) if href else None), text
        elif node.tag in _ASIDE:
            walk.skip_subtree()
        else:
            yield from _words(node.text)


def _words(text: str | None) -> Iterator[Crumb]:
    if text and not text.isspace():
        for piece in _SEPARATOR.split(_HERE_WORDS.sub("", fold(text))):
            if piece and piece.strip():
                yield None, piece.strip()
