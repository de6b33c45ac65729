"""Periods that people give by dates, as moments that the archive can be asked for. UTC, as its own moments are."""

from datetime import UTC, datetime, time

from ciwen_crawler import clock
from ciwen_crawler.errors import UsageError

_DAY = len("2025-06-04")


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
    except ValueError as error:
        raise UsageError(f"{text!r} is no date: write it like 2025-06-04, or 2025-06-04T16:35+08:00") from error
    if len(text.strip()) <= _DAY:
        moment = datetime.combine(moment.date(), of_day)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
