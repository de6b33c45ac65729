"""Charts of characters: bars that lie, and sparklines. Plain ASCII where a stream knows no blocks."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
_PLAIN_LEVELS = "_.-~=+*#"


class Ink(NamedTuple):
    """What charts are drawn with."""

    is_plain: bool  # ASCII alone

    def bar(self, share: float, width: int) -> str:
        """A share of a line of so many cells; what is there at all is seen."""
        eighths = max(round(share * width * 8), 1) if share else 0
        if self.is_plain:
            return "#" * max(round(eighths / 8), 1 if share else 0)
        whole, rest = divmod(eighths, 8)
        return "█" * whole + _EIGHTHS[rest].strip()

    def sparkline(self, shares: Iterable[float]) -> str:
        """A cell a share, the lowest for none, the highest for all."""
        levels = _PLAIN_LEVELS if self.is_plain else _LEVELS
        return "".join(levels[round(share * 7)] for share in shares)


def ink_for(encoding: str | None) -> Ink:
    """What a stream of that encoding can show."""
    try:
        (_EIGHTHS + _LEVELS).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return Ink(is_plain=True)
    return Ink(is_plain=False)


def years_and_months(months: Sequence[Mapping[str, Any]], newest: int) -> tuple[dict[str, int], dict[str, int]]:
    """Articles by year, where there are more months than can be shown, and by month, of the newest.

    `months` is what `store.state` tells.
    """
    counts = {str(each["month"]): int(each["articles"]) for each in months}
    if len(counts) <= newest:
        return {}, counts
    by_year = groupby(counts, key=lambda month: month[:4])
    return {year: sum(counts[month] for month in group) for year, group in by_year}, dict(
        list(counts.items())[-newest:]
    )
