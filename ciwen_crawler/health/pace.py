"""Pace: whether the newest article is old by what the archive itself knows of the channel's pauses."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor, log2

from ciwen_crawler import clock
from ciwen_crawler.health.finding import Finding

_ENOUGH = 10  # pauses
_FACTOR = 3


def pause(dated: Sequence[str], before: str | None, now: datetime) -> Finding | None:
    """Told when the pause is three times the longest of the past, and again at each doubling.

    `dated`: when the newest articles were published, UTC, whatever their order; `before`: when the run before this one
    ended, since what was told then need not be told again.
    """
    moments = sorted(map(clock.read, dated))
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    longest = max(pauses, default=timedelta(0))
    if len(pauses) < _ENOUGH or not longest or before is None:
        return None
    newest = moments[-1]
    level = _level(now - newest, longest)
    told = _level(clock.read(before) - newest, longest)
    if level is None or (told is not None and level <= told):
        return None
    said = f"none newer for {_told(now - newest)}, before {_told(longest)} at most"
    days = (longest.total_seconds() / 86400, (now - newest).total_seconds() / 86400)
    return Finding("pace", "published_at", round(days[0], 2), round(days[1], 2), said)


def _level(since: timedelta, longest: timedelta) -> int | None:
    """How often three times the longest pause has doubled; None where it is not yet reached."""
    ratio = since / (_FACTOR * longest)
    return floor(log2(ratio)) if ratio >= 1 else None


def _told(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
