"""Course: looks in the order of their moments, and whether a stretch at its end differs from all that went before."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean, median
from typing import NamedTuple, TypeAlias

from ciwen_crawler.health.sample import QUARANTINED, Sample
from ciwen_crawler.health.statistics import most_in_a_row, predictive_tail, rank_tail

# Whether a look deviates; None where it says nothing of that.
Outcome: TypeAlias = Callable[[Sample], bool | None]
Measure: TypeAlias = Callable[[Sample], int | None]

WINDOW = 30  # looks of earlier runs that a run is judged together with
_STRETCHES = (8, 9, 10, 15, 20, 30, 40)  # looks; a change is seen best by a stretch that begins with it
_LEAST_BEFORE = 5
_LEAST = 3
# By how much the share of deviating looks rises, and how improbable so many of them must be then. Every run asks some
# forty such questions, so a year of hourly runs asks 100,000 of them, most of them over again.
_LIMITS = ((0.6, 1e-4), (0.3, 1e-5), (0.1, 1e-8))
_LEAST_FOR_LENGTH = 8
_FACTOR, _FACTOR_OF_LONGER = 2, 1.5
_RANK_LIMIT = 2e-5


class Rise(NamedTuple):
    """A stretch in which more articles deviate than chance allows."""

    looks: tuple[Sample, ...]  # that deviate, newest first; of an article there may be several
    deviating: int  # articles whose last look does
    counted: int  # articles
    before: float  # the share that deviated before

    @property
    def regular(self) -> int:
        """How many articles do not."""
        return self.counted - self.deviating


class Shift(NamedTuple):
    """A stretch of looks that measure at most half of what they used to."""

    looks: tuple[Sample, ...]  # those below the middle of what was before, newest first
    counted: int
    before: float  # medians
    after: float


@dataclass(frozen=True, slots=True)
class Course:
    """The looks before a run, oldest first, and those of the run that tell anything."""

    before: Sequence[Sample]
    run: Sequence[Sample]
    decided: frozenset[str] = frozenset()

    @property
    def settled(self) -> Sequence[Sample]:
        """What is usual is told by looks that are not themselves in question, where there are others."""
        sound = [look for look in self.before if look.capture_id not in self.decided]
        return sound[:-WINDOW] if len(sound) >= WINDOW + 2 * _LEAST_BEFORE else sound

    @property
    def in_question(self) -> Sequence[Sample]:
        """The last looks before the run, and the run's."""
        return [*self.before[-WINDOW:], *self.run]

    def without(self, looks: Collection[Sample]) -> "Course":
        """The course as if there had not been those looks."""
        gone = {look.capture_id for look in looks}
        before, run = ([look for look in part if look.capture_id not in gone] for part in (self.before, self.run))
        return Course(before, run, self.decided)

    def rise(self, outcome: Outcome) -> Rise | None:
        """The stretch that is the least probable, if any is improbable enough. One of the run's looks must deviate."""
        before, run = self._outcomes(self.before, outcome), self._outcomes(self.run, outcome)
        if not any(deviates for _, deviates in run):
            return None
        found = [each for stretch, past in _cut(before, run) if (each := self._judged(stretch, past))]
        return min(found, key=lambda each: each[0])[1] if found else None

    def _judged(
        self, stretch: Sequence[tuple[Sample, bool]], past: Sequence[tuple[Sample, bool]]
    ) -> tuple[float, Rise] | None:
        hits = [deviates for look, deviates in past if look.capture_id not in self.decided]
        articles = {look.article_id: deviates for look, deviates in stretch}
        deviating, counted = sum(articles.values()), len(articles)
        if len(hits) < _LEAST_BEFORE or deviating < _LEAST:
            return None
        share = sum(hits) / len(hits)
        limit = next((limit for least, limit in _LIMITS if deviating / counted - share >= least), 0.0)
        probability = predictive_tail(deviating, counted, sum(hits), len(hits)) if limit else 1.0
        if probability > limit or most_in_a_row(hits, counted) >= deviating:
            return None  # what comes in bursts has come so before
        return probability, Rise(
            tuple(look for look, deviates in reversed(stretch) if deviates), deviating, counted, share
        )

    def drop(self, measure: Measure) -> Shift | None:
        """The stretch whose measures fell to half or less, if that is no chance."""
        before, run = _measured(self.before, measure), _measured(self.run, measure)
        if not run:
            return None
        found = [each for stretch, past in _cut(before, run) if (each := self._dropped(stretch, past))]
        return min(found, key=lambda each: each[0])[1] if found else None

    def _dropped(
        self, stretch: Sequence[tuple[Sample, int]], past: Sequence[tuple[Sample, int]]
    ) -> tuple[float, Shift] | None:
        values = [value for _, value in stretch]
        usual = [value for look, value in past if look.capture_id not in self.decided]
        if len(values) < _LEAST_FOR_LENGTH or len(usual) < _LEAST_FOR_LENGTH:
            return None
        middle, now = median(usual), median(values)
        # Where some are short as they have a right to be, the longer ones among them are as long as ever.
        is_less = now * _FACTOR <= middle and _longer(values) * _FACTOR_OF_LONGER <= _longer(usual)
        probability = rank_tail(values, usual) if is_less else 1.0
        if probability > _RANK_LIMIT or _lowest(usual, len(values)) <= now:
            return None
        below = tuple(look for look, value in reversed(stretch) if value < middle)
        return probability, Shift(below, len(values), middle, now)

    @staticmethod
    def _outcomes(looks: Iterable[Sample], outcome: Outcome) -> list[tuple[Sample, bool]]:
        return [(look, deviates) for look in looks if (deviates := outcome(look)) is not None]


def _measured(looks: Iterable[Sample], measure: Measure) -> list[tuple[Sample, int]]:
    return [(look, value) for look in looks if look.verdict != QUARANTINED and (value := measure(look)) is not None]


def _cut(before: list, run: list) -> Iterator[tuple[list, list]]:  # type: ignore[type-arg]
    """Each stretch that ends with the run and holds all of it, with what went before."""
    course = [*before, *run]
    sizes = {len(run), len(run) + WINDOW, *(size for size in _STRETCHES if size > len(run))}
    for size in sorted(sizes):
        if size < len(course) and size <= len(run) + WINDOW:
            yield course[-size:], course[:-size]


def _longer(values: Sequence[int]) -> float:
    """The mean of the longer half."""
    return fmean(sorted(values)[len(values) // 2 :])


def _lowest(values: Sequence[int], length: int) -> float:
    """The lowest median of any so many values in a row."""
    stretches = (values[start : start + length] for start in range(len(values) - length + 1))
    return min((median(stretch) for stretch in stretches), default=inf)
