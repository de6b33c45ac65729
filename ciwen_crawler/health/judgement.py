"""Judgement: all that is wrong with a run, the gravest first."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from ciwen_crawler import clock
from ciwen_crawler.errors import UsageError
from ciwen_crawler.health.course import Course
from ciwen_crawler.health.drift import Drift
from ciwen_crawler.health.finding import Finding, examples
from ciwen_crawler.health.first import at_the_first
from ciwen_crawler.health.pace import pause
from ciwen_crawler.health.past import Past
from ciwen_crawler.health.run import nothing_had, run_findings
from ciwen_crawler.health.sample import FIELDS, QUARANTINED, Sample
from ciwen_crawler.tally import Tally

_BODY = "body"


def unwatched(names: str) -> frozenset[str]:
    """The fields that the setting CIWEN_UNWATCHED names. Raises UsageError where one is none."""
    fields = frozenset(names.split())
    unknown = sorted(fields.difference(FIELDS))
    if unknown:
        raise UsageError(f"CIWEN_UNWATCHED: no field is called {unknown[0]}; there are {', '.join(FIELDS)}")
    return fields


def judged(
    tally: Tally,
    run: Sequence[Sample],
    past: Past,
    now: datetime,
    minimum_articles: int = 0,
    unwatched: Collection[str] = (),
) -> list[Finding]:
    """The findings of a run; [] where it is healthy. `run` are its looks in the order of their moments."""
    alone = nothing_had(tally)
    if alone:
        return [alone]
    found = list(run_findings(tally, past, minimum_articles))
    drift = Drift(Course(past.looks, run, past.decided), unwatched)
    changes = drift.findings()
    if past.looks:
        single = [look for look in run if look.capture_id not in drift.explained]
        told = {(each.monitor, each.field) for each in changes}
        found += (each for each in at_the_first(single, unwatched) if (each.monitor, each.field) not in told)
    found += changes
    if not any(each.field in ("title", _BODY, "published_at") for each in found):
        found += _quarantined(tally, run)
    late = pause(_dated(run, past), past.runs[0].finished_at if past.runs else None, now)
    return found + ([late] if late and "published_at" not in unwatched else [])


def _quarantined(tally: Tally, run: Sequence[Sample]) -> Iterator[Finding]:
    """Most of what was read, but for what was in quarantine before."""
    fresh = [look for look in run if look.verdict == QUARANTINED]
    read = tally.read - (tally.quarantined - len(fresh))
    if len(fresh) * 2 > read:
        columns = sorted(frozenset[str]().union(*(look.lacks() for look in fresh)))
        said = f"{len(fresh)} of {read} articles quarantined for {', '.join(columns)}"
        urls = examples(look.url for look in fresh)
        yield Finding("quarantine", None, None, round(len(fresh) / read, 4), said, urls)


def _dated(run: Sequence[Sample], past: Past) -> list[str]:
    """When the newest articles were published, those of the run included."""
    new = (look.published_at for look in run if look.verdict != QUARANTINED and not look.known)
    return [*past.dated, *(clock.written(clock.read(each)) for each in new if each)]
