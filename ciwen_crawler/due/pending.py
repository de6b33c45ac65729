"""Pending: articles that could not be had, and are asked for again at growing intervals. A run's report carries them
to the next one.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from ciwen_crawler import clock
from ciwen_crawler.due.articles import SLACK
from ciwen_crawler.identity import article_id

_LONGEST = timedelta(days=30)
_MOST_DOUBLINGS = 20  # more are longer than that
_MOST = 5000


class Attempts(NamedTuple):
    """What was tried to have an article, in runs that followed one another."""

    url: str
    tries: int
    last_at: datetime

    def rests(self, now: datetime) -> bool:
        """Whether it is too soon for another. The second comes with the next run, the third an hour after it, then it
        is three hours, seven, and so on.
        """
        wait = timedelta(hours=2 ** min(self.tries - 1, _MOST_DOUBLINGS) - 1)
        return now - self.last_at < min(wait, _LONGEST) * SLACK


class Pending:
    """The articles that earlier runs could not have, and what comes of them in this one.

    `told` is what the last run's report says: URL → [attempts, moment of the last]. What is no such thing is left out.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._attempts = {article_id(each.url): each for each in _read(told)}
        self._failed: dict[str, Attempts] = {}  # by id
        self._had: set[str] = set()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Ids and URLs of those that earlier runs could not have."""
        return ((identity, each.url) for identity, each in self._attempts.items())

    def __contains__(self, identity: str) -> bool:
        """Whether earlier runs could not have an article."""
        return identity in self._attempts

    def rests(self, identity: str, now: datetime) -> bool:
        """Whether an article was tried too lately to be asked for."""
        found = self._attempts.get(identity)
        return found is not None and found.rests(now)

    def had(self, identity: str) -> None:
        """An article was had, or found to be gone."""
        self._had.add(identity)

    def failed(self, identity: str, url: str, now: datetime) -> None:
        """An article was asked for and could not be had."""
        before = self._attempts.get(identity)
        self._failed.setdefault(identity, Attempts(url, before.tries + 1 if before else 1, now))

    def told(self) -> tuple[dict[str, list[Any]], int]:
        """For this run's report, those that wait the longest first; and how many more there are than it tells of."""
        left = [each for identity, each in (self._attempts | self._failed).items() if identity not in self._had]
        told = {each.url: [each.tries, clock.written(each.last_at)] for each in left[:_MOST]}
        return told, len(left) - len(told)


def _read(told: Mapping[str, Any]) -> Iterator[Attempts]:
    for url, said in told.items():
        try:
            tries, last_at = said
            if isinstance(tries, int) and tries > 0:
                yield Attempts(url, tries, clock.read(last_at))
        except (TypeError, ValueError, AttributeError):
            continue  # another program's report, or another time's
