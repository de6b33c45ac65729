"""`python -m bench.growth`: does a crawl with nothing new cost more where the archive holds more?

Two archives, of 1,000 and of 100,000 articles (see `grown.py`), whose channel has not changed, are crawled in turn as
an hourly cron would. The first run of each walks the whole list, as one does by itself once a week.
"""

import argparse
import sys
from datetime import UTC, datetime
from statistics import median
from typing import NamedTuple

from bench import WORK
from bench.crawl import ciwen_program
from bench.exits import exit_code
from bench.grown import CHANNEL, grown, lists
from bench.process import Run, measure
from bench.rounds import spread
from fixtures.server import Channel

SIZES, ROUNDS = (1000, 100_000), 3
# The goal of a crawl with nothing new.
_MOST_MB, _MOST_TIMES = 200, 3
_PACE_OFF = ("DOWNLOAD_DELAY=0", "AUTOTHROTTLE_ENABLED=0", "CONCURRENT_REQUESTS_PER_DOMAIN=8")
_OPTIONS = ["--quiet", *(word for setting in _PACE_OFF for word in ("-s", setting))]


class Crawled(NamedTuple):
    """One run."""

    run: Run
    requests: int
    begins: float  # seconds from its start to its first request


class Grown:
    """An archive, and the server of its channel."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._folder = WORK / "grown" / str(count)
        self._archive = grown(self._folder, count)
        self._channel = Channel(lists(count))
        self._config = WORK / "grown" / "config"
        file = self._config / "ciwen" / "channels.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CHANNEL, encoding="utf-8")

    def crawl(self) -> Crawled:
        """A run of `ciwen crawl`."""
        command = [ciwen_program(), "crawl", "grown", "--archive", str(self._archive), *_OPTIONS]
        with self._channel:
            self._channel.log.clear()
            began = datetime.now(UTC)
            run = measure(command, self._folder, http_proxy=self._channel.proxy, XDG_CONFIG_HOME=str(self._config))
            log = self._channel.log.settled()
        return Crawled(run, len(log), (log[0].started - began).total_seconds())


def measured(sizes: list[int], rounds: int) -> str:
    """The table: the walk of the whole list, and the runs with nothing new after it."""
    archives = [Grown(size) for size in sizes]
    walks = {each.count: [_told(each, each.crawl())] for each in archives}
    runs: dict[int, list[Crawled]] = {each.count: [] for each in archives}
    for _ in range(rounds):
        for each in archives:
            runs[each.count].append(_told(each, each.crawl()))
    head = ["articles", "", "requests", "s to the first", "seconds", "CPU s", "peak MB", "of the smallest, CPU", "goal"]
    lines = [_line(head), _line(["---"] * len(head))]
    lines += [_line([f"{size:,}", "whole list", *_figures(walks[size]), "-", "-"]) for size in sizes]
    least = median(each.run.cpu_seconds for each in runs[sizes[0]])
    for size in sizes:
        times = median(each.run.cpu_seconds for each in runs[size]) / least
        is_met = times < _MOST_TIMES and max(each.run.peak_mb for each in runs[size]) < _MOST_MB
        cells = [f"{size:,}", "nothing new", *_figures(runs[size]), f"{times:.2f}", "met" if is_met else "**missed**"]
        lines.append(_line(cells))
    return "\n".join(lines)


def _figures(runs: list[Crawled]) -> list[str]:
    return [
        spread(each.requests for each in runs),
        spread((each.begins for each in runs), 2),
        spread((each.run.seconds for each in runs), 2),
        spread((each.run.cpu_seconds for each in runs), 2),
        f"{max(each.run.peak_mb for each in runs):.0f}",
    ]


def _told(archive: Grown, crawled: Crawled) -> Crawled:
    print(f"{archive.count:,} articles: {crawled.requests} requests, {crawled.run.seconds:.1f} s", file=sys.stderr)
    return crawled


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Print the table; 1 where a crawl failed."""
    arguments = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    arguments.add_argument(
        "--sizes", type=lambda text: [int(size) for size in text.split(",")], default=list(SIZES), metavar="N,N"
    )
    arguments.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs with nothing new of each ({ROUNDS})")
    given = arguments.parse_args()
    return exit_code(lambda: print(measured(given.sizes, given.rounds)))


if __name__ == "__main__":
    sys.exit(main())
