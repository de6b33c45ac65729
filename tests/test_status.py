"""`ciwen status`: a table and a picture of an archive, as text, as facts and as one page of HTML."""

import fcntl
import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import lxml.html
import pytest

from ciwen_crawler.holder import Holder, holder
from ciwen_crawler.lock import Lock
from ciwen_crawler.store import queries
from ciwen_crawler.store.state import state
from ciwen_crawler.telling.chart import Ink, ink_for, years_and_months
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from tests.browser import chromium
from tests.chronicle import copy
from tests.program import ciwen, started
from tests.terminal import on_terminal

HOSTILE = '<script>alert("窑")</script><img src=//evil.example/x>'
DAYS = ["2024-03-01", "2024-12-31", *["2025-05-20"] * 3, "2025-06-04"]
ARTICLES = [Article(43000001 + number, f"第{number}篇", day=day) for number, day in enumerate(DAYS)]
PHONE = {"width": 390, "height": 844}
# The size of the smallest letters, in pixels.
SMALLEST = """Math.min(...[...document.body.querySelectorAll("*")].map(
    each => parseFloat(getComputedStyle(each).fontSize)))"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A crawl that was well, one that got nothing, and what pages may say at its worst."""
    folder = tmp_path_factory.mktemp("state") / "archive"
    pages = channel_pages([*ARTICLES[:-1], Article(ARTICLES[-1].number, HOSTILE, day=DAYS[-1])])
    with Channel(pages) as channel:
        channel.answer(ARTICLES[0].url, 500)
        ciwen("crawl", archive=folder, channel=channel)
        channel.answer("http://ci.china.com.cn/", 404)
        ciwen("crawl", archive=folder, channel=channel, code=3)
    return folder


@contextmanager
def changed(archive: Path, folder: Path, statement: str) -> Iterator[Path]:
    """The archive with rows that it would take days to come to."""
    made = copy(archive, folder)
    with closing(sqlite3.connect(made / "ciwen.sqlite")) as connection, connection:
        connection.execute(statement)
    yield made


def facts(archive: Path) -> dict[str, Any]:
    """What is told to programs."""
    told: dict[str, Any] = json.loads(ciwen("status", "--json", archive=archive).out)
    return told


# --- Facts ----------------------------------------------------------------------------------------------------------


def test_all_that_is_shown_is_there_as_facts(archive: Path) -> None:
    told = facts(archive)
    assert (told["articles"], told["gone"], told["pending"], told["missing"]) == (5, 0, 1, 1)
    assert (told["oldest"][:10], told["newest"][:10]) == ("2024-12-31", "2025-06-04")
    months = {each["month"]: each["articles"] for each in told["months"]}
    assert months == {"2024-12": 1, "2025-05": 3, "2025-06": 1}
    assert told["fields"]["read"] == [5]
    assert (told["fields"]["filled"]["title"], told["fields"]["filled"]["author"]) == ([5], [0])
    unwell, well = told["runs"]
    assert (well["outcome"], well["verdicts"], well["reasons"]) == ("done", {"new": 5}, [])
    assert (unwell["outcome"], unwell["exit_code"]) == ("unhealthy", 3)
    assert unwell["reasons"][0].startswith("no start page answered (http://ci.china.com.cn/: ")
    (pending,) = told["pending_articles"]
    assert pending["url"] == ARTICLES[0].url
    assert told["newest_articles"][0]["title"] == HOSTILE
    assert told["held_by"] is None
    assert told["warc_bytes"] == sum(path.stat().st_size for path in (archive / "warc").glob("*.warc.gz"))
    assert 0 < told["database_bytes"] == (archive / "ciwen.sqlite").stat().st_size
    assert told["disk_free"] > 0


def test_articles_that_are_gone(archive: Path, tmp_path: Path) -> None:
    with changed(archive, tmp_path, "UPDATE articles SET state = 'gone' WHERE id LIKE '%43000002'") as made:
        told = facts(made)
        assert told["gone"] == 1
        assert [each["id"] for each in told["gone_articles"]] == ["china.com.cn:43000002"]
        assert "1 of them gone" in ciwen("status", archive=made).out


