"""List pages and channel homes: which articles, further pages and other lists they link to.

The CMS's list markup varies by channel and year, so nothing here knows it: every link with a content id in the main
block is an article. What is known is what the main block is not: navigation, footers, boxes of related articles.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice, takewhile

from lxml import etree

from ciwen_crawler import identity
from ciwen_crawler.items import Link, Listing
from ciwen_crawler.pages.document import Document, Element, line_of
from ciwen_crawler.text import clean

_NEVER = frozenset("script style noscript iframe template head select textarea svg object".split())
# On every page of the site: links to other channels and to the site's own notices.
_SITE_WIDE = frozenset(
    "headInclude footInclude pushNav topNav topNav_menu footer pc_footer m_footer foot copyright".split()
)
_BOXES = frozenset("relevant related relatedNews related_news hotNews hot_news friendLink friend_link".split())
# Navigation that may be the channel's own: no articles in it, but the only links to its lists on some home pages.
_NAVIGATION = frozenset(
    "nav navbar navigation menu header top local m_local crumb crumbs artLink cNav breadcrumb breadcrumbs".split()
)
_NAVIGATION_TAGS = frozenset({"nav", "header"})
_ITEMS = frozenset({"li", "article", "dd", "td"})  # a <header> in one of these is an item's, not the page's
_PAGERS = frozenset({"autopage", "displaypagenum", "pages", "pager", "pagination"})

_BOX_TITLE = re.compile(
    r"(?:相关|延伸|推荐|热门)(?:阅读|新闻|文章|报道|推荐|链接|稿件)|热点(?:推荐|新闻|排行|文章)|猜你喜欢|大家都在看"
    r"|[为给][您你]推荐|(?:点击|阅读|新闻|热门|文章)排行榜?|排行榜|友情链接"
)
_BOX_WORDS = re.compile("相关|延伸|推荐|热点|热门|猜你|大家都在|排行|友情链接")
_MORE = re.compile(r"[\s·:：>»|]*(?:更多|more)?[\s>»…]*$", re.IGNORECASE)
_MOST_BOXES = 64
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})

_BULLETS = "·•●○▪■◆ "
_DATE = re.compile(r"[\[(（]?\s*(?:\d{4}[-/.年])?\d{1,2}[-/.月]\d{1,2}日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?\s*[\])）]?")
_NO_TITLE = re.compile(
    r"[\[(（【]?\s*(?:详细|详情|全文|阅读全文|查看全文|查看详情|更多|点击.{0,4}|>+)\s*[>»…]*[\])）】]?"
)
_FILE_NAME = re.compile(r"[\w-]+\.(?:png|jpe?g|gif|webp)", re.IGNORECASE | re.ASCII)
_PARTING = frozenset(
    {"br", "p", "div", "li", "dd", "dt", "img", "ul", "ol", "td", "tr", "h1", "h2", "h3", "h4", "h5", "h6"}
)
_MOST_NODES = 2000  # of one title; anchors that nest cannot make the walk more than linear


@dataclass(slots=True)
class _Entry:
    """What the links to one article say together."""

    url: str
    rank: tuple[bool, ...]
    text: str | None = None
    fallback: str | None = None


@dataclass(slots=True)
class _Found:
    links: dict[str, _Entry] = field(default_factory=dict)  # by article id
    pages: dict[str, str] = field(default_factory=dict)  # by canonical URL
    nodes: dict[str, str] = field(default_factory=dict)
    navigation: dict[str, str] = field(default_factory=dict)


def listing_of(document: Document) -> Listing:
    """What a list page, or a channel's home page, links to."""
    found = _Found()
    own = identity.node_id(document.url)
    for link, region in _links(document):
        href = link.get("href") or ""
        # Asked of every link of the page: most are neither, and resolving one is dear.
        if "content_" in href or "node_" in href:
            _sort_in(found, document, own, link, href, region)
    return Listing(
        links=tuple(Link(entry.url, entry.text or entry.fallback) for entry in found.links.values()),
        pages=tuple(found.pages.values()),
        nodes=tuple((found.nodes or found.navigation).values()),
        charset=document.charset,
        charset_evidence=document.charset_evidence,
    )


_MAIN, _IN_NAVIGATION, _IN_PAGER = "main", "navigation", "pager"


def _links(document: Document) -> Iterator[tuple[Element, str]]:
    """The links outside the site-wide parts and the boxes, each with the region it lies in."""
    boxes = _boxes(document)
    regions = [_MAIN]
    items = 0
    walk = etree.iterwalk(document.root, events=("start", "end"))
    for event, node in walk:
        tag = node.tag
        if event == "end":
            regions.pop()
            items -= tag in _ITEMS
            continue
        region = regions[-1]
        items += tag in _ITEMS
        names = _names(node)
        if tag in _NEVER or tag == "footer" or node in boxes or not names.isdisjoint(_SITE_WIDE | _BOXES):
            walk.skip_subtree()
        elif not names.isdisjoint(_PAGERS):
            region = _IN_PAGER
        elif not items and (tag in _NAVIGATION_TAGS or not names.isdisjoint(_NAVIGATION)):
            region = _IN_NAVIGATION
        elif tag == "a":
            yield node, region
        regions.append(region)


