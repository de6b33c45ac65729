"""The bounds of the channel: the hosts it is archived from, which no link and no redirect leaves."""

from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler

from ciwen_crawler.addresses import is_private
from ciwen_crawler.capture import ARTICLE, LIST
from ciwen_crawler.exchange import KIND
from ciwen_crawler.identity import in_hosts
from ciwen_crawler.refusal import OffHosts, PrivateAddress

_WEB = ("http", "https")


class Scope:
    """Asks nobody but the hosts that the spider names: `scope` for lists and articles, `asset_scope` for all else.

    Nor private addresses, but for the start pages' own. Spiders that name none are left alone.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        spider = crawler.spider
        self._scope: frozenset[str] = getattr(spider, "scope", frozenset())
        self._asset_scope: frozenset[str] = getattr(spider, "asset_scope", frozenset())
        starts = [urlsplit(url) for url in getattr(spider, "starts", ())]
        self._starts = {parts.netloc.lower() for parts in starts}
        self._known = {parts.hostname for parts in starts}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Scope":
        return cls(crawler)

    async def process_request(self, request: Request) -> Request | None:
        """Refuse what leads elsewhere; ask without the name and password that a server wrote into an address."""
        if not self._asset_scope:
            return None
        parts = urlsplit(request.url)
        if "@" in parts.netloc:
            return request.replace(url=parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())
        tally = self._crawler.archive.tally  # type: ignore[attr-defined]
        if parts.hostname not in self._known and is_private(parts.hostname or ""):
            tally.private.add(request.url)
            raise PrivateAddress(f"leads to a private address, {request.url}")
        if parts.scheme not in _WEB or not self._is_allowed(request, parts.netloc.lower()):
            tally.off_hosts.add(request.url)
            raise OffHosts(f"leads off the channel, to {request.url}")
        return None

    def _is_allowed(self, request: Request, netloc: str) -> bool:
        # The host that is asked, not the one that a mirror's address stands for.
        host = f"http://{netloc}/"
        if netloc in self._starts:
            return True
        if request.meta.get(KIND) in (LIST, ARTICLE):
            is_mirrored = in_hosts(request.url, self._scope) and in_hosts(host, self._asset_scope)
            return is_mirrored or in_hosts(host, self._scope)
        return in_hosts(host, self._asset_scope)