def test_report_that_is_lost_takes_its_reasons_along(archive: Path, tmp_path: Path) -> None:
    made = copy(archive, tmp_path)
    for path in (made / "runs").iterdir():
        path.unlink()
    assert [run["reasons"] for run in facts(made)["runs"]] == [[], []]


# --- A run that goes on, and one that died --------------------------------------------------------------------------


def test_run_that_goes_on_is_told_from_one_that_died(tmp_path: Path) -> None:
    with (
        Channel(channel_pages(ARTICLES)) as channel,
        channel.hold(ARTICLES[0].url) as hold,
        started("crawl", archive=tmp_path, channel=channel, at="2025-06-04T08:00:00Z") as run,
    ):
        hold.arrived()
        told = facts(tmp_path)
        assert told["held_by"]["process"] == run.pid
        assert (told["runs"][0]["outcome"], told["runs"][0]["is_running"]) == (None, True)
        shown = ciwen("status", archive=tmp_path).out
        assert re.search(r"^  2025-06-04 08:00:\S+Z  crawl   running$", shown, re.MULTILINE)
        assert f"process {run.pid} holds it, since 2025-06-04 08:00:" in shown
        run.kill()
    told = facts(tmp_path)
    assert (told["held_by"], told["runs"][0]["is_running"]) == (None, False)
    assert re.search(r"^  \S+ \S+Z  crawl   died$", ciwen("status", archive=tmp_path).out, re.MULTILINE)
    with Lock(tmp_path), closing(queries.opened(tmp_path)) as database:  # as `verify` holds it
        told = state(database, tmp_path)
        assert (told["held_by"]["process"], told["runs"][0]["is_running"]) == (os.getpid(), False)


