"""Looked: the looks of one run, as far as they tell anything, and what its report carries of them to later runs."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ciwen_crawler.health.course import WINDOW
from ciwen_crawler.health.sample import Sample, read

# A first crawl may have a hundred thousand; what the last thousands do not show is no change.
_MOST = 5000


class Looked:
    """Gathers samples."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=_MOST)

    def add(self, sample: Sample) -> None:
        """A look."""
        if sample.tells:
            self._samples.append(sample)

    @property
    def samples(self) -> Sequence[Sample]:
        """In the order of their moments."""
        return sorted(self._samples, key=lambda each: (each.captured_at, each.capture_id))

    def as_dict(self, extractor: str) -> dict[str, Any]:
        """For the report's `stats`: the last looks. They compare with those that the same code has read."""
        last = [sample.as_dict() for sample in self.samples[-WINDOW:]]
        return {"samples": {"extractor": extractor, "looks": last}} if last else {}


def told(samples: object, extractor: str) -> Iterator[Sample]:
    """The looks that a report tells of, oldest first; none where other code has read them."""
    if isinstance(samples, Mapping) and samples.get("extractor") == extractor:
        looks = samples.get("looks")
        yield from (found for each in (looks if isinstance(looks, list) else ()) if (found := read(each)))
