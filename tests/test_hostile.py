"""One crawl of a server that means harm: each trick leaves what it must, and the good pages between are all there."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.markup import Article, channel_pages
from fixtures.page import Page
from tests.hostile import Hostile
from tests.hostile_wire import ARTICLE, EXCESS, FAILURE, OFF_HOSTS, PRIVATE, WIRE
from tests.program import PACE, ciwen, environment_of
from tests.weighed import MOST, weighed

ARTICLES = [Article(43000001 + place, f"第{place}篇") for place in range(2 * len(WIRE))]
TRICKED = dict(zip(WIRE, (article.url for article in ARTICLES[::2]), strict=True))
GOOD = {article.url for article in ARTICLES[1::2]}
BOUNDS = (*PACE, "-s", "DOWNLOAD_TIMEOUT=5", "-s", "RETRY_TIMES=0")


@dataclass(frozen=True)
class Left:
    """What the crawl left."""

    archive: Path
    code: int
    err: str
    memory: int  # bytes at the most
    faults: list[str]  # of the server's own
    had: set[str]  # addresses of articles
    stats: dict[str, Any]


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    """The crawl of all tricks, once."""
    folder = tmp_path_factory.mktemp("hostile")
    archive = folder / "archive"
    pages = {url: _bytes(page) for url, page in channel_pages(ARTICLES).items()}
    line = [Path(sys.executable).with_name("ciwen"), "crawl", "--archive", archive, *BOUNDS]
    with Hostile(pages, {TRICKED[name]: case.trick for name, case in WIRE.items()}, {}) as server:
        environment = environment_of(None) | {"http_proxy": server.proxy, "https_proxy": server.proxy}
        run = weighed(line, environment)
    (report,) = (archive / "runs").glob("*.json")
    stats = json.loads(report.read_text("utf-8"))["stats"]
    yield Left(archive, run.code, run.err, run.peak, server.faults, _had(archive), stats)


def _had(archive: Path) -> set[str]:
    """The addresses of the articles that it holds."""
    with closing(sqlite3.connect(f"file:{archive / 'ciwen.sqlite'}?mode=ro", uri=True)) as database:
        return {url for (url,) in database.execute("SELECT url FROM articles")}


def _bytes(page: Page | bytes | str) -> bytes:
    body = page.body if isinstance(page, Page) else page
    return body.encode() if isinstance(body, str) else body


def test_run_ends_well(left: Left) -> None:
    assert (left.code, left.faults) == (0, [])
    assert "Traceback" not in left.err


def test_run_holds_no_more_memory_than_any_may(left: Left) -> None:
    assert 0 < left.memory < MOST


def test_good_pages_are_all_there(left: Left) -> None:
    assert left.had >= GOOD


@pytest.mark.parametrize("name", WIRE)
def test_trick_leaves(left: Left, name: str) -> None:
    case, url = WIRE[name], TRICKED[name]
    assert (url in left.had) == (case.leaves == ARTICLE)
    told = {FAILURE: "failures", EXCESS: "excesses"}.get(case.leaves)
    if told:
        assert url in json.dumps(left.stats[told])
    assert (url in left.stats["pending"]) == (case.leaves != ARTICLE), "tried again in the next run"


def test_redirects_off_the_channel_are_told_of(left: Left) -> None:
    for kind in (OFF_HOSTS, PRIVATE):
        assert left.stats[kind]["count"] == sum(case.leaves == kind for case in WIRE.values())


def test_nothing_outside_the_archive(left: Left) -> None:
    assert {path.name for path in left.archive.parent.iterdir()} == {"archive"}


def test_archive_is_whole(left: Left) -> None:
    ciwen("verify", archive=left.archive)
    ciwen("rebuild", archive=left.archive)
    assert _had(left.archive) == left.had
