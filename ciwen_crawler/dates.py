"""Dates as the pages print them, read by strict patterns: a form that is not known is no date.

The channel's clock is Beijing's. Guessing parsers are kept away from Chinese dates (they read `08-01 09:05` as a
day of 2008); python-dateutil reads only ISO 8601 and English dates with a month's name and a year of four digits.
"""

import re
from datetime import datetime, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil import parser

SHANGHAI = ZoneInfo("Asia/Shanghai")
SECOND, MINUTE, DAY = "second", "minute", "day"

# A second may have a fraction: the CMS's milliseconds follow a colon in newer versions, a dot in older ones.
_CLOCK = r"(?P<hour>\d{1,2})[:：时](?P<minute>\d{2})(?:[:：分](?P<second>\d{2})秒?(?:[:.]\d{1,9})?|分)?"
_END = r"(?![\d:：T])(?!\s+\d{1,2}[:：])"
_NUMERIC = re.compile(
    r"(?<![\d\-/.])(?P<year>\d{4})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})(?:\s+" + _CLOCK + ")?" + _END
)
_CHINESE = re.compile(
    r"(?<!\d)(?P<year>\d{4})\s?年\s?(?P<month>\d{1,2})\s?月\s?(?P<day>\d{1,2})\s?日(?:\s*" + _CLOCK + ")?" + _END
)
_URL_DAY = re.compile(r"/(?P<year>\d{4})[-/](?P<month>\d{2})/(?P<day>\d{2})/")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?P<second>:\d{2})?")
_ENGLISH = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b.*\b\d{4}\b", re.I | re.S)
_LONGEST = 200  # a line that holds a date is short, and a longer one is not searched


class Stamp(NamedTuple):
    """A moment on the page's clock, and how exactly the page says it."""

    iso: str  # 2025-06-04T16:35:00+08:00
    precision: str  # second, minute or day

    @property
    def day(self) -> str:
        """The day alone, 2025-06-04."""
        return self.iso[:10]


def _stamp(match: re.Match[str] | None) -> Stamp | None:
    if match is None:
        return None
    parts = match.groupdict()
    hour, minute, second = parts.get("hour"), parts.get("minute"), parts.get("second")
    try:
        moment = datetime(
            int(parts["year"]),
            int(parts["month"]),
            int(parts["day"]),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            tzinfo=SHANGHAI,
        )
    except ValueError:  # 31 June, 25 o'clock
        return None
    return Stamp(moment.isoformat(), SECOND if second else MINUTE if hour else DAY)


def printed(text: str | None) -> Stamp | None:
    """The first date in a line, with its time where that follows.

    >>> printed("发布时间：2024-05-20 09:37:12:671").iso
    '2024-05-20T09:37:12+08:00'
    """
    if not text:
        return None
    line = text[:_LONGEST]
    return _stamp(_NUMERIC.search(line) or _CHINESE.search(line))


def in_url(url: str) -> Stamp | None:
    """The day in an article's URL, `/2025-06/04/content_…`."""
    return _stamp(_URL_DAY.search(url))


def machine(text: str | None) -> Stamp | None:
    """A date of a meta element: ISO 8601 with or without a zone, or English; a date without zone is the channel's."""
    line = (text or "").strip()
    if not line or len(line) > _LONGEST or not line.isascii():
        return None
    iso = _ISO.match(line)
    try:
        if iso:
            return _in_shanghai(parser.isoparse(line), SECOND if iso["second"] else MINUTE)
        return _english(line) if _ENGLISH.search(line) else None
    except (ValueError, OverflowError):
        return None


def _english(line: str) -> Stamp | None:
    """An English date whose year, month and day are all there; dateutil would fill a missing one with today's."""
    defaults = (datetime(2000, 1, 1), datetime(2001, 2, 2))
    first, second = (parser.parse(line, default=default, tzinfos=_zone) for default in defaults)
    if first != second:
        return None
    colons = re.search(r"\d:\d{2}(:\d{2})?", line)
    return _in_shanghai(first, DAY if not colons else SECOND if colons[1] else MINUTE)


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    """The zone that an English date names; dateutil alone would ask the machine's own clock what EST means."""
    if offset is not None:
        return timezone(timedelta(seconds=offset))
    if name is None:
        return None
    if name == "CST":  # China's servers mean China's
        return SHANGHAI
    raise ValueError(f"unknown zone {name}")


def _in_shanghai(moment: datetime, precision: str) -> Stamp:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
    return Stamp(moment.astimezone(SHANGHAI).replace(microsecond=0).isoformat(), precision)
