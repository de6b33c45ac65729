"""`python -m bench.sizes`: what further crawls of an unchanged channel add to an archive, against the first one.

Twice: as an hourly cron crawls, which asks for robots.txt and lists alone, and with `--full`, which asks for every
article again and is answered 304.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from bench import WORK
from bench.channel import write_channel
from bench.crawl import ciwen_crawl
from bench.exits import exit_code
from bench.process import measure
from bench.rounds import spread
from bench.server import Server

ARTICLES, RUNS = 2000, 5
# The goal: what an exchange of the server's log may add, and a run, in bytes.
_EXCHANGE, _RUN = 1300, 4096


class Grown(NamedTuple):
    """What one run did."""

    exchanges: int  # in the server's log
    size: int  # bytes that the WARC files have grown by
    seconds: float


def measured(articles: int, runs: int) -> str:
    """The table: the first crawl, the further ones, and those that look at every article."""
    channel = write_channel(WORK / "channel", articles)
    folder = WORK / "sizes"
    shutil.rmtree(folder, ignore_errors=True)
    with Server(channel.folder, WORK / "nginx") as server:
        first = _crawl(server, folder)
        hourly = [_crawl(server, folder) for _ in range(runs)]
        full = [_crawl(server, folder, "--full") for _ in range(runs)]
    lines = [
        "|  | exchanges | KB a run | bytes an exchange | of the first crawl | goal | seconds |",
        "| --- " * 7 + "|",
    ]
    lines += [_line("first crawl", [first], first), _line("hourly", hourly, first), _line("`--full`", full, first)]
    return "\n".join(lines)


def _crawl(server: Server, folder: Path, *options: str) -> Grown:
    mark, before = server.mark(), _size(folder)
    run = measure([*ciwen_crawl(folder / "archive"), *options], folder, http_proxy=server.proxy)
    with (WORK / "nginx" / "access.log").open() as log:
        log.seek(mark)
        exchanges = sum(1 for _ in log)
    return Grown(exchanges, _size(folder) - before, run.seconds)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "archive" / "warc").glob("*"))


def _line(name: str, runs: list[Grown], first: Grown) -> str:
    exchanges, size = sum(run.exchanges for run in runs), sum(run.size for run in runs)
    most = exchanges * _EXCHANGE + len(runs) * _RUN
    goal = "-" if runs == [first] else "met" if size <= most else "**missed**"
    share = f"{size / len(runs) / first.size:.2%}"
    each = f"{size / len(runs) / 1000:.1f} | {size / exchanges:.0f} | {share}"
    return f"| {name} | {exchanges / len(runs):.0f} | {each} | {goal} | {spread(run.seconds for run in runs)} |"


def main() -> int:
    """Print the table; 1 where a crawl failed, 2 where nginx is missing."""
    arguments = argparse.ArgumentParser(prog="python -m bench.sizes", description=__doc__)
    arguments.add_argument("--articles", type=int, default=ARTICLES, help=f"of the generated channel ({ARTICLES})")
    arguments.add_argument("--runs", type=int, default=RUNS, help=f"further crawls of each kind ({RUNS})")
    given = arguments.parse_args()
    return exit_code(lambda: print(measured(given.articles, given.runs)))


if __name__ == "__main__":
    sys.exit(main())
