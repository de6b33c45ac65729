"""Long proofs, run by `make torture`: a crawl that is killed again and again, at moments that nobody chose."""

import random
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator

from fixtures.markup import Article, channel_pages, picture
from fixtures.server import Channel
from fixtures.site import pictures
from tests.database import select, tables
from tests.program import ciwen, started

pytestmark = pytest.mark.torture

KILLS = 60
ARTICLES = 120
LONGEST = 3.0  # seconds that a run may last; one that nobody kills takes about two
IDS = {
    "articles": "SELECT id FROM articles",
    "versions": "SELECT article_id || ' ' || content_hash FROM versions",
    "captures": "SELECT id || ' ' || warc_file || ' ' || warc_offset FROM captures",
    "listings": "SELECT capture_id || ' ' || position FROM listings",
}


def committed(archive: Path) -> set[tuple[str, str]]:
    """What a database holds, by table and key; nothing where there is none yet."""
    found: set[tuple[str, str]] = set()
    with suppress(sqlite3.OperationalError):
        for table, query in IDS.items():
            found |= {(table, next(iter(row.values()))) for row in select(archive, query)}
    return found


def killed(archive: Path, channel: Channel, seconds: float) -> bool:
    """Whether a crawl had to be killed at that moment; it may have ended before."""
    with started("crawl", archive=archive, channel=channel) as run:
        try:
            run.wait(seconds)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            return True
        assert run.returncode == 0, run.stderr
        return False


def test_nothing_that_was_committed_is_lost_whenever_a_run_is_killed(tmp_path: Path) -> None:
    chance = random.Random(43135627)
    numbers = range(43000001, 43000001 + ARTICLES)
    articles = [Article(number, f"第{number}篇", (picture(f"/pic/{number}.jpg"),)) for number in numbers]
    pages = channel_pages(articles)
    seen: set[tuple[str, str]] = set()
    kills = 0
    with Channel(pages | pictures(pages)) as channel:
        for turn in range(3 * KILLS):
            if kills == KILLS:
                break
            edited = chance.choice(articles)
            page = edited.page().replace(edited.title, f"{edited.title}，第{turn}次改")
            channel.pages[edited.url] = page
            kills += killed(tmp_path, channel, chance.uniform(0.2, LONGEST))
            seen |= committed(tmp_path)
        ciwen("crawl", archive=tmp_path, channel=channel)
    assert kills == KILLS
    assert seen <= committed(tmp_path)
    found = tables(tmp_path)
    assert len(found["articles"]) == ARTICLES
    # A run that was killed before its warcinfo was durable has left no trace.
    outcomes = [row["outcome"] for row in found["crawls"]]
    assert set(outcomes) == {"done", "killed"}
    assert outcomes.count("killed") <= kills
    assert not list((tmp_path / "warc").glob("*.open"))
    for path in (tmp_path / "warc").glob("*.warc.gz"):
        assert all(record.verify_block_digest() for record in ArchiveIterator(str(path), parse_http=False))
    ciwen("rebuild", archive=tmp_path)
    assert tables(tmp_path) == found
