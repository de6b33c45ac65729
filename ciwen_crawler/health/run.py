"""The run itself: what it asked for and got, whatever the articles say."""

from collections.abc import Iterator, Sequence
from statistics import median

from ciwen_crawler.health.finding import Finding
from ciwen_crawler.health.past import Earlier, Past
from ciwen_crawler.health.statistics import predictive_tail
from ciwen_crawler.tally import Tally

_ENOUGH_RUNS = 5
_FACTOR = 2
_LEAST_SHARE, _LEAST_FAILED = 0.2, 5
_LIMIT = 1e-5


def nothing_had(tally: Tally) -> Finding | None:
    """The site is down, or refuses nearly all: whatever else there is to say follows from that."""
    # A budget may end a run before any page was asked for.
    if tally.starts_asked and not tally.starts_answered and (tally.failed or not tally.budget):
        return Finding("starts", None, None, 0.0, "no start page answered", _urls(tally), cause=_cause(tally))
    if tally.asked and tally.failed * 2 > tally.asked:
        return _failures(tally, None)
    return None


def run_findings(tally: Tally, past: Past, minimum_articles: int) -> Iterator[Finding]:
    """What a run that got something lacks."""
    if not tally.budget and tally.found < minimum_articles:
        said = f"only {tally.found} articles found on the lists, at least {minimum_articles} expected"
        yield Finding("articles", None, float(minimum_articles), float(tally.found), said)
    elif finding := _short_lists(tally, past.runs):
        yield finding
    if finding := _more_failures(tally, past.runs):
        yield finding
    # Articles that rest are no loss: an hour in which none is due is a healthy one.
    elif (
        tally.due > tally.retried + tally.absent
        and not tally.read
        and (tally.failed or tally.oversized or (tally.incomplete and not tally.budget))
    ):
        said = f"none of {tally.due} articles could be archived"
        yield Finding("archived", None, None, 0.0, said, _urls(tally), cause=_cause(tally))


def _short_lists(tally: Tally, runs: Sequence[Earlier]) -> Finding | None:
    """Pages of lists that hold far fewer articles than any run of late found on them."""
    usual = [run.listed / run.lists for run in runs if run.lists]
    if len(usual) < _ENOUGH_RUNS or not tally.lists:
        return None
    now = tally.listed / tally.lists
    if now * _FACTOR >= min(usual):
        return None
    said = f"{now:.1f} articles on a list page, before {median(usual):.1f}"
    return Finding("lists", None, round(median(usual), 2), round(now, 2), said)


def _more_failures(tally: Tally, runs: Sequence[Earlier]) -> Finding | None:
    """A share of failed requests that is far beyond that of the runs of late."""
    if len(runs) < _ENOUGH_RUNS or tally.failed < _LEAST_FAILED or tally.failed < _LEAST_SHARE * tally.asked:
        return None
    asked, failed = sum(run.asked for run in runs), sum(run.failed for run in runs)
    is_usual = any(run.failed * tally.asked >= tally.failed * run.asked for run in runs if run.asked)
    if is_usual or predictive_tail(tally.failed, tally.asked, failed, asked) > _LIMIT:
        return None
    return _failures(tally, failed / asked if asked else None)


def _failures(tally: Tally, before: float | None) -> Finding:
    said = f"{tally.failed} of {tally.asked} requests failed"
    usual = "" if before is None else f", before {before:.0%} of them"
    after = round(tally.failed / tally.asked, 4)
    return Finding("failures", None, before, after, f"{said}{usual}", _urls(tally), cause=_cause(tally))


def _cause(tally: Tally) -> str | None:
    first = next(iter(tally.failures), None)
    return f"{first['url']}: {first['reason']}" if first else None


def _urls(tally: Tally) -> tuple[str, ...]:
    return tuple(dict.fromkeys(failure["url"] for failure in tally.failures))[:3]
