"""What SIGINT and SIGTERM do at whatever moment: the program ends with 130, in one line and without a traceback."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ciwen_crawler.lock import NAME, Lock
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from tests.database import select
from tests.pipes import opened_by_a_reader
from tests.program import PATIENCE, ciwen, ended, started

INTERRUPTED = "ciwen: interrupted: what was committed stays, the next run mends the rest\n"
ARTICLES = [Article(number, f"第{number}篇") for number in range(43000001, 43000007)]
_SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)


@pytest.fixture
def channel() -> Iterator[Channel]:
    with Channel(channel_pages(ARTICLES)) as running:
        yield running


def standing_still(folder: Path, package: str) -> tuple[Path, dict[str, str]]:
    """A pipe, and the environment of a run that waits for it in the middle of an import of that package."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text(f"open({str(pipe)!r}).read()\n", encoding="utf-8")
    return pipe, {"PYTHONPATH": str(folder)}


@_SIGNALS
def test_while_the_command_line_is_imported(tmp_path: Path, number: signal.Signals) -> None:
    pipe, environment = standing_still(tmp_path, "typer")
    with started("status", archive=tmp_path, env=environment) as run:
        writing = opened_by_a_reader(pipe)
        run.send_signal(number)
        assert ended(run, 130).err == INTERRUPTED
        os.close(writing)


@_SIGNALS
def test_while_scrapy_is_imported(tmp_path: Path, channel: Channel, number: signal.Signals) -> None:
    pipe, environment = standing_still(tmp_path, "scrapy")
    archive = tmp_path / "archive"
    with started("crawl", archive=archive, channel=channel, env=environment) as run:
        writing = opened_by_a_reader(pipe)
        with pytest.raises(Exception, match=f"process {run.pid}, since"):
            Lock(archive)
        run.send_signal(number)
        assert ended(run, 130).err == INTERRUPTED
        os.close(writing)
    assert [path.name for path in archive.iterdir()] == [NAME]
    ciwen("crawl", archive=archive, channel=channel)
    assert [row["outcome"] for row in select(archive, "SELECT outcome FROM crawls")] == ["done"]


@_SIGNALS
def test_a_second_signal_while_the_first_is_answered(tmp_path: Path, channel: Channel, number: signal.Signals) -> None:
    ciwen("crawl", archive=tmp_path, channel=channel)
    os.mkfifo(tmp_path / "warc" / "zz.warc.gz")
    with started("rebuild", "--jobs", 1, archive=tmp_path) as run:
        writing = opened_by_a_reader(tmp_path / "warc" / "zz.warc.gz")
        run.send_signal(number)
        run.send_signal(number)
        found = ended(run, 130).err
        os.close(writing)
    # The second may come before the first is told of, and then it is told of by both.
    assert found in (INTERRUPTED, INTERRUPTED * 2)


def test_output_that_nobody_reads_is_no_second_fault(tmp_path: Path) -> None:
    pipe, environment = standing_still(tmp_path, "typer")
    with started("status", archive=tmp_path, env=environment) as run:
        writing = opened_by_a_reader(pipe)
        assert run.stderr
        run.stderr.close()
        run.send_signal(signal.SIGTERM)
        assert run.wait(PATIENCE) == 130
        os.close(writing)
