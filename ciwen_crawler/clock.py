"""The clock, and moments as the archive writes them: UTC with microseconds, `2025-06-04T08:35:12.123456Z`."""

from datetime import UTC, datetime


def moment() -> datetime:
    """This moment, UTC. Whatever asks for the time of day asks here."""
    return datetime.now(UTC)


def now() -> str:
    """This moment, as it is written."""
    return written(moment())


def written(at: datetime) -> str:
    """A moment with a zone, as the archive writes it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def read(text: str) -> datetime:
    """A moment out of a WARC-Date or a sidecar, with or without a fraction of a second.

    Raises ValueError where the text is no such moment or names no zone.
    """
    found = datetime.fromisoformat(text.strip())
    if found.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return found.astimezone(UTC)
