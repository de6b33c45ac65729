"""Turns: whose request is next. A host that is not to be asked yet keeps its requests waiting, and nobody else's."""

import math
from typing import Any

from scrapy import Request
from scrapy.pqueues import DownloaderAwarePriorityQueue, ScrapyPriorityQueue

from ciwen_crawler.capture import OTHER, ROBOTS
from ciwen_crawler.exchange import KIND

_ASSETS = 5  # between the priority of a list that is tried again and that of an asset; Scrapy turns their signs


class Turns(DownloaderAwarePriorityQueue):
    """Scrapy's queue of requests by host, which hands out only what may pass the gate at once: what waits in the
    downloader would be in others' way, and be asked for after an interrupt still.
    """

    def push(self, request: Request) -> None:
        """As Scrapy's; under its own host's name, which a redirect inherits from the host before it."""
        request.meta.pop("download_slot", None)
        super().push(request)

    def pop(self) -> Request | None:
        """The next request; None where each has to wait, or none is to be made any more."""
        if not self.pqueues or not self._gate.may_ask():
            return None
        asked = self._asked()
        waits = {host: self._wait(host, asked.count(host)) for host in self.pqueues}
        if self._gate.budget.is_limited:
            waits |= dict.fromkeys(self._outbid(), math.inf)
        ready = [host for host, wait in waits.items() if not wait]
        if ready:
            return self._popped(self._next_slot(self._downloader_interface.stats(ready), update_state=True))
        soonest = min(waits.values())
        if soonest < math.inf:  # else the end of what is under way makes the engine ask again
            self._gate.wake(soonest)
        return None

    @property
    def _gate(self) -> Any:
        return self.crawler.gate  # type: ignore[attr-defined]

    def _asked(self) -> list[str]:
        """The host of each request that was handed out and has not come to its end; robots.txt was not."""
        assert self.crawler.engine is not None
        key = self._downloader_interface.get_slot_key
        return [key(request) for request in self.crawler.engine.downloader.active if request.meta.get(KIND) != ROBOTS]

    def _wait(self, host: str, handed_out: int) -> float:
        pace = self._gate.pace
        if pace.given_up(host):
            return 0.0
        return math.inf if handed_out >= pace.at_once(host) else pace.wait(host)

    def _outbid(self) -> list[str]:
        """Hosts that have nothing but assets to be asked for, while pages and images wait or are on their way: what a
        budget is for goes first.
        """
        assets = [host for host, queue in self.pqueues.items() if (queue.curprio or 0) > _ASSETS]
        return assets if len(assets) < len(self.pqueues) or self._awaits_pages() else []

    def _awaits_pages(self) -> bool:
        engine = self.crawler.engine
        assert engine is not None
        assert engine.scraper.slot is not None
        on_their_way = (*engine.downloader.active, *engine.scraper.slot.active)
        return any(request.meta.get(KIND, OTHER) != OTHER for request in on_their_way)

    def _popped(self, host: str) -> Request | None:
        queue: ScrapyPriorityQueue = self.pqueues[host]
        request = queue.pop()
        if not len(queue):
            del self.pqueues[host]
            queue.close()
        return request
