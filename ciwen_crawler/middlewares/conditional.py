"""Conditional requests (RFC 9110 section 13): what has not changed since it was archived is not sent again."""

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from ciwen_crawler.exchange import CAPTURE, CONDITION
from ciwen_crawler.warc.record import Record
from ciwen_crawler.warc.revisit import followed

_RECORD = "ciwen_original"  # key of a request's meta: the record of what CONDITION names


class Conditional:
    """Asks with the validators of the newest answer, and answers a 304 with its body out of the archive.

    So robots.txt, spiders and pages see a 200; the archive's WARC files alone hold the 304. Must be nearest to the
    downloader: what is asked for again, a redirect or a retry, has conditions of its own.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Conditional":
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Add the validators, where there is something to fall back on."""
        request.meta.pop(_RECORD, None)
        if request.meta.pop(CONDITION, None):
            for name in ("If-None-Match", "If-Modified-Since"):
                request.headers.pop(name, None)
        if request.method != "GET" or not hasattr(self._crawler, "archive"):
            return
        memory = self._crawler.archive.memory
        found = memory.validators(request.url)
        # An original that cannot be read any more is fetched anew, and nothing refers to it.
        record = memory.record(found.original) if found else None
        if found is None or record is None:
            return
        request.meta.update({CONDITION: found.original, _RECORD: record})
        if found.etag:
            request.headers["If-None-Match"] = found.etag
        if found.last_modified:
            request.headers["If-Modified-Since"] = found.last_modified

    async def process_response(self, request: Request, response: Response) -> Response:
        """What the request gives: the stored page for a 304."""
        record: Record | None = request.meta.pop(_RECORD, None)
        if response.status != 304 or record is None:
            return response
        stored = followed(request.meta[CAPTURE], record)
        if stored is None:
            return response
        request.meta[CAPTURE] = stored
        return Response(response.url, 200, {"Content-Type": stored.mime or ""}, stored.body)
