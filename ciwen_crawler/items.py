"""What is read out of captures. Frozen, ordinary Scrapy items through itemadapter."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in an article's body, in the order of the page."""

    url: str  # absolute
    alt: str | None
    caption: str | None


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """One page of an article as it stands in one capture; an article has one or more."""

    number: int  # 1…; 0 for the rendering of the whole article on one page
    pages: tuple[int, ...]  # the page numbers its pager names, itself included; (1,) without a pager
    url: str  # canonical, as the page itself says it, else as it was requested
    channel: str | None  # the last part of the breadcrumb that is a channel
    title: str | None
    published_at: str | None  # 2025-06-04T16:35:00+08:00, the page's own clock
    published_precision: str | None  # second, minute or day
    source: str | None
    author: str | None
    editor: str | None
    body: str | None  # one paragraph a line
    body_html: str | None  # clean markup of the same
    breadcrumb: tuple[tuple[str | None, str], ...]  # (absolute URL, text)
    keywords: tuple[str, ...]
    summary: str | None
    images: tuple[Image, ...]
    loose_caption: str | None  # begins a further page; of the picture that ended the one before, else text
    charset: str  # the codec that decoded it
    charset_evidence: dict[str, object]
    extractor: str  # page class and version, enp/1
    evidence: dict[str, str]  # field → the rule that gave it


@dataclass(frozen=True, slots=True)
class Article:
    """A whole article out of one look at it: every field as printed, NFC, absent is None."""

    id: str  # china.com.cn:43135627
    url: str  # canonical
    channel: str | None
    captured_at: str  # when the first of its pages was asked for, UTC
    title: str | None
    published_at: str | None
    published_precision: str | None
    source: str | None
    author: str | None
    editor: str | None
    body: str | None
    body_html: str | None
    breadcrumb: tuple[tuple[str | None, str], ...]
    keywords: tuple[str, ...]
    summary: str | None
    images: tuple[Image, ...]
    extractor: str
    evidence: dict[str, str] = field(default_factory=dict)
    captures: tuple[str, ...] = ()  # capture ids of its pages, in page order
    pages: tuple[int, ...] = ()  # the numbers of those pages
    captured_url: str = ""  # of the first of them, as requested
    crawl_id: str = ""
    verdict: str | None = None  # what the archive made of it: new, changed, same or late


# What stands in the evidence of a page that was cut where it was too much to be read, with the reason.
CUT = "cut"


@dataclass(frozen=True, slots=True)
class Link:
    """A link to an article on a list page."""

    url: str  # absolute, as the page has it
    title: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list page, or a channel's home page, links to in its main block."""

    links: tuple[Link, ...]  # articles with a content id, each id once, in page order
    pages: tuple[str, ...]  # further pages of this list, absolute, as its pager names them
    nodes: tuple[str, ...]  # other lists (node_…) named in the main block, absolute
    charset: str
    charset_evidence: dict[str, object]
    beyond: str | None = None  # why there may be more links than these; None where there are not
    without_id: int = 0  # addresses in the main block that look like the host's articles but hold no content id
