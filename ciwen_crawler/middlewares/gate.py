"""The gate to the network: every request passes it, at its host's pace and within the run's budget."""

import asyncio
import logging
import math
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.http import Response

from ciwen_crawler import clock
from ciwen_crawler.budget import Budget
from ciwen_crawler.capture import ROBOTS
from ciwen_crawler.exchange import CAPTURE, KIND
from ciwen_crawler.pace import Pace, retry_after
from ciwen_crawler.refusal import GivenUp, Unasked
from ciwen_crawler.tally import Tally

logger = logging.getLogger(__name__)

BUDGET = "budget"  # Scrapy's reason for the end of a run that came to its limit
_BEGUN = "ciwen_begun"  # key of a request's meta: when it passed, and its host
_SLOT = "download_slot"  # Scrapy's key for the host; a redirect inherits that of the host before it
_BUSY = (429, 503)
_STEP = 0.25  # seconds
_LATE = 0.01  # seconds by which no timer is early
_PATIENCE = 60.0  # seconds that robots.txt may be waited for, with a request of its host held back all the while


class Gate:
    """At `crawler.gate`, for the queue of requests too, which keeps there what may not yet pass.

    Must be nearest to the downloader: what has passed goes over the wire at once. Nothing else decides about that:
    Scrapy's own slots have the same delay without its jitter, and find it kept.
    """

    def __init__(self, crawler: Crawler) -> None:
        settings = crawler.settings
        self._crawler = crawler
        self.pace = Pace(
            settings.getfloat("DOWNLOAD_DELAY"),
            settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN"),
            throttle=settings.getfloat("AUTOTHROTTLE_START_DELAY") if settings.getbool("AUTOTHROTTLE_ENABLED") else 0,
            longest_delay=settings.getfloat("CIWEN_LONGEST_DELAY"),
            longest_pause=settings.getfloat("CIWEN_LONGEST_PAUSE"),
        )
        self.budget: Budget = getattr(crawler.spider, "budget", Budget())
        self._passed = 0
        self._nobodys = Tally()  # of `scrapy fetch` and `scrapy shell`, which archive nothing
        self._opened_at = math.inf
        self._timers: list[asyncio.TimerHandle] = []
        self._waking: asyncio.TimerHandle | None = None
        self._ending: asyncio.Future[None] | None = None
        crawler.gate = self  # type: ignore[attr-defined]
        crawler.signals.connect(self._open, signals.spider_opened)
        crawler.signals.connect(self._close, signals.spider_closed)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Gate":
        return cls(crawler)

    async def process_request(self, request: Request) -> Request | None:
        """Let it pass, or send it back to the queue, where it holds up nobody."""
        request.meta.pop(_SLOT, None)
        host = host_asked(request.url)
        if not host:
            return None
        waited = 0.0
        while True:
            self._must_go_on(host)
            wait = self.pace.wait(host)
            if not wait:
                break
            # robots.txt is asked for past the queue.
            if request.meta.get(KIND) != ROBOTS:
                return request.replace(priority=request.priority + 1, dont_filter=True)
            if waited + (0 if math.isinf(wait) else wait) > _PATIENCE:
                why = self.pace.give_up(host, f"its robots.txt is not to be asked for within {wait:.0f} s")
                self.give_up(host, why)
                raise GivenUp(why)
            step = min(wait, _STEP)
            waited += step
            await asyncio.sleep(step)
        self.pace.begin(host)
        self._passed += 1
        request.meta[_BEGUN] = clock.moment(), host
        return None

    async def process_response(self, request: Request, response: Response) -> Response:
        """What the host's answer says of its pace."""
        host = self._ended(request)
        if host and response.status in _BUSY:
            self._slow_down(host, response)
        elif host:
            self.pace.welcomed(host)
            self._throttle(host)
        return response

    async def process_exception(self, request: Request, exception: Exception) -> None:
        """It has ended without an answer."""
        self._ended(request)

    def may_ask(self) -> bool:
        """Whether the budget lets another request begin; where it does not, the run ends, for there is one."""
        spent = self._spent()
        if spent:
            self._end(spent)
        return not spent

    def wake(self, seconds: float) -> None:
        """Look into the queue again then."""
        loop = asyncio.get_running_loop()
        if self._waking and self._waking.when() > loop.time() + seconds:
            self._waking.cancel()
            self._waking = None
        if self._waking is None:
            self._waking = loop.call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._waking = None
        slot = _slot(self._crawler)
        if slot:
            slot.nextcall.schedule()

    def _must_go_on(self, host: str) -> None:
        why = self.pace.given_up(host)
        if why:
            raise GivenUp(why)
        slot = _slot(self._crawler)
        if not self.may_ask() or (slot is not None and slot.closing is not None):
            raise Unasked("the run is ending")

    def _spent(self) -> str | None:
        if not self.budget.is_limited:
            return None
        # Those count, too, for which no connection is had.
        return self.budget.spent(self._passed, self._tally.received, self._seconds())

    def _seconds(self) -> float:
        return max(0.0, asyncio.get_running_loop().time() - self._opened_at)

    def _ended(self, request: Request) -> str | None:
        """The host of a request that had passed."""
        begun, host = request.meta.pop(_BEGUN, (None, None))
        if host:
            capture = request.meta.get(CAPTURE)
            sent_at = clock.read(capture.fetched_at) if capture else clock.moment()
            self.pace.end(host, max(0.0, (sent_at - begun).total_seconds()))
        return host  # type: ignore[no-any-return]

    def _slow_down(self, host: str, response: Response) -> None:
        header = response.headers.get("Retry-After")
        pause = retry_after(header.decode("latin-1") if header else None, clock.moment())
        why = self.pace.refused(host, response.status, pause)
        self._tally.slowed[host] += 1
        self.give_up(host, why)

    def give_up(self, host: str, why: str | None) -> None:
        """Tell that nothing more is asked of a host."""
        if why and host not in self._tally.given_up:
            self._tally.given_up[host] = why
            logger.warning("%s", why)

    def _throttle(self, host: str) -> None:
        """Scrapy's AutoThrottle writes its delay into the slot."""
        assert self._crawler.engine is not None
        slot = self._crawler.engine.downloader.slots.get(host)
        if slot:
            self.pace.throttle(host, slot.delay)

    def _open(self) -> None:
        loop = asyncio.get_running_loop()
        self._opened_at = loop.time()
        if self.budget.seconds is not None:
            self._timers.append(loop.call_later(self.budget.seconds + _LATE, self.may_ask))

    def _close(self) -> None:
        for timer in (*self._timers, self._waking):
            if timer:
                timer.cancel()

    def _end(self, spent: str) -> None:
        engine = self._crawler.engine
        if self._ending is None and engine is not None and engine.spider is not None:
            self._tally.budget = self._tally.budget or spent
            self._ending = asyncio.ensure_future(engine.close_spider_async(reason=BUDGET))

    @property
    def _tally(self) -> Tally:
        tally: Tally = self._crawler.archive.tally if hasattr(self._crawler, "archive") else self._nobodys
        return tally


def host_asked(url: str) -> str:
    """The name of the machine that a request goes to; '' for a data: URL and such."""
    parts = urlsplit(url)
    return (parts.hostname or "") if parts.scheme in ("http", "https") else ""


def _slot(crawler: Crawler) -> Any:
    """What the engine knows of the run that goes on. Scrapy 2.19 tells it in no other way."""
    return crawler.engine._slot if crawler.engine else None