def _names(node: Element) -> set[str]:
    classes = node.get("class")
    names = set(classes.split()) if classes else set()
    name = node.get("id")
    if name:
        names.add(name)
    return names


def _boxes(document: Document) -> frozenset[Element]:
    """The parts below a title such as 相关阅读, up to the next title."""
    if not _BOX_WORDS.search(document.text):
        return frozenset()
    titles = (
        node
        for node in document.root.iter("h2", "h3", "h4", "h5", "strong", "b", "span", "div", "p", "dt")
        if _is_box_title(node)
    )
    return frozenset(part for title in islice(titles, _MOST_BOXES) for part in _below(title))


def _is_box_title(node: Element) -> bool:
    text = node.text
    if not text or len(text) > 40 or not _BOX_WORDS.search(text):
        return False
    line = line_of(node) or ""
    return bool(_BOX_TITLE.fullmatch(_MORE.sub("", line.strip(_BULLETS)))) and not any(
        "content_" in (anchor.get("href") or "") for anchor in node.iterancestors("a")
    )


def _below(title: Element) -> Iterator[Element]:
    """The siblings after a title, or after what encloses it, that hold its links."""
    node = title
    for _ in range(4):
        parts = list(_up_to_the_next_title(node))
        if any("content_" in (link.get("href") or "") for part in parts for link in part.iter("a")):
            yield from parts
            return
        parent = node.getparent()
        if parent is None or parent.tag in ("body", "html"):
            return
        node = parent


def _up_to_the_next_title(title: Element) -> Iterator[Element]:
    mark = (title.tag, title.get("class"))
    return takewhile(
        lambda part: part.tag not in _HEADINGS and (part.tag, part.get("class")) != mark, title.itersiblings()
    )


def _sort_in(
    found: _Found, document: Document, own: identity.NodeId | None, link: Element, href: str, region: str
) -> None:
    try:
        url = identity.absolute(document.base, href)
        if url is None:
            return
        content, node = identity.content_id(url), identity.node_id(url)
        canonical = identity.canonical_url(url)
        key = identity.article_id(url) if content else ""
    except ValueError:  # a mirror's path that names no host
        return
    if content and region == _MAIN:
        _note(found.links, key, url, content.page, link)
    elif node and _is_page_of_own(own, node, region):
        if own is None or node.page != own.page:
            found.pages.setdefault(canonical, url)
    elif node and region != _IN_PAGER:
        (found.nodes if region == _MAIN else found.navigation).setdefault(canonical, url)


def _is_page_of_own(own: identity.NodeId | None, node: identity.NodeId, region: str) -> bool:
    if own is None:  # a list under a folder's name: its pager tells its number
        return region == _IN_PAGER and node.page > 1
    return node.number == own.number


def _note(links: dict[str, _Entry], key: str, url: str, page: int, link: Element) -> None:
    """One more link to an article: the canonical spelling of its URL stands, and the first real text."""
    rank = (page != 1, identity.is_twin(url), not url.startswith("http:"))
    entry = links.setdefault(key, _Entry(url, rank))
    if rank < entry.rank:
        entry.url, entry.rank = url, rank
    if entry.text is None:
        text = _title(link)
        if text and _NO_TITLE.fullmatch(text):
            entry.fallback = entry.fallback or text
        else:
            entry.text = text
            entry.fallback = entry.fallback or _described(link)


def _title(link: Element) -> str | None:
    """A link's text, its markup flattened; of a link around a whole item, the heading."""
    if not len(link):
        return _trimmed(link.text)
    heading = next(islice(link.iter(*_HEADINGS), 1), None)
    held = line_of(heading) if heading is not None else None
    return _trimmed(held or "".join(_texts(link)))


def _texts(link: Element) -> Iterator[str]:
    walk = etree.iterwalk(link, events=("start", "end", "comment"))
    for event, node in islice(walk, _MOST_NODES):
        if event == "start":
            text = node.text or ""
            if node.tag in _NEVER or (node is not link and not len(node) and _DATE.fullmatch(text.strip())):
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


def _described(link: Element) -> str | None:
    """What an image-only link says of itself; `image.png` is no word."""
    alts = (image.get("alt") for image in islice(link.iter("img"), 8))
    lines = map(clean, (link.get("title"), *alts))
    return next((line for line in lines if line and not _FILE_NAME.fullmatch(line)), None)
