"""Articles that are due: which are to be looked at again. The young are changed often, the old hardly ever."""

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from ciwen_crawler.errors import UsageError

ALWAYS = "always"
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1)}
_SPAN = r"([1-9][0-9]{0,3})([hd])"
_STEP = re.compile(rf"{_SPAN} +{_SPAN}", re.ASCII)
_LAST = re.compile(_SPAN, re.ASCII)
# A run that cron begins every hour is never a whole hour after the one before it reached the same article.
_SLACK = 0.9


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
                return now - looked_at >= step.every * _SLACK
        return True


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
