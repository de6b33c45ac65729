"""List pages and channel homes: which articles, further pages and other lists they link to.

Every link with a content id in the main block is an article: the dates and the order of a list prove nothing.
"""

import re
from dataclasses import dataclass, field

from ciwen_crawler import identity
from ciwen_crawler.items import Link, Listing
from ciwen_crawler.pages.document import DEEPEST, Document, Element
from ciwen_crawler.pages.headlines import description, headline, is_invitation
from ciwen_crawler.pages.regions import MAIN, NAVIGATION, NOWHERE, PAGER, Regions

# Articles on one page. The channel's lists have twenty or forty, portals' home pages some hundreds.
MOST = 5000
# Where the CMS puts articles, whatever their file is called.
_DATED = re.compile(r"(?:[^?#]*/)?[0-9]{4}-[0-9]{2}/[0-9]{2}/[^?#]*\.s?html?(?=$|[?#])", re.IGNORECASE)


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
    without_id: set[str] = field(default_factory=set)

    @property
    def is_full(self) -> bool:
        return len(self.links) >= MOST


def listing_of(document: Document) -> Listing:
    """What a list page, or a channel's home page, links to."""
    found = _Found()
    regions = Regions(document)
    own = identity.node_id(document.url)
    for link in document.root.iter("a"):
        href = link.get("href") or ""
        # Asked of every link of the page: most are none of these, and resolving one is dear.
        if "content_" in href or "node_" in href or ("htm" in href and _DATED.match(href)):
            if found.is_full:
                break
            _sort_in(found, document, own, link, regions)
    return Listing(
        links=tuple(Link(entry.url, entry.text or entry.fallback) for entry in found.links.values()),
        pages=tuple(found.pages.values()),
        nodes=tuple((found.nodes or found.navigation).values()),
        charset=document.charset,
        charset_evidence=document.charset_evidence,
        beyond=_beyond(document, found),
        without_id=len(found.without_id),
    )


def _beyond(document: Document, found: _Found) -> str | None:
    if found.is_full:
        return f"links to {MOST:,} articles or more, of which those are taken"
    return f"elements lie more than {DEEPEST:,} deep, and it is read up to there" if document.is_cut else None


def _sort_in(found: _Found, document: Document, own: identity.NodeId | None, link: Element, regions: Regions) -> None:
    region = regions.of(link)
    url = None if region == NOWHERE else identity.absolute(document.base, link.get("href") or "")
    if url is None:
        return
    content, node = identity.content_id(url), identity.node_id(url)
    if content:
        if region == MAIN:
            _note(found.links, url, content.page, link)
    elif node is None:
        if region == MAIN and _DATED.match(url) and identity.host_of(url) == identity.host_of(document.url):
            found.without_id.add(identity.canonical_url(url))
    elif _is_page_of_own(own, node, region):
        if own is None or node.page != own.page:
            found.pages.setdefault(identity.canonical_url(url), url)
    elif region != PAGER:
        (found.navigation if region == NAVIGATION else found.nodes).setdefault(identity.canonical_url(url), url)


def _is_page_of_own(own: identity.NodeId | None, node: identity.NodeId, region: str) -> bool:
    if own is None:  # a list under a folder's name: its pager tells its number
        return region == PAGER and node.page > 1
    return node.number == own.number


def _note(links: dict[str, _Entry], url: str, page: int, link: Element) -> None:
    """One more link to an article: the canonical spelling of its URL stands, and the first real text."""
    rank = (page != 1, identity.is_twin(url), not url.startswith("http:"))
    entry = links.setdefault(identity.article_id(url), _Entry(url, rank))
    if rank < entry.rank:
        entry.url, entry.rank = url, rank
    if entry.text is None:
        text = headline(link)
        if text and is_invitation(text):
            entry.fallback = entry.fallback or text
        else:
            entry.text = text
            entry.fallback = entry.fallback or description(link)
