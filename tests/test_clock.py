"""Moments that are still to come: a run whose clock is behind the archive, and records from elsewhere."""

import json
from pathlib import Path

import pytest

from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from tests.database import tables
from tests.program import ciwen

ARTICLES = [Article(43000000 + number, f"第{number}篇") for number in range(1, 7)]
BEFORE, NOW, AFTER = (f"2025-06-{day:02}T08:00:00Z" for day in (4, 5, 6))


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that was crawled on a certain day."""
    archive = tmp_path_factory.mktemp("clock") / "archive"
    with Channel(channel_pages(ARTICLES)) as channel:
        ciwen("crawl", archive=archive, channel=channel, at=NOW)
    return archive


def files(archive: Path) -> dict[str, bytes]:
    """What an archive's files hold."""
    return {str(path): path.read_bytes() for path in sorted(archive.rglob("*")) if path.is_file()}


def saved(folder: Path, name: str, moment: str) -> Path:
    """A saved page of an article, with the moment that it is said to be of."""
    article = ARTICLES[0]
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.html").write_text(article.page(), "utf-8")
    (folder / f"{name}.json").write_text(json.dumps({"url": article.url, "fetched_at": moment}), "utf-8")
    return folder / f"{name}.html"


@pytest.mark.parametrize("command", ["crawl", "crawl --dry-run", "replay"])
def test_run_whose_clock_is_behind_the_archive_ends_before_its_first_request(
    crawled: Path, tmp_path: Path, command: str
) -> None:
    page = saved(tmp_path, "page", BEFORE)
    before = files(crawled)
    name, *options = command.split()
    with Channel(channel_pages(ARTICLES)) as channel:
        sources = [page] if name == "replay" else []
        run = ciwen(name, *options, *sources, archive=crawled, channel=channel, at=BEFORE, code=2)
        assert channel.requested() == []
    (warc,) = (crawled / "warc").glob("*.warc.gz")
    newest = max(row["fetched_at"] for row in tables(crawled)["captures"])
    assert run.err.startswith("ciwen: the clock says 2025-06-04T08:00:0")
    assert f"the newest capture of {crawled} is of {newest} ({warc}): set the clock right" in run.err
    assert run.err.count("\n") == 1
    assert files(crawled) == before


def test_page_of_a_moment_to_come_is_not_taken_in_and_the_others_are(tmp_path: Path) -> None:
    source, archive = tmp_path / "saved", tmp_path / "archive"
    page = saved(source, "to-come", AFTER)
    saved(source, "past", BEFORE)
    run = ciwen("replay", source, archive=archive, at=NOW, code=2)
    assert run.err == f"ciwen: {page} is of a moment still to come, 2025-06-06T08:00:00.000000Z: is the clock right?\n"
    assert [row["fetched_at"] for row in tables(archive)["captures"]] == ["2025-06-04T08:00:00.000000Z"]
    ciwen("replay", source, archive=archive, at=AFTER.replace("08:00:00", "08:00:01"))
    assert len(tables(archive)["captures"]) == 2


def test_records_of_moments_to_come_are_not_taken_in_and_the_archive_stays_open(crawled: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    ciwen("replay", saved(tmp_path, "page", BEFORE), archive=archive, at=BEFORE.replace("08:00:00", "08:00:01"))
    rows = tables(archive)
    run = ciwen("replay", crawled / "warc", archive=archive, at=BEFORE.replace("08:00:00", "08:01:00"), code=2)
    count = len(tables(crawled)["captures"])
    assert f"{count} records are of moments still to come, such as 2025-06-05T08:00:0" in run.err
    assert run.err.endswith("and left out: is the clock right?\n")
    assert tables(archive) == rows | {"crawls": tables(archive)["crawls"]}
    ciwen("replay", crawled / "warc", archive=archive, at=AFTER)
    assert len(tables(archive)["captures"]) == 1 + count
    ciwen("verify", archive=archive)
