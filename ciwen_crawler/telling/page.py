"""The state of an archive as one page of HTML that stands alone: no script, nothing from elsewhere, legible on a phone.

Titles and addresses come from the web, so the template escapes all that is put into it.
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from ciwen_crawler.telling.amounts import counted, sized
from ciwen_crawler.telling.chart import years_and_months
from ciwen_crawler.telling.state import MONTHS, is_low, outcome, rates, yielded

_TEMPLATE = "status.html"
_KINDS = {"done": "good", "running": "good", "interrupted": "warn"}  # of outcomes; others are bad
_HEIGHT = 20  # of a sparkline, in its own units; a run is 4 wide


def page(facts: Mapping[str, Any]) -> str:
    """The page of what `store.state` tells."""
    environment = Environment(
        loader=PackageLoader("ciwen_crawler", "telling"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"counted": counted, "sized": sized, "moment": _moment, "minute": _minute, "link": _link}
    years, months = years_and_months(facts["months"], MONTHS)
    runs = [run | {"told": outcome(run), "kind": kind(run), "yielded": yielded(run)} for run in facts["runs"]]
    return environment.get_template(_TEMPLATE).render(
        **{**facts, "runs": runs},
        channels=sorted({run["channel"] for run in runs if run["channel"]}),
        bars=[(title, _bars(values)) for title, values in (("month", months), ("year", years)) if values],
        fields_of=[
            (name, _heights(each), each[-1], every, is_low(each[-1], every))
            for name, each, every in rates(facts["fields"])
        ],
    )


def kind(run: Mapping[str, Any]) -> str:
    """Whether a run was good, bad, or one to look at."""
    return _KINDS.get(outcome(run), "bad")


def _bars(values: Mapping[str, int]) -> list[tuple[str, int, float]]:
    """(label, count, percentage of the greatest), the newest first."""
    most = max(values.values())
    return [(label, value, round(100 * value / most, 1)) for label, value in reversed(list(values.items()))]


def _heights(shares: list[float]) -> list[tuple[int, float]]:
    """(x, height) of a bar for each run."""
    return [(4 * number, round(max(share * _HEIGHT, 1), 1)) for number, share in enumerate(shares)]


def _moment(text: str | None) -> str:
    return f"{text[:16].replace('T', ' ')} UTC" if text else "-"


def _minute(text: str | None) -> str:
    """What a page says of its own moment."""
    return text[:16].replace("T", " ") if text else ""


def _link(url: str) -> str:
    """An address that may be followed; '' for one of another scheme, as saved files have."""
    return url if url.startswith(("http://", "https://")) else ""
