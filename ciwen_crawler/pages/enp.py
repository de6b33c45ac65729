"""Pages of Founder's "enp" CMS, by the comments and pagers that it writes into every template."""

import re
from functools import cached_property
from html import unescape
from typing import ClassVar

from ciwen_crawler.identity import absolute, content_id
from ciwen_crawler.pages.article import PageReader, Trust
from ciwen_crawler.pages.body import Body
from ciwen_crawler.pages.document import Document, Element
from ciwen_crawler.text import clean

_BEGIN, _END = "enpcontent", "/enpcontent"
_PROPERTY = "enpproperty"
_PLAIN_FIELD = re.compile(r"<(\w{1,40})>([^<]*)</\1>")
_TAG = re.compile(r"<(\w{1,40})>")
_MARKUP = re.compile(r"<[^<>]*>")
_LONGEST_COMMENT = 200_000
# Pagers leave out numbers (1 2 3 … 12), and all up to the last are pages then; beyond this it is no pager's number.
_MOST_PAGES = 200


def properties(comment: str) -> dict[str, str]:
    """The fields of an `enpproperty` comment, tag → text.

    Never by position: older versions of the CMS stop early or write another order. A tag that is not closed is left
    out; a field's first value stands.
    """
    comment = comment[:_LONGEST_COMMENT]
    plain = _PLAIN_FIELD.findall(comment)
    fields: dict[str, str] = {}
    if 2 * len(plain) == comment.count("<"):
        for name, value in plain:
            fields.setdefault(name.lower(), value)
        return fields
    # Some value holds markup, or some tag is not closed.
    unclosed: set[str] = set()
    position = 0
    while found := _TAG.search(comment, position):
        name = found[1]
        position = found.end()
        close = -1 if name in unclosed else comment.find(f"</{name}>", position)
        if close < 0:
            unclosed.add(name)
            continue
        fields.setdefault(name.lower(), comment[position:close])
        position = close + len(name) + 3
    return fields


class EnpReader(PageReader):
    """A page with the CMS's own marks: `enpcontent` around the body, `enpproperty` with the article's fields."""

    extractor: ClassVar[str] = "enp/1"

    @classmethod
    def fits(cls, document: Document) -> bool:
        texts = ((comment.text or "").lstrip() for comment in document.comments)
        return any(text.startswith((_BEGIN, _PROPERTY)) for text in texts)

    @cached_property
    def properties(self) -> dict[str, str]:
        """The fields of the page's `enpproperty` comment."""
        texts = (comment.text or "" for comment in self.document.comments)
        found = (properties(text) for text in texts if text.lstrip().startswith(_PROPERTY))
        return next((fields for fields in found if fields), {})

    def property(self, name: str) -> str | None:
        value = self.properties.get(name)
        # A field that the CMS does not know is empty or the word null.
        if not value or value == "null":
            return None
        return clean(unescape(_MARKUP.sub("", value) if "<" in value else value))

    def bodies(self) -> Trust[Body]:
        yield "enpcontent", self.marked_body()
        yield from super().bodies()

    def marked_body(self) -> Body | None:
        """The body between the outermost markers; they may be doubled, and the last may be lost."""
        begin = end = None
        for comment in self.document.comments:
            mark = (comment.text or "").strip()
            if mark == _BEGIN and begin is None:
                begin = comment
            elif mark == _END and begin is not None:
                end = comment
        if begin is None:
            return None
        return self.read_body(_around(begin, end), begin, end)

    def pages(self) -> tuple[int, ...]:
        if self.number == 0:
            return (0,)
        named = self._named_pages()
        if max(named, default=1) > _MOST_PAGES:
            self.evidence["pages"] = f"the first {_MOST_PAGES} alone, though more are named"
        last = max((page for page in named if page <= _MOST_PAGES), default=1)
        return tuple(range(1, max(last, self.number) + 1)) if max(last, self.number) <= _MOST_PAGES else (self.number,)

    def _named_pages(self) -> set[int]:
        """The page numbers that the pagers name: the new one's `pages` attribute, and links to content_<id>_<page>."""
        counts = (pager.get("pages") or "" for pager in self.document.root.iter("ul"))
        named = {int(count) for count in counts if count.isascii() and count.isdigit() and len(count) < 9}
        own = content_id(self.document.url) or content_id(self.url)
        stem = f"content_{own.number}_" if own else ""
        if own and stem in self.document.text:
            hrefs = (link.get("href") or "" for link in self.document.root.iter("a"))
            for href in hrefs:
                target = absolute(self.base, href) if stem in href else None
                found = content_id(target) if target else None
                if found and found.number == own.number:
                    named.add(found.page)
        return named


def _around(begin: Element, end: Element | None) -> Element:
    """The nearest element that both markers lie in."""
    above_end = None if end is None else set(end.iterancestors())
    return next(element for element in begin.iterancestors() if above_end is None or element in above_end)
