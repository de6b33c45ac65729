"""Pace: when a host is asked next. One at a time and at least the delay apart, slower where it asks for that, and not
at all in this run where it asks for too much.
"""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MOST_REFUSALS = 5  # answers 429 or 503 in a row, after which a host is left alone
_DOUBLINGS = 8  # of the delay at most
_WELCOMES = 10  # other answers in a row, after which a doubling is taken back
_SECONDS = re.compile(r"\d+", re.ASCII)


@dataclass(slots=True)
class _Host:
    """What is known of one host in one run. Moments are the clock's seconds."""

    throttle: float  # seconds, as slow as it answers
    crawl_delay: float = 0.0  # seconds, of its robots.txt
    doublings: int = 0
    refusals: int = 0  # in a row
    welcomes: int = 0  # in a row
    under_way: int = 0
    begun: float = 0.0
    lag: float = 0.0  # until the last was sent
    not_before: float = 0.0
    given_up: str | None = None  # why


class Pace:
    """The hosts of one run, each by its name alone: its ports and schemes are one machine's.

    `delay` is the least time between two requests to a host, `at_once` how many may be under way where there is none;
    `longest_delay` and `longest_pause` (seconds) are what a Crawl-delay and a Retry-After may ask for.
    """

    def __init__(
        self,
        delay: float,
        at_once: int,
        *,
        throttle: float = 0.0,
        longest_delay: float = 60.0,
        longest_pause: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._delay = delay
        self._at_once = at_once
        self._throttle = throttle
        self._longest_delay = longest_delay
        self._longest_pause = longest_pause
        self._clock = clock
        self._hosts: dict[str, _Host] = {}

    def wait(self, host: str) -> float:
        """Seconds until a request may begin; 0 for now, infinity for when another has ended."""
        known = self._known(host)
        if known.given_up:
            return 0.0
        if known.under_way >= self.at_once(host):
            return math.inf
        return max(0.0, known.not_before - self._clock())

    def begin(self, host: str) -> None:
        """A request begins."""
        known = self._known(host)
        known.under_way += 1
        known.begun = self._clock()
        known.not_before = known.begun + self.delay(host)

    def end(self, host: str, lag: float = 0.0) -> None:
        """A request has ended, answered or not, that was on its way to the host for `lag` seconds before it was sent:
        connections take their time, and the next may find one open.
        """
        known = self._known(host)
        known.under_way -= 1
        known.lag = lag
        known.not_before = max(known.not_before, known.begun + lag + self.delay(host))

    def at_once(self, host: str) -> int:
        """How many requests may be under way."""
        return 1 if self.delay(host) else self._at_once

    def delay(self, host: str) -> float:
        """Seconds between the beginnings of two requests."""
        known = self._known(host)
        asked = max(self._delay, known.throttle, known.crawl_delay)
        return max(asked, min(asked * (1 << known.doublings), self._longest_pause))

    def given_up(self, host: str) -> str | None:
        """Why nothing more is asked of a host in this run; None where it is."""
        return self._known(host).given_up

    def throttle(self, host: str, delay: float) -> None:
        """The delay that suits how fast the host answers; below the others it says nothing."""
        self._known(host).throttle = delay

    def crawl_delay(self, host: str, delay: float) -> str | None:
        """What its robots.txt asks for. Why the host is given up for it, where it is."""
        known = self._known(host)
        known.crawl_delay = max(known.crawl_delay, delay)
        known.not_before = max(known.not_before, known.begun + known.lag + self.delay(host))
        if delay > self._longest_delay:
            return self.give_up(
                host,
                f"its robots.txt asks for {delay:g} s between requests, above the limit of {self._longest_delay:g}",
            )
        return None

    def refused(self, host: str, status: int, retry_after: float | None) -> str | None:
        """It answered 429 or 503, and asks for a pause. Why the host is given up for it, where it is."""
        known = self._known(host)
        known.refusals += 1
        known.welcomes = 0
        known.doublings = min(known.doublings + 1, _DOUBLINGS)
        known.not_before = max(known.not_before, self._clock() + max(self.delay(host), retry_after or 0.0))
        if retry_after is not None and retry_after > self._longest_pause:
            return self.give_up(
                host,
                f"it answered {status} and asks for a pause of {retry_after:.0f} s, "
                f"above the limit of {self._longest_pause:g}",
            )
        if known.refusals >= _MOST_REFUSALS:
            return self.give_up(host, f"it answered {status} as the last of {known.refusals} refusals in a row")
        return None

    def welcomed(self, host: str) -> None:
        """It answered something else."""
        known = self._known(host)
        known.refusals = 0
        known.welcomes += 1
        if known.welcomes >= _WELCOMES and known.doublings:
            known.welcomes = 0
            known.doublings -= 1

    def give_up(self, host: str, why: str) -> str:
        """Nothing more is asked of a host in this run; why, as it is told."""
        known = self._known(host)
        known.given_up = known.given_up or f"{host} is given up for this run: {why}"
        return known.given_up

    def _known(self, host: str) -> _Host:
        if host not in self._hosts:
            self._hosts[host] = _Host(self._throttle)
        return self._hosts[host]


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After asks for (RFC 9110 section 10.2.3), by number or date; None where it says none."""
    text = (text or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
