"""Which article a URL means. Twins, mirrors, schemes and fragments of one article share one identity.

The rules are those of the channel's CMS: `content_<id>[_<page>].<ext>` below any folder, http canonical,
`/m/` for mobile twins, `big5.china.com.cn/gate/big5/<host>/<path>` for the traditional-script mirror. What a page
writes into its links is anything at all, so no function here raises: a text that is no web address keeps its spelling
and has no host and no id.
"""

import hashlib
import re
from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit, urlunsplit

_FILE = re.compile(r"/(content|node)_([0-9]{1,20})(?:_([0-9]{1,4}))?\.s?html?$", re.IGNORECASE)
_MOBILE = re.compile(r"^/m(?=/[0-9]{4}-[0-9]{2}/)")
_FURTHER_PAGE = re.compile(r"(/content_[0-9]+)_[0-9]+(?=\.s?html?$)", re.IGNORECASE)
_BIG5 = re.compile(r"/gate/big5/([a-zA-Z0-9._-]+(?::[0-9]{1,5})?)(/.*)?")
_BLANKS = re.compile(r"[\t\r\n]")
_WEB = ("http", "https")
_SITE = "china.com.cn"
_MIRROR = "big5.china.com.cn"
_WWW = "www."
_WHOLE = re.compile(r"https?://", re.IGNORECASE)
_LONGEST = 8000  # no server takes a longer address; pictures written into the page as data: are
# A web address as most pages write it, which means itself whatever page it stands on. Resolving one is dear.
_PLAIN = re.compile(
    r"https?://[a-z0-9.-]+(?::[0-9]{1,4})?/[\w!$%&'()*+,\-./:;=@~]*(?:\?[\w!$%&'()*+,\-./:;=@~]+)?", re.ASCII
)


def absolute(base: str, href: str) -> str | None:
    """The http(s) URL that a link means, without blanks, line breaks, userinfo and fragment; None for other schemes."""
    if len(href) > _LONGEST:
        return None
    if _PLAIN.fullmatch(href):
        return href
    # Browsers read a backslash as a slash, and so must who asks which host a link leads to.
    link = _BLANKS.sub("", href).strip(" \u3000\u00a0").replace("\\", "/")
    try:
        # What is whole means the same on every page, which joining would not leave it.
        parts = urlsplit(link if _WHOLE.match(link) else urljoin(base, link))
        if parts.scheme not in _WEB or not parts.hostname:
            return None
        parts.port  # noqa: B018 - reading it is what finds a malformed port
    except ValueError:
        return None
    # Nobody's name and password are part of what a page links to.
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path or "/", parts.query, "")).replace(" ", "%20")


@dataclass(frozen=True, slots=True)
class NodeId:
    """The CMS's number of a list, and which of its pages a URL names."""

    number: str
    page: int


@dataclass(frozen=True, slots=True)
class ContentId:
    """The CMS's number of an article, and which of its pages a URL names (0: the whole on one page)."""

    number: str
    page: int


class _Place(NamedTuple):
    """Where a web address leads, the mirror's gate taken away."""

    host: str  # lower case, with a port that is not the scheme's own; '' for what is no web address
    path: str
    query: str
    mirrored: bool
    content: ContentId | None
    node: NodeId | None


_NOWHERE = _Place("", "", "", False, None, None)


# Several questions are asked of each link of a list page.
@lru_cache(maxsize=1024)
def _place(url: str) -> _Place:
    try:
        parts = urlsplit(url)
        if parts.scheme not in _WEB or not parts.hostname:
            return _NOWHERE
        parts.port  # noqa: B018 - reading it is what finds a malformed port
    except ValueError:
        return _NOWHERE
    host, path, mirrored = _bare(parts.netloc.rpartition("@")[2]), parts.path or "/", False
    while host == _MIRROR and (gate := _BIG5.fullmatch(path)):
        host, path, mirrored = _bare(gate[1]), gate[2] or "/", True
    content = node = None
    if file := _FILE.search(path):
        number, page = file[2], int(file[3] or 1)
        if file[1].lower() == "content":
            content = ContentId(number, page)
        else:
            node = NodeId(number, page)
    return _Place(host, path, parts.query, mirrored, content, node)


def _bare(host: str) -> str:
    return host.lower().removesuffix(":80").removesuffix(":443").removesuffix(":")


def canonical_url(url: str) -> str:
    """The one spelling of a page's URL: http, lower-case host, no mirror, no `/m/`, no fragment.

    Only an article's twin (`/m/2025-06/04/content_…`) loses its `/m/`; other paths and queries stay, and so does all
    that is no web address.
    """
    place = _place(url)
    if not place.host:
        return url
    if place.content:
        return urlunsplit(("http", place.host, _MOBILE.sub("", place.path), "", ""))
    return urlunsplit(("http", place.host, place.path, place.query, ""))


def host_of(url: str) -> str:
    """The host that a URL means, the mirror's gate taken away, a port that is not the scheme's own with it.

    '' for what is no web address.
    """
    return _place(url).host


def in_hosts(url: str, hosts: Set[str]) -> bool:
    """True where the URL's host, `www.` or not, is one of these; `*.china.com.cn` are all below china.com.cn."""
    host = host_of(url)
    if host in hosts or host.removeprefix(_WWW) in hosts:
        return True
    labels = host.split(".")
    return any(f"*.{'.'.join(labels[above:])}" in hosts for above in range(1, len(labels)))


def is_node(url: str) -> bool:
    """True for a list page of the CMS, `node_<id>[_<page>].<ext>`."""
    return _place(url).node is not None


def node_id(url: str) -> NodeId | None:
    """The list that a URL is a page of, None where it is none."""
    return _place(url).node


def content_id(url: str) -> ContentId | None:
    """The CMS's id in a URL, None where there is none."""
    return _place(url).content


def article_url(url: str) -> str:
    """The canonical URL of the first page of the article that a URL names."""
    return _FURTHER_PAGE.sub(r"\1", canonical_url(url))


def article_id(url: str) -> str:
    """The key of the article that a URL names: `china.com.cn:<id>`, elsewhere a digest of its canonical URL."""
    found = content_id(url)
    host = host_of(url)
    if found and (host == _SITE or host.endswith("." + _SITE)):
        return f"{_SITE}:{found.number}"
    return "sha256:" + hashlib.sha256(article_url(url).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def is_first_page(url: str) -> bool:
    """True for the canonical rendering of an article's first page, or of one whose pages have no numbers."""
    page = content_id(url)
    return (page is None or page.page == 1) and not is_twin(url)


def is_twin(url: str) -> bool:
    """True for a rendering that must make no version beside the canonical page: `/m/`, big5, `_0`."""
    place = _place(url)
    return place.content is not None and (place.mirrored or place.path.startswith("/m/") or place.content.page == 0)
