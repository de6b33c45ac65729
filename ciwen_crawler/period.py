"""Periods that people give by dates, as moments that the archive can be asked for. UTC, as its own moments are."""

from datetime import UTC, datetime, time
from typing import NamedTuple

from ciwen_crawler import clock
from ciwen_crawler.errors import UsageError

_DAY = len("2025-06-04")


class Period(NamedTuple):
    """Moments as the archive writes them, `2025-06-04T08:35:12.123456Z`, both of them in it; None is without end."""

    since: str | None = None
    until: str | None = None

    @property
    def is_all(self) -> bool:
        """True where it has no end on either side."""
        return self.since is None and self.until is None


def period(since: str | None, until: str | None) -> Period:
    """What `--since` and `--until` mean together; UsageError where one is no date, or they are reversed."""
    found = Period(
        None if since is None else parse_since(since),
        None if until is None else parse_until(until),
    )
    if found.since and found.until and found.since > found.until:
        raise UsageError(f"no moment is between --since {since} and --until {until}: exchange them")
    return found


def parse_since(text: str) -> str:
    """The first moment of a period: that of a day, or the very moment (`2025-06-04T16:35`, `…+08:00`).

    Raises UsageError where the text is neither.
    """
    return clock.written(_moment(text, time.min))


def parse_until(text: str) -> str:
    """The last moment of a period, a day whole with all of it; UsageError as `parse_since`."""
    return clock.written(_moment(text, time.max))


def _moment(text: str, of_day: time) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
        if len(text.strip()) <= _DAY:
            moment = datetime.combine(moment.date(), of_day)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:  # the first and last days of the calendar are none everywhere
        raise UsageError(f"{text!r} is no date: write it like 2025-06-04, or 2025-06-04T16:35+08:00") from error
