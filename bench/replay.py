"""How fast the database is made again from the WARC files, against the least that reading them costs."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

from bench import WORK
from bench.channel import Channel, write_channel
from bench.crawl import ciwen_crawl, ciwen_program, pages_in
from bench.environments import python_of
from bench.limit import spans
from bench.process import Failed, Run, measure
from bench.rounds import Contestant, measure_all, table
from bench.server import Server

ARTICLES = 5000  # so many that what starting costs does not hide what reading costs
_SAMPLE = 200  # pages for trafilatura, which takes twenty times as long


def compare(articles: int, rounds: int) -> str:
    """The table of the limit, `ciwen rebuild` and trafilatura, on one archive of a generated channel."""
    channel = write_channel(WORK / "channel", articles)
    archive = _archived(channel)
    measured = measure_all(_contestants(channel, archive), rounds)
    against = [measured[0], measured[2]]
    return f"{len(channel.pages)} pages, {rounds} rounds\n\n{table(measured, against)}"


def _archived(channel: Channel) -> Path:
    archive = WORK / "replay" / "archive"
    shutil.rmtree(archive.parent, ignore_errors=True)
    with Server(channel.folder, WORK / "nginx") as server:
        measure(ciwen_crawl(archive), archive.parent, http_proxy=server.proxy)
    return archive


def _contestants(channel: Channel, archive: Path) -> list[Contestant]:
    pages = len(channel.pages)
    files = sorted((archive / "warc").glob("*.warc.gz"))
    contestants = [
        Contestant("limit, 1 process", pages, lambda: _limit(files, 1, pages)),
        Contestant("limit, 2 processes", pages, lambda: _limit(files, 2, pages)),
        Contestant("ciwen rebuild --jobs 1", pages, lambda: _rebuild(archive, 1, pages)),
        Contestant("ciwen rebuild --jobs 2", pages, lambda: _rebuild(archive, 2, pages)),
    ]
    python = python_of("trafilatura")
    if python:
        sample = [str(file) for file in sorted(channel.folder.glob("20*/*/*.html"))[:_SAMPLE]]
        contestants.append(Contestant("trafilatura", len(sample), lambda: _trafilatura(python, sample)))
    return contestants


def _limit(files: list[Path], jobs: int, pages: int) -> Run:
    words = [str(word) for span in spans(files, jobs) for word in (span.file, span.start, span.end)]
    run = measure([sys.executable, "-m", "bench.limit", str(jobs), *words], WORK / "limit")
    if int(run.output) != pages:
        raise Failed(f"the limit saw {run.output.strip()} of {pages} pages")
    return run


def _rebuild(archive: Path, jobs: int, pages: int) -> Run:
    command = [ciwen_program(), "rebuild", "--quiet", "--archive", str(archive), "--jobs", str(jobs)]
    run = measure(command, WORK / "rebuild")
    if (found := pages_in(archive)) != pages:
        raise Failed(f"ciwen rebuild --jobs {jobs} derived {found} of {pages} pages")
    return run


def _trafilatura(python: Path, sample: list[str]) -> Run:
    run = measure([str(python), "-m", "bench.extraction", *sample], WORK / "trafilatura")
    return replace(run, seconds=float(run.output))
