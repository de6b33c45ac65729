"""The database again from the WARC files alone: the same rows, whatever became of the old one and of the run."""

import os
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from ciwen_crawler.lock import Lock
from ciwen_crawler.store import parts, upkeep
from ciwen_crawler.warc.files import warc_files
from ciwen_crawler.warc.reader import records
from ciwen_crawler.warc.recovery import CUT
from ciwen_crawler.warc.writer import OPEN
from fixtures.markup import Article, channel_pages, list_url, picture
from fixtures.server import Channel
from fixtures.site import HOME
from tests.chronicle import Chronicle, copy
from tests.database import Rows, tables
from tests.program import PATIENCE, ciwen, started

DATABASE = "ciwen.sqlite"
JOURNALS = ("-wal", "-shm", "-journal")


def companions(archive: Path) -> list[Path]:
    return [path for path in archive.iterdir() if path.name.startswith(DATABASE) and path.name != DATABASE]


# --- After crawls ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2])
def test_rebuilt_equals_crawled(chronicle: Chronicle, tmp_path: Path, jobs: int) -> None:
    archive = copy(chronicle.archive, tmp_path)
    (archive / DATABASE).unlink()
    ended = ciwen("rebuild", "--jobs", jobs, archive=archive)
    assert tables(archive) == chronicle.after[-1]
    assert f"articles    {len(chronicle.after[-1]['articles'])} in" in ended.out
    assert companions(archive) == []


