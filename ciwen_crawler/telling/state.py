"""The state of an archive: a table and a picture on the terminal, out of what `store.state` tells."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ciwen_crawler.legible import legible
from ciwen_crawler.telling.amounts import counted, sized
from ciwen_crawler.telling.chart import Ink, ink_for, years_and_months
from ciwen_crawler.terminal import sheet

MONTHS = 18
_WIDEST = 100  # cells; longer bars say no more
_MARGIN = 2
_STYLES = {"done": "green", "running": "cyan", "interrupted": "yellow"}
_BAD = "red"
_USUAL = 0.5


def counts(facts: Mapping[str, Any]) -> str:
    """How much there is, in lines of `label  amount`."""
    gone = f", {facts['gone']} of them gone" if facts["gone"] else ""
    pending = f", {facts['pending']} of them to be tried again" if facts["pending"] else ""
    lines = [
        f"{facts['archive']}",
        f"  articles    {facts['articles']} in {counted(facts['versions'], 'version')}, "
        f"{counted(facts['images'], 'image')}{gone}",
        f"  published   {_day(facts['oldest'])} to {_day(facts['newest'])}",
        f"  captures    {facts['captures']} in {counted(facts['warc_files'], 'WARC file')}, "
        f"{sized(facts['warc_bytes'])}",
        f"  missing     {counted(facts['missing'], 'article')} known of and not had{pending}, "
        f"{facts['quarantine']} in quarantine",
        f"  disk        {sized(facts['warc_bytes'] + facts['database_bytes'])} taken, {sized(facts['disk_free'])} free",
        f"  runs        {facts['crawls']}",
    ]
    held_by = facts["held_by"]
    if held_by:
        lines.append(f"  now         process {held_by['process']} holds it, since {_moment(held_by['since'])}")
    return "\n".join(lines)


def pictured(facts: Mapping[str, Any], console: Console) -> str:
    """All of it, as wide and as colourful as a console is."""
    ink = ink_for(console.encoding)
    paper = sheet(console)
    with paper.capture() as capture:
        paper.print(Text(legible(counts(facts))), soft_wrap=True)
        for part in (_bars(facts, ink, console), _fields(facts, ink), _runs(facts, console)):
            if part:
                paper.print()
                paper.print(part)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def outcome(run: Mapping[str, Any]) -> str:
    """How a run ended, or that it has not."""
    if run["outcome"]:
        return str(run["outcome"])
    return "running" if run["is_running"] else "died"


def yielded(run: Mapping[str, Any]) -> str:
    """What a run brought, '' where that is nothing."""
    names = {"new": "new", "changed": "changed"}
    return ", ".join(f"{run['verdicts'][key]} {name}" for key, name in names.items() if run["verdicts"].get(key))


def rates(fields: Mapping[str, Any]) -> Iterator[tuple[str, list[float], float]]:
    """(field, its share in each run, its share in all of them) of fields that any article of them had."""
    every = sum(fields["read"])
    for name, filled in fields["filled"].items():
        if any(filled):
            each = [min(count / read, 1.0) for count, read in zip(filled, fields["read"], strict=True)]
            yield name, each, min(sum(filled) / every, 1.0)


def is_low(now: float, every: float) -> bool:
    """Whether a field that is usual has been missed in the last run."""
    return every >= _USUAL and now < every / 2


def _bars(facts: Mapping[str, Any], ink: Ink, console: Console) -> RenderableType | None:
    years, months = years_and_months(facts["months"], MONTHS)
    parts: list[RenderableType] = []
    for title, values in (("articles a year", years), ("articles a month", months)):
        if values:
            width = min(console.width, _WIDEST) - _MARGIN - 7 - 2 - 2 - len(str(max(values.values())))
            parts += [Text(title, "bold"), *_bar_lines(values, ink, max(width, 1))]
    return Group(*parts) if parts else None


def _bar_lines(values: Mapping[str, int], ink: Ink, width: int) -> Iterator[Text]:
    most = max(values.values())
    for label, value in values.items():
        line = Text(f"{'':{_MARGIN}}{label:7}  ", no_wrap=True)
        yield line.append(ink.bar(value / most, width), "blue").append(f"  {value}")


def _fields(facts: Mapping[str, Any], ink: Ink) -> RenderableType | None:
    shares = list(rates(facts["fields"]))
    if not shares:
        return None
    grid = _grid()
    grid.add_row("", "", "last", "all", style="dim")
    for name, each, every in shares:
        style = _BAD if is_low(each[-1], every) else ""
        grid.add_row(name, Text(ink.sparkline(each), style or "blue"), Text(f"{each[-1]:.0%}", style), f"{every:.0%}")
    title = f"fields, how often filled in the last {counted(len(facts['fields']['runs']), 'run')} that read articles"
    return Group(Text(title, "bold"), Padding(grid, (0, 0, 0, _MARGIN)))


def _runs(facts: Mapping[str, Any], console: Console) -> RenderableType | None:
    if not facts["runs"]:
        return None
    parts: list[RenderableType] = [Text("the last runs", "bold")]
    for run in facts["runs"]:
        told = outcome(run)
        line = Text(f"{'':{_MARGIN}}{_moment(run['started_at'])}  {run['mode']:6}  ")
        line.append(told, _STYLES.get(told, _BAD))
        line.append(f" (exit {run['exit_code']})" if run["exit_code"] else "")
        line.append(f"  {yielded(run)}" if yielded(run) else "")
        parts += [line, *_reasons(run["reasons"], console)]
    return Group(*parts)


def _reasons(lines: Sequence[str], console: Console) -> Iterable[RenderableType]:
    # Elsewhere than on a terminal a line stays one, however long.
    wrap = console.is_terminal
    for line in lines:
        yield Padding(Text(legible(line), no_wrap=not wrap, overflow="fold" if wrap else "ignore"), (0, 0, 0, 4))


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    for justify in ("left", "left", "right", "right"):
        grid.add_column(justify=justify, no_wrap=True)
    return grid


def _day(moment: str | None) -> str:
    return moment[:10] if moment else "-"


def _moment(text: str) -> str:
    return f"{text[:19].replace('T', ' ')}Z"
