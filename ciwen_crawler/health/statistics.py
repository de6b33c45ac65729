"""Statistics: how surprising a count or a row of lengths is after those that came before."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import erfc, exp, lgamma, sqrt

_PRIOR = 0.5  # Jeffreys': half a success and half a failure are believed before any was seen


def predictive_tail(hits: int, trials: int, hits_before: int, trials_before: int) -> float:
    """The probability that so many trials, or more, hit: beta-binomial, after what was seen before."""
    a, b = hits_before + _PRIOR, trials_before - hits_before + _PRIOR
    total = 0.0
    for count in range(hits, trials + 1):
        choose = lgamma(trials + 1) - lgamma(count + 1) - lgamma(trials - count + 1)
        part = exp(choose + _log_beta(count + a, trials - count + b) - _log_beta(a, b))
        total += part
        if part < total * 1e-9:
            break
    return min(1.0, total)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def rank_tail(values: Sequence[float], before: Sequence[float]) -> float:
    """The probability that values lie so low, or lower, among those before: Mann and Whitney's, with ties."""
    ordered = sorted(before)
    above = sum(
        len(ordered) - bisect_right(ordered, value) + (bisect_right(ordered, value) - bisect_left(ordered, value)) / 2
        for value in values
    )
    n, m = len(values), len(before)
    together = sorted((*values, *before))
    ties = sum(run**3 - run for run in _runs(together))
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:
        return 1.0
    return erfc((above - n * m / 2) / sqrt(variance) / sqrt(2)) / 2


def _runs(ordered: Sequence[float]) -> list[int]:
    runs: list[int] = []
    for place, value in enumerate(ordered):
        if place and ordered[place - 1] == value:
            runs[-1] += 1
        else:
            runs.append(1)
    return runs


def most_in_a_row(hits: Sequence[bool], length: int) -> int:
    """The most hits that any so many trials in a row had."""
    sums = [0, *accumulate(map(int, hits))]
    return max((later - earlier for earlier, later in zip(sums, sums[length:], strict=False)), default=0)
