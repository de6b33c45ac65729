"""Interleaved rounds of several contestants, and the table that comes of them."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from bench.process import Run


@dataclass(frozen=True, slots=True)
class Measured:
    """One contestant's runs, one a round."""

    name: str
    pages: int  # of each run
    runs: tuple[Run, ...]

    @property
    def speeds(self) -> list[float]:
        """Pages a second of each round."""
        return [self.pages / run.seconds for run in self.runs]

    def ratios(self, other: "Measured") -> list[float]:
        """How many times as fast as another, round by round."""
        return [own / its for own, its in zip(self.speeds, other.speeds, strict=True)]


@dataclass(frozen=True, slots=True)
class Contestant:
    """Something to be measured: `run` does it once, and raises Failed unless every page was dealt with."""

    name: str
    pages: int
    run: Callable[[], Run]


def measure_all(contestants: list[Contestant], rounds: int) -> list[Measured]:
    """Every contestant once a round, each round beginning with another, so that no drift favours one."""
    runs: dict[str, list[Run]] = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        shift = number % len(contestants)
        for contestant in contestants[shift:] + contestants[:shift]:
            print(f"round {number + 1} of {rounds}: {contestant.name}", file=sys.stderr, flush=True)
            runs[contestant.name].append(contestant.run())
    return [Measured(contestant.name, contestant.pages, tuple(runs[contestant.name])) for contestant in contestants]


def spread(values: Iterable[float], digits: int = 0) -> str:
    """`median [min..max]`, or the value alone where there is one."""
    found = sorted(values)
    middle = f"{median(found):.{digits}f}"
    return middle if len(found) == 1 else f"{middle} [{found[0]:.{digits}f}..{found[-1]:.{digits}f}]"


def table(measured: list[Measured], against: list[Measured]) -> str:
    """A Markdown table: speed, its ratio to some of them, CPU and memory."""
    head = ["", "pages/s", *(f"of {other.name}" for other in against), "CPU ms a page", "peak MB"]
    lines = [_line(head), _line(["---"] * len(head))]
    for one in measured:
        ratios = [spread(one.ratios(other), 2) for other in against]
        cpu = spread((run.cpu_seconds * 1000 / one.pages for run in one.runs), 2)
        peak = f"{max(run.peak_mb for run in one.runs):.0f}"
        lines.append(_line([one.name, spread(one.speeds), *ratios, cpu, peak]))
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
