"""`python -m bench`: both comparisons; `crawl` or `replay`: one of them."""

import argparse
import signal
import sys

from bench import crawl, replay
from bench.exits import exit_code


def main() -> int:
    """Print the tables; 1 where a contestant failed, 2 where nginx is missing."""
    given = _arguments().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nginx is stopped then too
    return exit_code(lambda: _compare(given))


def _compare(given: argparse.Namespace) -> None:
    if given.sizes:
        print(crawl.sizes(given.sizes, given.rounds))
        return
    for part in (crawl, replay):
        if given.part in (None, part.__name__.rpartition(".")[2]):
            print(part.compare(given.articles or part.ARTICLES, given.rounds), end="\n\n", flush=True)


def _arguments() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("part", nargs="?", choices=["crawl", "replay"], help="one comparison; both where left out")
    arguments.add_argument(
        "--articles",
        type=int,
        help=f"of the generated channel ({crawl.ARTICLES} to crawl, {replay.ARTICLES} to rebuild)",
    )
    arguments.add_argument("--rounds", type=int, default=3, help="runs of each contestant (3)")
    arguments.add_argument(
        "--sizes",
        type=lambda text: [int(size) for size in text.split(",")],
        metavar="N,N",
        help="instead: what ciwen crawl needs on channels of these sizes",
    )
    return arguments


if __name__ == "__main__":
    sys.exit(main())
