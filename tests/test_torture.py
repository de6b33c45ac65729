"""Long proofs, run by `make torture`: runs that are killed again and again, at moments that nobody chose."""

import gzip
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator

from fixtures.markup import Article, channel_pages, picture
from fixtures.server import Channel
from fixtures.site import pictures
from tests.database import select, tables
from tests.program import PATIENCE, ciwen, started

pytestmark = pytest.mark.torture

KILLS = 60  # of crawls, each followed by one that nobody kills
FEWER_KILLS = 20  # of replays and of rebuilds
ARTICLES = [Article(number, f"第{number}篇", (picture(f"/pic/{number}.jpg"),)) for number in range(43000001, 43000121)]
REQUESTS = 1 + len(channel_pages(ARTICLES))  # of a crawl that has the pictures already
IDS = {
    "articles": "SELECT id FROM articles",
    "versions": "SELECT article_id || ' ' || content_hash FROM versions",
    "captures": "SELECT id || ' ' || warc_file || ' ' || warc_offset FROM captures",
    "listings": "SELECT capture_id || ' ' || position FROM listings",
}


@pytest.fixture
def channel() -> Iterator[Channel]:
    pages = channel_pages(ARTICLES)
    with Channel(pages | pictures(pages)) as running:
        yield running


def committed(archive: Path) -> set[tuple[str, str]]:
    """What a database holds, by table and key; nothing where there is none yet."""
    found: set[tuple[str, str]] = set()
    with suppress(sqlite3.OperationalError):
        for table, query in IDS.items():
            found |= {(table, next(iter(row.values()))) for row in select(archive, query)}
    return found


def is_killed(run: subprocess.Popen[str], seconds: float) -> bool:
    """Whether a run had to be killed after so long; it may have ended before."""
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()
        return True
    assert run.returncode == 0, run.communicate()
    return False


def seconds_of(command: str, *arguments: object, archive: Path) -> float:
    """How long a run takes that nobody kills, on this machine."""
    began = time.monotonic()
    ciwen(command, *arguments, archive=archive)
    return time.monotonic() - began


def assert_whole(archive: Path) -> None:
    """Every WARC file is gzip to its last byte, and every record has the block digest that it says."""
    assert not list((archive / "warc").glob("*.open"))
    for path in (archive / "warc").glob("*.warc.gz"):
        gzip.decompress(path.read_bytes())
        with path.open("rb") as file:
            assert all(record.verify_block_digest() for record in FastIterator(file, parse_http=False))
        with path.open("rb") as file:
            for record in ArchiveIterator(file, check_digests=True):
                record.raw_stream.read()
                # Of payloads it has another notion than the standard where they are chunked.
                assert not [each for each in record.digest_checker.problems if "block" in each]


def test_nothing_that_was_committed_is_lost_whenever_a_crawl_is_killed(tmp_path: Path, channel: Channel) -> None:
    """A title changes before each, so that there is always something to commit."""
    chance = random.Random(43135627)
    seen: set[tuple[str, str]] = set()
    kills = turn = 0
    while kills < KILLS:
        turn += 1
        edited = chance.choice(ARTICLES)
        channel.pages[edited.url] = edited.page().replace(edited.title, f"{edited.title}，第{turn}次改")
        channel.log.clear()
        with started("crawl", archive=tmp_path, channel=channel) as run:
            channel.log.wait_for(chance.randrange(1, REQUESTS), PATIENCE)
            kills += is_killed(run, chance.uniform(0, 0.5))
        seen |= committed(tmp_path)
        ciwen("crawl", archive=tmp_path, channel=channel)
        assert seen <= committed(tmp_path)
        seen |= committed(tmp_path)
    found = tables(tmp_path)
    assert len(found["articles"]) == len(ARTICLES)
    outcomes = [row["outcome"] for row in found["crawls"]]
    assert set(outcomes) == {"done", "killed"}
    # A run that was killed before its warcinfo was durable has left no trace.
    assert 0 < outcomes.count("killed") <= kills
    assert_whole(tmp_path)
    ciwen("rebuild", archive=tmp_path)
    assert tables(tmp_path) == found


def test_replay_that_is_killed_is_taken_up_by_the_next(tmp_path: Path, channel: Channel) -> None:
    chance = random.Random(43135627)
    source, archive = tmp_path / "source", tmp_path / "archive"
    ciwen("crawl", archive=source, channel=channel)
    longest = seconds_of("replay", source, archive=archive)
    kills = 0
    while kills < FEWER_KILLS:
        if chance.random() < 0.3:
            shutil.rmtree(archive, ignore_errors=True)
        before = committed(archive)
        with started("replay", source, archive=archive) as run:
            kills += is_killed(run, chance.uniform(0.2, 1) * longest)
        assert before <= committed(archive)
    ciwen("replay", source, archive=archive)
    found, wanted = tables(archive), tables(source)
    for table in ("articles", "versions", "images", "version_captures", "listings", "quarantine"):
        assert found[table] == wanted[table], table
    assert {row["id"] for row in found["captures"]} == {row["id"] for row in wanted["captures"]}
    assert_whole(archive)
    ciwen("rebuild", archive=archive)
    assert tables(archive) == found


def test_rebuild_that_is_killed_leaves_the_old_database_or_none(tmp_path: Path, channel: Channel) -> None:
    chance = random.Random(43135627)
    ciwen("crawl", archive=tmp_path, channel=channel)
    wanted = tables(tmp_path)
    longest = seconds_of("rebuild", archive=tmp_path)
    kills = 0
    while kills < FEWER_KILLS:
        with started("rebuild", "--jobs", chance.choice((1, 2)), archive=tmp_path) as run:
            kills += is_killed(run, chance.uniform(0.2, 1) * longest)
        if (tmp_path / "ciwen.sqlite").exists():
            assert tables(tmp_path) == wanted
    ciwen("rebuild", archive=tmp_path)
    assert tables(tmp_path) == wanted
    assert_whole(tmp_path)
