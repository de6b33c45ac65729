"""Moments as the archive writes them: UTC with microseconds, `2025-06-04T08:35:12.123456Z`."""

from datetime import UTC, datetime


def now() -> str:
    """This moment."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """A moment with a zone, as the archive writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read(text: str) -> datetime:
    """A moment out of a WARC-Date or a sidecar, with or without a fraction of a second.

    Raises ValueError where the text is no such moment or names no zone.
    """
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return moment.astimezone(UTC)
