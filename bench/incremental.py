"""`python -m bench.incremental`: what a channel costs that has not changed, by the log of its server.

ciwen, scrapy-deltafetch and `wget -N` crawl the same channel, then again; ciwen once more half a year later, when every
article is due for another look.
"""

import argparse
import shutil
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from bench import WORK
from bench.channel import HOST, write_channel
from bench.crawl import PACE_OFF, ciwen_crawl, options
from bench.environments import python_of
from bench.exits import exit_code
from bench.process import Failed, measure
from bench.server import Server

ARTICLES = 2000
_LATER = timedelta(days=200)


class Cost(NamedTuple):
    """One run."""

    requests: int
    received: int  # bytes, heads included
    seconds: float


class Contestant(NamedTuple):
    """Who crawls, run by run: what the run is, and the command for it."""

    name: str
    runs: tuple[tuple[str, list[str]], ...]


def measured(articles: int) -> str:
    """The table."""
    channel = write_channel(WORK / "channel", articles)
    folder = WORK / "incremental"
    shutil.rmtree(folder, ignore_errors=True)
    lines = ["|  | requests | KB received | seconds |", "| --- " * 4 + "|"]
    with Server(channel.folder, WORK / "nginx") as server:
        for contestant in _contestants(folder):
            for number, (what, command) in enumerate(contestant.runs):
                print(f"{contestant.name}: {what}", file=sys.stderr, flush=True)
                cost = _cost(server, command, folder, channel.pages if number == 0 else ())
                figures = f"{cost.requests} | {cost.received / 1000:.0f} | {cost.seconds:.1f}"
                lines.append(f"| {contestant.name}, {what} | {figures} |")
    head = f"{len(channel.articles)} articles on {len(channel.lists)} pages of lists, the home page one of them"
    return "\n".join([head, "", *lines])


def _cost(server: Server, command: list[str], folder: Path, needed: Iterable[str]) -> Cost:
    """One run; Failed where it left any of the pages that are needed."""
    mark, spent = server.mark(), server.spent()
    run = measure(command, folder, http_proxy=server.proxy)
    missing = set(needed) - set(server.fetched(mark))
    if missing:
        raise Failed(f"{' '.join(command)} left {len(missing)} pages, such as {min(missing)}")
    after = server.spent()
    return Cost(after.requests - spent.requests, after.sent - spent.sent, run.seconds)


def _contestants(folder: Path) -> Iterator[Contestant]:
    crawl = ciwen_crawl(folder / "archive")
    later = f"{datetime.now(UTC) + _LATER:%Y-%m-%dT%H:%M:%SZ}"
    # The newest article is years old by now, which is told as a fault of the channel.
    unwatched = ["-s", "CIWEN_UNWATCHED=published_at"]
    half_a_year_later = [sys.executable, "-m", "tests.at", later, *crawl[1:], *unwatched]
    yield Contestant(
        "ciwen crawl", (("first run", crawl), ("again", crawl), (f"{_LATER.days} days later", half_a_year_later))
    )
    python = python_of("deltafetch")
    if python:
        command = [str(python), "-m", "bench.deltafetch", str(folder / "seen"), *options(PACE_OFF)]
        yield Contestant("scrapy-deltafetch", (("first run", command), ("again", command)))
    wget = shutil.which("wget")
    if wget:
        # It follows every link, and exits with 8 where one leads nowhere.
        line = '"$@" || test $? -eq 8'
        wanted = ["--no-config", "-q", "-r", "-l", "inf", "-N", "-P", str(folder / "wget"), f"http://{HOST}/"]
        command = ["sh", "-c", line, "sh", wget, *wanted]
        yield Contestant("wget -N", (("first run", command), ("again", command)))


def main() -> int:
    """Print the table; 1 where a crawl failed, 2 where nginx is missing."""
    arguments = argparse.ArgumentParser(prog="python -m bench.incremental", description=__doc__)
    arguments.add_argument("--articles", type=int, default=ARTICLES, help=f"of the generated channel ({ARTICLES})")
    given = arguments.parse_args()
    return exit_code(lambda: print(measured(given.articles)))


if __name__ == "__main__":
    sys.exit(main())
