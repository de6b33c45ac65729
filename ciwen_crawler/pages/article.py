"""The base of the page classes: one method a field, written as an order of trust.

A field's method yields (rule, value) in that order and is asked only until a value comes; the rule that gave it is
kept as evidence. What the rules look for is the template that the channel has published by since 2022-12.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import ClassVar, TypeVar

from ciwen_crawler.dates import Stamp, in_url, machine, printed
from ciwen_crawler.identity import absolute, canonical_url, content_id, host_of
from ciwen_crawler.items import CUT, ArticlePage
from ciwen_crawler.pages.body import Body, read_body
from ciwen_crawler.pages.crumbs import Crumb, channel_of, read_crumbs
from ciwen_crawler.pages.document import DEEPEST, Document, Element, line_of, outermost
from ciwen_crawler.pages.labels import author_in, editor_in, keywords_in, source_in, without_site_name
from ciwen_crawler.text import clean

T = TypeVar("T")
Trust = Iterator[tuple[str, T | None]]

_HEADINGS = ("articleTitle", "artTitle", "artiTitle", "article_title", "cTitle")
_CONTAINERS = (".article", "#articleBody", "#artbody", "#artiContent", "#fontzoom", ".center_box")


class PageReader:
    """Reads one page of an article. A template of its own is a class beside this one."""

    extractor: ClassVar[str] = "page/1"

    def __init__(self, document: Document) -> None:
        self.document = document
        self.evidence: dict[str, str] = {}

    @classmethod
    def fits(cls, document: Document) -> bool:
        """Whether the page bears this template's marks; this one takes any page."""
        return True

    def read(self) -> ArticlePage:
        """Every field of the page, absent ones None."""
        if self.document.is_cut:
            self.evidence[CUT] = f"elements lie more than {DEEPEST:,} deep"
        title = self.settle("title", self.title)
        stamp = self.settle("published_at", self.published_at)
        crumbs = self.settle("breadcrumb", self.breadcrumb) or ()
        body = self.body
        return ArticlePage(
            number=self.number,
            pages=self.pages(),
            url=self.url,
            channel=self.settle("channel", lambda: self.channel(crumbs, title)),
            title=title,
            published_at=stamp.iso if stamp else None,
            published_precision=stamp.precision if stamp else None,
            source=self.settle("source", self.source),
            author=self.settle("author", self.author),
            editor=self.settle("editor", self.editor),
            body=body.text,
            body_html=body.html,
            breadcrumb=crumbs,
            keywords=self.settle("keywords", self.keywords) or (),
            summary=self.settle("summary", self.summary),
            images=body.images,
            loose_caption=body.loose_caption,
            charset=self.document.charset,
            charset_evidence=self.document.charset_evidence,
            extractor=self.extractor,
            evidence=self.evidence,
        )

    def settle(self, field: str, rules: Callable[[], Trust[T]]) -> T | None:
        """The first value that a field's rules give, its rule noted as evidence."""
        for rule, value in rules():
            if value is not None:
                self.evidence[field] = rule
                return value
        return None

    # What the page says of itself

    def property(self, name: str) -> str | None:
        """A field of the CMS's own comment; a page without one has none."""
        return None

    @cached_property
    def metas(self) -> dict[str, str]:
        """The meta elements by name or property, the first of each."""
        found: dict[str, str] = {}
        for element in self.document.root.iter("meta"):
            name, content = element.get("name") or element.get("property"), element.get("content")
            if name and content:
                found.setdefault(name.strip().lower(), content)
        return found

    def meta(self, name: str) -> str | None:
        """A meta element's content."""
        return clean(self.metas.get(name))

    def lines(self, selector: str) -> Iterator[str]:
        """The texts of the elements with a class or an id."""
        return (line for line in map(line_of, outermost(self.document.having(selector))) if line)

    @cached_property
    def inform(self) -> tuple[str, ...]:
        """The lines below the title, `.inform p`, without share and font-size words; last, all of them together."""
        lines: list[str] = []
        for box in outermost(self.document.having(".inform")):
            texts = [clean(box.text)]
            for child in box:
                if not {"informShare", "fontSize"}.intersection((child.get("class") or "").split()):
                    texts.append(line_of(child) if isinstance(child.tag, str) else None)
                texts.append(clean(child.tail))
            lines += [text for text in texts if text]
        return (*lines, " ".join(lines)) if len(lines) > 1 else tuple(lines)

    # Identity

    @cached_property
    def url(self) -> str:
        """The canonical URL, as the page itself says it, else as it was asked for."""
        return self.settle("url", self.urls) or self.document.url

    def urls(self) -> Trust[str]:
        yield "enpproperty.url", self.own_url(self.property("url"))
        yield "input.link_url", self.own_url(self.document.page.css("input.link_url::attr(value)").get())
        # og:url is the site's home page on this CMS: never.
        yield "link canonical", self.own_url(self.document.page.css("link[rel=canonical]::attr(href)").get())
        yield "url", canonical_url(self.document.url)

    def own_url(self, said: str | None) -> str | None:
        """A URL that a page gives itself, believed unless it is another host's or another article's."""
        asked = self.document.url
        if said == asked:
            return canonical_url(asked)
        said = absolute(self.document.base, said.strip()) if said and said.strip() else None
        if said is None:
            return None
        if asked.startswith(("http:", "https:")):
            if host_of(said).removeprefix("www.") != host_of(asked).removeprefix("www."):
                return None
            wanted, found = content_id(asked), content_id(said)
            if wanted and (not found or found.number != wanted.number):
                return None
        return canonical_url(said)

    @cached_property
    def base(self) -> str:
        """What relative links are relative to; a file's own place means nothing to them."""
        base = self.document.base
        return self.url if base.startswith("file:") else base

    @cached_property
    def number(self) -> int:
        """The page's number, out of its URL; 0 is the whole article on one page."""
        found = content_id(self.document.url) or content_id(self.url)
        return found.page if found else 1

    def pages(self) -> tuple[int, ...]:
        """The numbers of the article's pages, this one included."""
        return (self.number,)

    # Fields

    def title(self) -> Trust[str]:
        headings = list(self.document.root.iter("h1"))
        yield ".content > h1", _first_line(h for h in headings if "content" in _classes(h.getparent()))
        for name in _HEADINGS:
            yield f"h1.{name}", _first_line(h for h in headings if name in (*_classes(h), h.get("id")))
        yield "enpproperty.title", without_site_name(self.property("title"))
        yield "og:title", without_site_name(self.meta("og:title"))
        yield "title", without_site_name(clean(self.document.page.css("title::text").get()))

    def published_at(self) -> Trust[Stamp]:
        shown = next((stamp for stamp in map(printed, self.inform) if stamp), None)
        said = printed(self.property("date"))
        differs = bool(said and shown and said.day != shown.day)
        yield "enpproperty.date" + (", differs from .inform p" if differs else ""), said
        yield ".inform p", shown
        yield "#pubtime_baidu", next(map(printed, self.lines("#pubtime_baidu")), None)
        yield "meta article:published_time", machine(self.meta("article:published_time"))
        yield "meta publishdate", printed(self.meta("publishdate"))
        yield "url", in_url(self.url)

    def source(self) -> Trust[str]:
        yield ".inform p", next((name for name in map(source_in, self.inform) if name), None)
        yield "enpproperty.sourcename", self.property("sourcename")
        for selector in ("#webdig_source", "#source_baidu"):
            for line in self.lines(selector):
                yield selector, source_in(line) if "来源" in line else line

    def author(self) -> Trust[str]:
        # Never meta author: on this CMS that is the editor.
        yield "enpproperty.author", self.property("author")
        yield "enpproperty.journalist", self.property("journalist")
        yield ".inform p", next((name for name in map(author_in, self.inform) if name), None)

    def editor(self) -> Trust[str]:
        for line in self.lines(".editor"):
            yield ".editor", editor_in(line, labelled=False)
        for selector in ("#contentLiability", "#editor_baidu"):
            for line in self.lines(selector):
                yield selector, editor_in(line)
        yield "body", editor_in(self.body.editor_line)
        yield "enpproperty.liability", self.property("liability")
        yield "meta author", self.meta("author")

    def keywords(self) -> Trust[tuple[str, ...]]:
        yield "enpproperty.keyword", keywords_in(self.property("keyword"))
        yield "meta keywords", keywords_in(self.meta("keywords"))

    def summary(self) -> Trust[str]:
        yield "enpproperty.abstract", self.property("abstract")

    def channel(self, crumbs: tuple[Crumb, ...], title: str | None) -> Trust[str]:
        # A page that has no crumb is of the channel that it was crawled for, which no page says.
        yield self.evidence.get("breadcrumb", ""), channel_of(crumbs, title)

    def breadcrumb(self) -> Trust[tuple[Crumb, ...]]:
        yield from read_crumbs(self.document, self.base)

    # Body

    @cached_property
    def body(self) -> Body:
        """The body's text, markup and pictures."""
        body = self.settle("body", self.bodies)
        return body or Body()

    def bodies(self) -> Trust[Body]:
        for selector in _CONTAINERS:
            for container in outermost(self.document.having(selector)):
                yield selector, self.read_body(container)

    def read_body(self, container: Element, begin: Element | None = None, end: Element | None = None) -> Body | None:
        """The body in a container or between two markers; None where nothing is in it."""
        continues = self.number > 1
        title = next((value for _, value in self.title() if value), None) if continues else None
        body = read_body(
            container, self.base, begin=begin, end=end, video=self.video(), repeated_head=title, continues=continues
        )
        return None if body.is_empty else body

    def video(self) -> Element | None:
        """The page's video where it stands apart from the text, in #vf."""
        players = (span for frame in outermost(self.document.having("#vf")) for span in frame.iter("span", "video"))
        return next((player for player in players if player.get("id") == "videofile" or player.tag == "video"), None)


def _first_line(elements: Iterable[Element]) -> str | None:
    return next((line for line in map(line_of, elements) if line), None)


def _classes(element: Element | None) -> list[str]:
    return (element.get("class") or "").split() if element is not None else []