@pytest.mark.parametrize("part", [2000, 9973, 40_000])
def test_parts_of_any_size_give_the_same_rows(
    chronicle: Chronicle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(parts, "_PART", part)
    archive = copy(chronicle.archive, tmp_path)
    upkeep.rebuild(archive)
    assert tables(archive) == chronicle.after[-1]


def test_reports_that_are_gone_are_written_again(chronicle: Chronicle, tmp_path: Path) -> None:
    archive = copy(chronicle.archive, tmp_path)
    reports = {path: path.read_bytes() for path in (archive / "runs").iterdir()}
    for path in list(reports)[1:]:
        path.unlink()
    ciwen("rebuild", archive=archive)
    assert {path: path.read_bytes() for path in (archive / "runs").iterdir()} == reports
    ciwen("verify", archive=archive)


def test_rows_that_no_record_gives_are_gone(chronicle: Chronicle, tmp_path: Path) -> None:
    archive = copy(chronicle.archive, tmp_path)
    with closing(sqlite3.connect(archive / DATABASE)) as connection, connection:
        connection.execute("UPDATE versions SET title = 'forged'")
        connection.execute("DELETE FROM images")
        connection.execute("INSERT INTO meta VALUES ('mine', 'x')")
    upkeep.rebuild(archive)
    assert tables(archive) == chronicle.after[-1]


@pytest.mark.parametrize("with_database", [True, False])
def test_stale_journals_bring_nothing_back(chronicle: Chronicle, tmp_path: Path, with_database: bool) -> None:
    archive = copy(chronicle.archive, tmp_path)
    path = archive / DATABASE
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        with connection:
            connection.execute("UPDATE versions SET title = 'old'")
        # As a run that was killed leaves them; a connection that is closed takes them away.
        for each in (path, *companions(archive)):
            shutil.copyfile(each, each.with_name("kept" + each.name))
    for each in list(archive.glob("kept*")):
        each.rename(each.with_name(each.name.removeprefix("kept")))
    assert {each.name for each in companions(archive)} == {DATABASE + "-wal", DATABASE + "-shm"}
    if not with_database:
        path.unlink()
    upkeep.rebuild(archive)
    assert companions(archive) == []
    assert tables(archive) == chronicle.after[-1]


def test_rebuilt_equals_crawled_where_everything_went_wrong(tmp_path: Path) -> None:
    """Every way in which an answer can be odd, cut or absent, once for ever and once until it is asked again."""
    articles = [
        Article(number, f"第{number}篇", (picture(f"/pic/{number}.jpg"),)) for number in range(43000001, 43000021)
    ]
    urls = [article.url for article in articles]
    page = articles[0].page().encode()
    pages = channel_pages(articles) | {f"{HOME}pic/{article.number}.jpg": "jpeg" for article in articles}
    with Channel(pages) as channel:
        channel.break_off(urls[0], 500, times=1)
        channel.break_off(urls[1], 500)
        channel.break_off(urls[2], 0, reset=True)
        channel.refuse(urls[3], times=2)
        channel.answer(urls[4], 503, times=1)
        channel.answer(urls[5], 200, b"")
        channel.answer(urls[6], 204)
        channel.answer(urls[7], 200, b"\xff\xd8\xff\xe0", [("Content-Type", "image/jpeg")])
        channel.answer(urls[8], 200, page, [("Content-Type", "text/html"), ("Content-Encoding", "gzip")])
        channel.answer(urls[9], 302, b"", [("Location", "/搬到/这里.html".encode("gb18030").decode("latin-1"))])
        channel.redirect(urls[10], urls[10])
        channel.redirect(urls[11], f"{urls[11]}?from=1")
        channel.send(urls[12], b"HTTP/1.0 200\r\nX-\xb4\xc9: \xb4\xc9\r\nContent-Type: text/html\r\n\r\n" + page, True)
        channel.send(urls[13], b"garbage, no HTTP at all\r\n\r\n", True)
        channel.answer(urls[14], 200, page[:900], [("Content-Type", "text/html; charset=klingon")])
        channel.answer(urls[15], 304)
        channel.answer(urls[16], 200, b"\0\0" + page)
        channel.redirect(urls[17], list_url())
        channel.answer(f"{HOME}pic/43000019.jpg", 404)
        channel.redirect(f"{HOME}pic/43000020.jpg", f"{HOME}pic/43000001.jpg")
        ciwen("crawl", archive=tmp_path, channel=channel)
    crawled = tables(tmp_path)
    upkeep.rebuild(tmp_path)
    rebuilt = tables(tmp_path)
    for table in crawled:
        assert rebuilt[table] == crawled[table], table


def test_crawl_makes_a_database_that_is_gone(chronicle: Chronicle, tmp_path: Path) -> None:
    """No run leaves an archive whose database knows of less than its WARC files."""
    archive = copy(chronicle.archive, tmp_path)
    (archive / DATABASE).unlink()
    ciwen("crawl", archive=archive, code=3)  # nobody answers
    found = tables(archive)
    assert {name: found[name] for name in found if name != "crawls"} == {
        name: rows for name, rows in chronicle.after[-1].items() if name != "crawls"
    }
    assert found["crawls"][:-1] == chronicle.after[-1]["crawls"]


@pytest.mark.parametrize("known", range(5))
def test_database_that_is_behind_is_brought_up_to_date(chronicle: Chronicle, tmp_path: Path, known: int) -> None:
    """As after a kill, or where somebody put an older copy of the database back."""
    archive = copy(chronicle.archive, tmp_path)
    (path,) = warc_files(archive)
    data = path.read_bytes()
    begins = [record.offset for record in records(path) if record.type == "warcinfo"]
    if known:
        path.write_bytes(data[: begins[known]])
    else:
        path.unlink()
    upkeep.rebuild(archive)
    assert len(tables(archive)["crawls"]) == known
    path.write_bytes(data)
    upkeep.up_to_date(archive).close()
    assert tables(archive) == chronicle.after[-1]


def test_database_that_other_code_read_is_made_anew(chronicle: Chronicle, tmp_path: Path) -> None:
    archive = copy(chronicle.archive, tmp_path)
    with closing(sqlite3.connect(archive / DATABASE)) as connection, connection:
        connection.execute("UPDATE meta SET value = 'another' WHERE key = 'extractor'")
        connection.execute("UPDATE versions SET title = 'as another read it'")
    upkeep.up_to_date(archive).close()
    assert tables(archive) == chronicle.after[-1]


def test_nothing_is_rebuilt_while_another_holds_the_archive(chronicle: Chronicle, tmp_path: Path) -> None:
    archive = copy(chronicle.archive, tmp_path)
    before = (archive / DATABASE).read_bytes()
    lock = Lock(archive)
    ended = ciwen("rebuild", archive=archive, code=4)
    lock.release()
    assert ended.err.startswith(f"ciwen: another run holds {archive} (process {os.getpid()}, since ")
    assert ended.out == ""
    assert (archive / DATABASE).read_bytes() == before


# --- After a kill ---------------------------------------------------------------------------------------------------

MANY = 150  # pictures in each article: with so many rows, some are committed while the run goes on
PICTURES = tuple(picture(f"/pic/{number}.jpg") for number in range(MANY))
ARTICLES = [Article(number, f"第{number}篇", PICTURES) for number in range(43000001, 43000013)]
BEFORE_THE_KILL = 7  # articles
ONE_AT_A_TIME = ("--no-images", "-s", "DOWNLOAD_DELAY=0.001", "-s", "AUTOTHROTTLE_ENABLED=False")


class Killed(NamedTuple):
    """What a crawl leaves that is killed in the middle, and what it had asked for."""

    archive: Path
    committed: dict[str, Rows]
    kept: list[str]  # the URLs whose answers had come

    @property
    def articles(self) -> int:
        """How many articles had come."""
        return sum("content_" in url for url in self.kept)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    folder = tmp_path_factory.mktemp("killed")
    archive = folder / "archive"
    with Channel(channel_pages(ARTICLES)) as channel:
        holds = {article.url: channel.hold(article.url) for article in ARTICLES}
        with started("crawl", archive=archive, channel=channel, pace=ONE_AT_A_TIME) as run:
            for number in range(BEFORE_THE_KILL):
                holds[_article_asked_for(channel, number)].release()
            # One request at a time: when the next one comes, the answers to all before it have been kept.
            _article_asked_for(channel, BEFORE_THE_KILL)
            run.kill()
            run.communicate()
        kept = channel.requested()[:-1]
    return Killed(archive, tables(copy(archive, folder)), kept)


def _article_asked_for(channel: Channel, number: int) -> str:
    channel.log.wait_for(lambda _: len(channel.requested("content_")) > number, PATIENCE)
    return channel.requested("content_")[number]


def test_kill_came_in_the_middle(killed: Killed) -> None:
    assert killed.articles == BEFORE_THE_KILL
    assert 0 < len(killed.committed["articles"]) < killed.articles
    assert [path.name.endswith(OPEN) for path in (killed.archive / "warc").iterdir()] == [True]


def test_next_run_loses_nothing_and_fetches_the_rest(killed: Killed, tmp_path: Path) -> None:
    archive = copy(killed.archive, tmp_path)
    with Channel(channel_pages(ARTICLES)) as channel:
        ended = ciwen("crawl", "--no-images", archive=archive, channel=channel)
    found = tables(archive)
    first, second = found["crawls"]
    assert [row["url"] for row in _captures(found, first["id"])] == killed.kept
    for name in ("captures", "listings", "versions", "images", "version_captures"):
        committed, kept = (set(map(repr, rows)) for rows in (killed.committed[name], found[name]))
        assert committed <= kept, name
    assert (first["outcome"], first["finished_at"], first["exit_code"], first["stats"]) == ("killed", None, None, None)
    assert (second["outcome"], second["exit_code"]) == ("done", 0)
    assert f"{len(ARTICLES) - killed.articles} new, 0 changed, {killed.articles} unchanged" in ended.out
    assert [row["versions"] for row in found["articles"]] == [1] * len(ARTICLES)
    upkeep.rebuild(archive)
    assert tables(archive) == found


def test_rebuild_over_the_remains_of_a_kill(killed: Killed, tmp_path: Path) -> None:
    archive = copy(killed.archive, tmp_path)
    ciwen("rebuild", "--jobs", 2, archive=archive)
    found = tables(archive)
    assert Counter(row["url"] for row in found["captures"]) == Counter(killed.kept)
    assert len(found["articles"]) == killed.articles
    (run,) = found["crawls"]
    assert (run["outcome"], run["finished_at"], run["exit_code"]) == ("killed", None, None)
    assert companions(archive) == []
    assert not list((archive / "warc").glob("*" + OPEN))


def test_record_that_the_kill_cut_is_kept_beside(killed: Killed, tmp_path: Path) -> None:
    archive = copy(killed.archive, tmp_path)
    (path,) = (archive / "warc").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    ciwen("rebuild", archive=archive)
    found = tables(archive)
    assert Counter(row["url"] for row in found["captures"]) == Counter(killed.kept[:-1])
    (cut,) = (archive / "warc").glob("*" + CUT)
    final = path.with_name(path.name.removesuffix(OPEN))
    assert final.read_bytes() + cut.read_bytes() == whole[:-10]


def _captures(found: dict[str, Rows], crawl: str) -> Rows:
    rows = [row for row in found["captures"] if row["crawl_id"] == crawl]
    return sorted(rows, key=lambda row: row["warc_offset"])
