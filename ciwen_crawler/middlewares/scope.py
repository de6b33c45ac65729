"""The bounds of the channel, which redirects do not leave."""

from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from ciwen_crawler.capture import ARTICLE, LIST, OTHER
from ciwen_crawler.exchange import KIND
from ciwen_crawler.identity import in_hosts

_SCOPES = {LIST: "scope", ARTICLE: "scope", OTHER: "asset_scope"}  # attributes of the spider


class Scope:
    """Keeps redirects of lists, articles and assets on the hosts that their spider takes them from; what lies elsewhere
    is never asked for.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Scope":
        return cls(crawler)

    async def process_request(self, request: Request) -> Request | None:
        """Drop what leads off the channel; ask without the name and password that a server wrote into an address."""
        parts = urlsplit(request.url)
        if "@" in parts.netloc:
            return request.replace(url=parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())
        scope = getattr(self._crawler.spider, _SCOPES.get(request.meta.get(KIND, ""), ""), None)
        if scope is not None and "redirect_times" in request.meta and not in_hosts(request.url, scope):
            raise IgnoreRequest(f"leads off the channel, to {request.url}")
        return None
