"""robots.txt, obeyed by every request (RFC 9309)."""

import asyncio
import logging
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import NotConfigured

from ciwen_crawler.capture import ROBOTS
from ciwen_crawler.errors import CannotWrite
from ciwen_crawler.exchange import KIND
from ciwen_crawler.refusal import Disallowed, Refusal

logger = logging.getLogger(__name__)

_TOKEN = "Ciwen"  # noqa: S105 - the product token that a robots.txt names us by
_LONGEST = 500 * 1024  # bytes; RFC 9309 section 2.5


class _Rules(NamedTuple):
    """What a host allows. RFC 9309 section 2.3.1.4: rules that cannot be reached are taken to disallow everything."""

    parser: Protego
    unreachable: str | None = None


_ALL_ALLOWED = _Rules(Protego.parse(""))


class Robots:
    """Lets through what a host's robots.txt allows. All requests to a host wait for the one fetch of it."""

    def __init__(self, crawler: Crawler) -> None:
        if not crawler.settings.getbool("ROBOTSTXT_OBEY"):
            raise NotConfigured
        self._crawler = crawler
        self._rules: dict[tuple[str, str], asyncio.Task[_Rules]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Robots":
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Drop what is not allowed."""
        parts = urlsplit(request.url)
        if request.meta.get(KIND) == ROBOTS or parts.scheme not in ("http", "https"):
            return
        host = parts.scheme, parts.netloc
        if host not in self._rules:
            self._rules[host] = asyncio.ensure_future(self._learn(f"{parts.scheme}://{parts.netloc}/robots.txt"))
        # A request that is cancelled must not take the rules away from those that wait beside it.
        rules = await asyncio.shield(self._rules[host])
        if rules.unreachable:
            raise Disallowed(f"robots.txt of {parts.netloc} cannot be had: {rules.unreachable}")
        if not rules.parser.can_fetch(request.url, _TOKEN):
            raise Disallowed(f"robots.txt of {parts.netloc} disallows it")

    async def _learn(self, url: str) -> _Rules:
        """The rules; the pace that they ask for goes to the gate."""
        rules = await self._fetch(url)
        delay = rules.parser.crawl_delay(_TOKEN)
        if delay:
            gate: Any = self._crawler.gate  # type: ignore[attr-defined]
            host = urlsplit(url).hostname or ""
            gate.give_up(host, gate.pace.crawl_delay(host, delay))
        return rules

    async def _fetch(self, url: str) -> _Rules:
        request = Request(url, meta={KIND: ROBOTS}, priority=1000, dont_filter=True)
        assert self._crawler.engine is not None
        try:
            response = await self._crawler.engine.download_async(request)
        except (CannotWrite, Refusal):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, no rules came
            return _unreachable(url, str(error) or type(error).__name__)
        if response.status == 304:
            return self._stored(url)
        if response.status >= 500 or response.status == 429:  # too many of ours are no permission for more
            return _unreachable(url, f"status {response.status}")
        if response.status >= 400:
            return _ALL_ALLOWED
        return _parsed(response.body)

    def _stored(self, url: str) -> _Rules:
        """What a 304 means that nobody asked for: one that answers a condition has become a 200 by now."""
        memory = self._crawler.archive.memory  # type: ignore[attr-defined]
        if 400 <= (memory.status(url) or 0) < 500:
            return _ALL_ALLOWED  # there was none, and there is none still
        original = memory.newest(url)
        stored = memory.read(original) if original else None
        return _parsed(stored.body) if stored else _unreachable(url, "status 304, and none is stored")


def _unreachable(url: str, why: str) -> _Rules:
    logger.warning("%s cannot be had (%s): nothing is asked of its host", url, why)
    return _Rules(Protego.parse(""), why)


def _parsed(body: bytes) -> _Rules:
    body = body[:_LONGEST]
    # A byte order mark would be part of the first line, and make it one that says nothing.
    return _Rules(Protego.parse(body.decode("utf-8-sig", "replace")))
