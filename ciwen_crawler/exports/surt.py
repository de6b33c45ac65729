"""SURT: a URL turned so that what belongs together sorts together, `cn,com,china,ci)/2025-06/04/content_4313.html`.

The rules are those of the Wayback Machine's key maker, `WaybackURLKeyMaker` of the IIPC's webarchive-commons, as pywb
and cdxj-indexer apply them too: what makes no difference to most servers makes none to the key. The package `surt`
that they use is AGPL, where Ciwen is MIT, and asks the network for hosts like `999.1.1.1`.
"""

import re
import socket
from contextlib import suppress
from urllib.parse import SplitResultBytes, quote_from_bytes, unquote_to_bytes

# RFC 3986 appendix B, but for what a scheme may be made of.
_URL = re.compile(
    rb"(?:([a-z][a-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE | re.DOTALL
)
_HAS_SCHEME = re.compile(rb"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SCHEMES = re.compile(rb"^(https?://)+")
_BREAKS = re.compile(rb"[\n\r\t]")
_KEPT = "!\"$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_WWW = re.compile(rb"www\d*\.")
_DEFAULT_PORT = {b"http": 80, b"https": 443}
_IP = re.compile(rb"(?:0[0-7]*|[1-9][0-9]*)(?:\.[0-9]+){0,3}")
_SESSIONS_IN_PATHS = (
    re.compile(rb"(.*/)(?:\((?:[a-z]\([0-9a-z]{24}\))+\)/)([^?]+\.aspx.*)"),
    re.compile(rb"(.*/)(?:\([0-9a-z]{24}\)/)([^?]+\.aspx.*)"),
)
_SESSIONS_IN_QUERIES = tuple(
    re.compile(rb"(.*)(?:" + name + rb")(?:&(.*))?", re.IGNORECASE)
    for name in (
        rb"jsessionid=[0-9a-z]{32}",
        rb"phpsessid=[0-9a-z]{32}",
        rb"sid=[0-9a-z]{32}",
        rb"aspsessionid[a-z]{8}=[a-z]{24}",
        rb"cfid=[^&]+&cftoken=[^&]+",
    )
)


def surt(url: str) -> str:
    """The key of a URL. ASCII without blanks; of what no URL can be, the text itself with its blanks encoded."""
    try:
        return _key(url.encode("utf-8", "surrogatepass")).decode("ascii")
    except ValueError:  # a port that is none
        return quote_from_bytes(url.encode("utf-8", "surrogatepass"), safe=_KEPT)


def _key(url: bytes) -> bytes:
    url = _BREAKS.sub(b"", url.strip())
    if not url:
        return b"-"
    if not _HAS_SCHEME.match(url):
        url = b"http://" + url
    found = _URL.fullmatch(_SCHEMES.sub(rb"\1", url))
    assert found is not None
    scheme, authority, path, query = (part or b"" for part in found.groups())
    parts = SplitResultBytes(scheme, authority.rstrip(b":"), path, query, b"")
    host, port = parts.hostname or b"", parts.port
    if not host and path and scheme.startswith(b"http"):  # http:////host/path
        host, _, path = path.lstrip(b"/").partition(b"/")
        path = b"/" + path
    host = _host(host)
    path = _path(path, bool(host))
    query = _query(query)
    if scheme != b"dns":
        host = _without(_WWW, host)
    place = scheme + b":"
    if host:
        shown = b":%d" % port if port and port != _DEFAULT_PORT.get(scheme.lower(), 0) else b""
        place = b",".join(reversed(host.split(b"."))) + shown + b")"
    return place + (path or (b"/" if query else b"")) + (b"?" + query if query else b"")


def _host(host: bytes) -> bytes:
    host = _unescaped(host)
    if not host.isascii():
        with suppress(UnicodeError):
            host = host.decode("utf-8", "ignore").encode("idna")
    host = host.replace(b"..", b".").strip(b".")
    return _ip(host) or _escaped(host.lower()).lower()


def _ip(host: bytes) -> bytes:
    """A host that is an address, however it is written: `0x…` aside, what C's inet_aton takes for one."""
    if host.isdigit():
        return socket.inet_ntoa((int(host) & 0xFFFFFFFF).to_bytes(4, "big")).encode()
    if not _IP.fullmatch(host):
        return b""
    try:
        return socket.inet_ntoa(socket.inet_aton(host.decode())).encode()
    except OSError:
        return b""


def _path(path: bytes, has_host: bool) -> bytes:
    path = _unescaped(path)
    if has_host:
        path = _resolved(path)
    path = _escaped(path).lower()
    for pattern in _SESSIONS_IN_PATHS:
        if found := pattern.fullmatch(path):
            path = found[1] + found[2]
    return path[:-1] if path.endswith(b"/") and len(path) > 1 else path


def _resolved(path: bytes) -> bytes:
    """Without `.`, `..` and empty parts; above the root `..` stays once, and takes itself away the second time."""
    kept: list[bytes] = []
    for part in path.split(b"/")[1:]:
        if part == b".." and kept:
            kept.pop()
        elif part != b".":
            kept.append(part)
    return b"/" + b"".join(part + b"/" for part in kept[:-1] if part) + (kept[-1] if kept else b"")


def _query(query: bytes) -> bytes:
    query = _escaped(_unescaped(query))
    for pattern in _SESSIONS_IN_QUERIES:
        if found := pattern.fullmatch(query):
            query = found[1] + (found[2] or b"")
    pairs = sorted(pair.split(b"=", 1) for pair in query.lower().split(b"&"))
    return b"&".join(b"=".join(pair) for pair in pairs)


def _without(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    found = pattern.match(text)
    return text[found.end() :] if found else text


def _unescaped(text: bytes) -> bytes:
    while (once := unquote_to_bytes(text)) != text:
        text = once
    return text


def _escaped(text: bytes) -> bytes:
    return quote_from_bytes(text, safe=_KEPT).encode("ascii")
