"""Past: what the archive knew before a run, as far as the run is judged by it."""

from dataclasses import dataclass

from ciwen_crawler.health.sample import Sample


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier run came to."""

    finished_at: str
    asked: int
    failed: int
    lists: int
    listed: int


@dataclass(frozen=True, slots=True)
class Past:
    """Of one channel, and bounded whatever the archive holds."""

    # In the order of their moments: newest versions and pages in quarantine by the database, the last looks by the
    # reports, which tell of those too whose content was as before.
    looks: tuple[Sample, ...] = ()
    decided: frozenset[str] = frozenset()  # captures that a monitor has decided against
    runs: tuple[Earlier, ...] = ()  # newest first
    dated: tuple[str, ...] = ()  # when its newest articles were published, UTC; newest first
