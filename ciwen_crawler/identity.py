"""Which article a URL means. Twins, mirrors, schemes and fragments of one article share one identity.

The rules are those of the channel's CMS: `content_<id>[_<page>].<ext>` below any folder, http canonical,
`/m/` for mobile twins, `big5.china.com.cn/gate/big5/<host>/<path>` for the traditional-script mirror.
"""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit, urlunsplit

_CONTENT = re.compile(r"/content_(\d{1,20})(?:_(\d{1,4}))?\.s?html?$", re.IGNORECASE)
_NODE = re.compile(r"/node_(\d{1,20})(?:_(\d{1,4}))?\.s?html?$", re.IGNORECASE)
_BIG5 = re.compile(r"^/gate/big5/([^/]+)(/.*)?$")
_BLANKS = re.compile(r"[\t\r\n]")
_SITE = "china.com.cn"
_WWW = "www."


def absolute(base: str, href: str) -> str | None:
    """The http(s) URL that a link means, without blanks, line breaks and fragment; None for any other scheme."""
    try:
        parts = urlsplit(urljoin(base, _BLANKS.sub("", href).strip(" \u3000\u00a0")))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        parts.port  # noqa: B018 - reading it is what finds a malformed port
    except ValueError:
        return None
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", parts.query, "")).replace(" ", "%20")


def _unmirrored(url: str) -> tuple[str, str, str, bool]:
    """(host, path, query, whether it was a mirror), the big5 gate taken away."""
    parts = urlsplit(url)
    host, path = (parts.netloc.rpartition("@")[2]).lower(), parts.path or "/"
    gate = _BIG5.match(path) if host.startswith("big5.") else None
    if gate:
        host, path = gate.group(1).lower(), gate.group(2) or "/"
    port = ":80" if parts.scheme == "http" else ":443"
    return host.removesuffix(port), path, parts.query, gate is not None


def canonical_url(url: str) -> str:
    """The one spelling of a page's URL: http, lower-case host, no mirror, no `/m/`, no fragment.

    Only an article's twin (`/m/2025-06/04/content_…`) loses its `/m/`; other paths and queries stay.
    """
    if url.startswith("file:"):
        return url
    host, path, query, _ = _unmirrored(url)
    if _CONTENT.search(path):
        path = re.sub(r"^/m/(?=\d{4}-\d{2}/)", "/", path)
        query = ""
    return urlunsplit(("http", host, path, query, ""))


def host_of(url: str) -> str:
    """The host that a URL means, the mirror's gate and the port taken away."""
    return _unmirrored(url)[0].partition(":")[0]


def in_hosts(url: str, hosts: frozenset[str]) -> bool:
    """True where the URL's host, `www.` or not, is one of these."""
    host = host_of(url)
    return host in hosts or host.removeprefix(_WWW) in hosts


def is_node(url: str) -> bool:
    """True for a list page of the CMS, `node_<id>[_<page>].<ext>`."""
    return bool(_NODE.search(urlsplit(url).path))


@dataclass(frozen=True, slots=True)
class NodeId:
    """The CMS's number of a list, and which of its pages a URL names."""

    number: str
    page: int


def node_id(url: str) -> NodeId | None:
    """The list that a URL is a page of, None where it is none."""
    match = _NODE.search(_unmirrored(url)[1])
    return NodeId(match.group(1), int(match.group(2) or 1)) if match else None


@dataclass(frozen=True, slots=True)
class ContentId:
    """The CMS's number of an article, and which of its pages a URL names (0: the whole on one page)."""

    number: str
    page: int


def content_id(url: str) -> ContentId | None:
    """The CMS's id in a URL, None where there is none."""
    match = _CONTENT.search(_unmirrored(url)[1])
    return ContentId(match.group(1), int(match.group(2) or 1)) if match else None


def article_url(url: str) -> str:
    """The canonical URL of the first page of the article that a URL names."""
    canonical = canonical_url(url)
    return re.sub(r"(/content_\d+)_\d+(?=\.s?html?$)", r"\1", canonical, flags=re.IGNORECASE)


def article_id(url: str) -> str:
    """The key of the article that a URL names: `china.com.cn:<id>`, elsewhere a digest of its canonical URL."""
    found = content_id(url)
    host = host_of(url)
    if found and (host == _SITE or host.endswith("." + _SITE)):
        return f"{_SITE}:{found.number}"
    return "sha256:" + hashlib.sha256(article_url(url).encode()).hexdigest()[:32]


def is_twin(url: str) -> bool:
    """True for a rendering that must make no version beside the canonical page: `/m/`, big5, `_0`."""
    _, path, _, mirrored = _unmirrored(url)
    found = content_id(url)
    return found is not None and (mirrored or path.startswith("/m/") or found.page == 0)
