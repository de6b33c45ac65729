"""Articles that are due: which are to be looked at again. The young are changed often, the old hardly ever."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from ciwen_crawler import clock
from ciwen_crawler.errors import UsageError
from ciwen_crawler.store.agenda import Band, Sighting

ALWAYS = "always"
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
_SPAN = r"([1-9][0-9]{0,3})([hd])"
_STEP = re.compile(rf"{_SPAN} +{_SPAN}", re.ASCII)
_LAST = re.compile(_SPAN, re.ASCII)
# A run that cron begins every hour is never a whole hour after the one before it reached the same article.
SLACK = 0.9
# Three looks that find nothing, over three days, make an article count as gone (`store.standing`).
_UNSURE = timedelta(hours=36)


class Step(NamedTuple):
    """What holds for articles up to an age."""

    age: timedelta | None  # None: for all that are older
    every: timedelta


class Schedule(NamedTuple):
    """How long after a look the next one is due."""

    steps: tuple[Step, ...]  # by age; none where a look is always due

    def is_due(self, looked_at: datetime, since: datetime, now: datetime) -> bool:
        """Whether an article that was published at `since` and last seen at `looked_at` is to be looked at now.

        It is as old as it was at that look, so that each age gets the looks it has to have.
        """
        age = looked_at - since
        for step in self.steps:
            if step.age is None or age <= step.age:
                return now - looked_at >= step.every * SLACK
        return True

    def wants(self, seen: Sighting, now: datetime) -> bool:
        """Whether an article is to be looked at now, after its last look."""
        looked_at = clock.read(seen.looked_at)
        if self.steps and seen.is_absent:
            return now - looked_at >= _UNSURE
        return self.is_due(looked_at, clock.read(seen.since), now)

    def bands(self, now: datetime) -> Iterator[Band]:
        """Where every article is found that is due, and few others: those that a step makes due and the next one does
        not yet are young by now, too.
        """
        for step, following in pairwise(self.steps):
            if step.age is not None:
                until, since = now - step.every * SLACK, now - following.every * SLACK - step.age
                yield Band(clock.written(until), clock.written(since), step.age)
        last = self.steps[-1].every * SLACK if self.steps else timedelta(0)
        yield Band(clock.written(now - last))

    def absent_until(self, now: datetime) -> str:
        """Until when articles were not found that are looked for again now."""
        return clock.written(now - _UNSURE)


def schedule(text: str) -> Schedule:
    """The table that a setting holds: `3h 1h, 7d 1d, 182d` is hourly up to an age of three hours, daily up to a week,
    later every 182 days; `always` asks for every look in every run. Raises UsageError for anything else.
    """
    if text.strip() == ALWAYS:
        return Schedule(())
    *first, last = (part.strip() for part in text.split(","))
    steps = [_STEP.fullmatch(part) for part in first]
    rest = _LAST.fullmatch(last)
    if rest is None or None in steps:
        raise UsageError(
            f"CIWEN_LOOK_AGAIN is {text!r}: it must be like '3h 1h, 7d 1d, 182d' (up to an age, how often; for all"
            f" that are older, how often; in h or d), or {ALWAYS!r}"
        )
    found = [Step(_span(step[1], step[2]), _span(step[3], step[4])) for step in steps if step]
    ages = [step.age for step in found if step.age]
    if ages != sorted(set(ages)):
        raise UsageError(f"CIWEN_LOOK_AGAIN is {text!r}: its ages must rise")
    return Schedule((*found, Step(None, _span(rest[1], rest[2]))))


def _span(number: str, unit: str) -> timedelta:
    return int(number) * _UNITS[unit]