def test_who_looks_never_takes_the_lock(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a crawl that begins in this moment would end with exit 4")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with closing(queries.opened(archive)) as database:
        assert state(database, archive)["held_by"] is None


@pytest.mark.parametrize("left", ["", "process 1, since 2025-06-04T08:00:00.000000Z\n", "process x\n", "\x00\xff"])
def test_lock_that_nobody_holds(tmp_path: Path, left: str) -> None:
    (tmp_path / ".lock").write_text(left)
    assert holder(tmp_path) is None


def test_holder_of_a_lock(tmp_path: Path) -> None:
    with Lock(tmp_path):
        found = holder(tmp_path)
        assert isinstance(found, Holder)
        assert found.process == os.getpid()
    assert holder(tmp_path) is None


# --- The picture ----------------------------------------------------------------------------------------------------


def test_picture(archive: Path) -> None:
    shown = ciwen("status", archive=archive).out
    assert re.search(r"^articles a month\n  2024-12  █+[▉-▏]?  1\n  2025-05  █{50,}  3\n", shown, re.MULTILINE)
    assert re.search(r"^  title +█ +100%  100%$", shown, re.MULTILINE)
    assert re.search(r"^  \S+ \S+Z  crawl   unhealthy \(exit 3\)\n    no start page answered", shown, re.MULTILINE)
    assert "1 article known of and not had, 1 of them to be tried again" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_picture_is_as_wide_as_the_terminal(archive: Path, columns: int) -> None:
    shown = ciwen("status", archive=archive, env={"COLUMNS": str(columns)}).out
    bars = [line for line in shown.splitlines() if "█" in line and "  2025-05" in line]
    assert [len(line) for line in bars] == [columns]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_picture_for_those_who_know_no_blocks(archive: Path, encoding: str) -> None:
    shown = ciwen("status", archive=archive, env={"PYTHONIOENCODING": encoding}).out
    assert shown.isascii()
    assert re.search(r"^  2025-05  #+  3$", shown, re.MULTILINE)


def test_colours_are_for_terminals_that_want_them(archive: Path) -> None:
    assert "\x1b[31munhealthy" in on_terminal("status", archive=archive)
    plain = on_terminal("status", archive=archive, env={"NO_COLOR": "1"})
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", plain)
    assert "unhealthy" in plain


def test_years_are_folded_where_there_are_more_months_than_can_be_shown() -> None:
    months = [{"month": f"{year}-{month:02}", "articles": month} for year in (2023, 2024) for month in range(1, 13)]
    years, shown = years_and_months(months, 18)
    assert years == {"2023": 78, "2024": 78}
    assert list(shown) == [each["month"] for each in months[-18:]]
    assert years_and_months(months[:18], 18)[0] == {}


def test_what_is_there_at_all_is_seen() -> None:
    for ink in (Ink(is_plain=True), Ink(is_plain=False)):
        assert ink.bar(0, 40) == ""
        assert len(ink.bar(0.0001, 40)) == 1
        assert len(ink.bar(1, 40)) == 40
        assert len(set(ink.sparkline([0, 0.5, 1]))) == 3
    assert ink_for("gbk").is_plain is False
    assert ink_for(None).is_plain is True


# --- The page -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(archive: Path) -> Path:
    """The page of the archive."""
    file = archive.parent / "state.html"
    ended = ciwen("status", "--html", file, archive=archive)
    assert (ended.out, ended.err) == ("", "")
    assert [path.name for path in archive.parent.iterdir() if path.suffix != ""] == ["state.html"]
    return file


def test_page_stands_alone(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    document = lxml.html.fromstring(text)
    assert not document.xpath("//script | //img | //iframe | //object | //base | //form | //*[@src]")
    assert [link.get("href") for link in document.xpath("//link")] == ["data:,"]
    assert not re.search(r"url\(|@import", document.xpath("string(//style)"))
    assert all(each.startswith("http://ci.china.com.cn/") for each in document.xpath("//a/@href"))
    assert not [name for element in document.iter() for name in element.attrib if name.startswith("on")]


def test_page_shows_what_pages_say_as_text(page: Path) -> None:
    document = lxml.html.fromstring(page.read_text(encoding="utf-8"))
    assert HOSTILE in [each.text_content() for each in document.xpath("//a")]
    assert "瓷闻天下" in document.xpath("string(//h1)")
    shown = document.text_content()
    assert "no start page answered" in shown
    assert ARTICLES[0].url in shown


def test_addresses_that_are_none_of_the_web_are_no_links(archive: Path, tmp_path: Path) -> None:
    with changed(archive, tmp_path, "UPDATE articles SET url = 'javascript:alert(1)'") as made:
        ciwen("status", "--html", tmp_path / "page.html", archive=made)
    document = lxml.html.fromstring((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert not [each for each in document.xpath("//@href") if "alert" in each]


def test_page_that_cannot_be_written_leaves_the_one_that_was(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("before", encoding="utf-8")
    refused = ciwen("status", "--html", tmp_path / "page.html" / "in.html", archive=archive, code=6)
    assert refused.err.count("\n") == 1
    program = Path(sys.executable).with_name("ciwen")
    line = f"trap '' XFSZ; ulimit -f 8; exec {program} status --html {tmp_path}/page.html --archive {archive}"
    ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert ended.returncode == 6, ended.stderr
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["before"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_is_legible_on_a_phone(page: Path, tmp_path: Path, scheme: str) -> None:
    asked: list[str] = []
    with chromium("http://127.0.0.1:9") as browser:
        tab = browser.new_page(viewport=PHONE, color_scheme=scheme)
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(page.as_uri())
        width = tab.evaluate("document.documentElement.scrollWidth")
        smallest = tab.evaluate(SMALLEST)
        tab.screenshot(path=tmp_path / "shown.png", full_page=True)
    assert width == PHONE["width"]
    assert smallest >= 13
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_empty_archive_has_a_page_too(tmp_path: Path) -> None:
    ciwen("crawl", archive=tmp_path / "archive", code=3)
    ciwen("status", "--html", tmp_path / "page.html", archive=tmp_path / "archive")
    assert "no start page answered" in (tmp_path / "page.html").read_text(encoding="utf-8")
