"""Is what a run got what a healthy channel yields? Judged against the channel's minimum and the archive's own past."""

from collections.abc import Mapping
from typing import NamedTuple

from ciwen_crawler.tally import COLUMNS, Tally

_ENOUGH = 3  # articles that say something about a field
_PAST_ENOUGH = 5
_USUAL = 0.5  # a field that half of the past articles have is one that is missed


class Past(NamedTuple):
    """What the archive held before the run."""

    articles: int
    filled: Mapping[str, int]  # column → articles whose newest version has it


def faults(tally: Tally, past: Past, minimum_articles: int) -> list[str]:
    """Why a crawl is unhealthy, the gravest first; [] where it is not."""
    if tally.starts_asked and not tally.starts_answered:
        return ["no start page answered" + _example(tally)]
    found = []
    if tally.asked and tally.failed * 2 > tally.asked:
        found.append(f"{tally.failed} of {tally.asked} requests failed" + _example(tally))
    if not tally.budget and tally.found < minimum_articles:
        found.append(f"only {tally.found} articles found on the lists, at least {minimum_articles} expected")
    # Articles that rest are no loss: an hour in which none is due is a healthy one.
    if tally.due and not tally.read and (tally.failed or tally.incomplete or tally.oversized):
        found.append(f"none of {tally.due} articles could be archived" + _example(tally))
    if tally.quarantined * 2 > tally.read:
        columns = sorted({reason.partition(":")[0] for each in tally.quarantines for reason in each["reasons"]})
        found.append(f"{tally.quarantined} of {tally.read} articles quarantined for {', '.join(columns)}")
    return found + list(_lost_fields(tally, past))


def _lost_fields(tally: Tally, past: Past) -> list[str]:
    if tally.read < _ENOUGH or past.articles < _PAST_ENOUGH:
        return []
    lost = []
    for column in (*COLUMNS, "images"):
        before, now = past.filled.get(column, 0) / past.articles, tally.filled[column] / tally.read
        if before >= _USUAL and now < before / 2:
            lost.append(
                f"{column}: filled in {tally.filled[column]} of {tally.read} articles, before in {before:.0%} of them"
            )
    return lost


def _example(tally: Tally) -> str:
    first = next(iter(tally.failures), None)
    return f" ({first['url']}: {first['reason']})" if first else ""
