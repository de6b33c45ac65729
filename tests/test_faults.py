"""What goes wrong around a run: disks, permissions, damage, pages that hurt, signals, mistakes of the program's own.

Each ends in one line and its exit code, and costs nothing that was archived.
"""

import errno
import json
import os
import random
import resource
import select as selecting
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ciwen_crawler.errors import SchemaMismatch, UnreadableInput, UsageError
from ciwen_crawler.store import queries, upkeep
from ciwen_crawler.store.state import state
from fixtures.markup import Article, channel_pages, list_page, list_url
from fixtures.page import Page
from fixtures.server import Channel
from fixtures.site import CASES, HOME
from tests.database import counts, select, tables
from tests.faults import MESSAGE, InCallback, InEnding, InKeeping, InStart, Pausing, put_in
from tests.pipes import opened_by_a_reader
from tests.program import PACE, PATIENCE, Ended, arguments_of, ciwen, ended, environment_of, scrapy, started
from tests.reader import as_a_reader, write_protected
from tests.weighed import MOST, weighed

CIWEN = Path(sys.executable).with_name("ciwen")
ARTICLES = [Article(number, f"第{number}篇") for number in range(43000001, 43000013)]
LAST = ARTICLES[-1].url
ROBOTS = f"{HOME}robots.txt"
NOISE = random.Random(7).randbytes(4096)
INTERRUPTED = "ciwen: interrupted: what was fetched is kept, the next run goes on\n"
CUT_OFF = "ciwen: interrupted: what was committed stays, the next run mends the rest\n"


@pytest.fixture
def channel() -> Iterator[Channel]:
    with Channel(channel_pages(ARTICLES)) as running:
        yield running


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of the channel, to be copied."""
    archive = tmp_path_factory.mktemp("archived") / "archive"
    with Channel(channel_pages(ARTICLES)) as channel:
        ciwen("crawl", archive=archive, channel=channel)
    return archive


@pytest.fixture
def archive(archived: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copytree(archived, tmp_path / "archive"))


def line(ended: Ended) -> str:
    """The one line on standard error, without who speaks."""
    assert ended.err.startswith("ciwen: ")
    assert ended.err.count("\n") == 1
    return ended.err.removeprefix("ciwen: ").rstrip("\n")


def outcomes(archive: Path) -> list[tuple[str, int]]:
    """How each run ended, by its row."""
    rows = select(archive, "SELECT outcome, exit_code FROM crawls ORDER BY id")
    return [(row["outcome"], row["exit_code"]) for row in rows]


def articles(archive: Path) -> int:
    return counts(archive)["articles"]


def is_at_rest(archive: Path) -> bool:
    """Whether nothing is left of a run but what stays."""
    left = [*archive.rglob("*.open"), *archive.glob("ciwen.sqlite?*")]
    return not left and not (archive / ".lock").read_bytes()


def assert_derivable(archive: Path) -> None:
    """Every row follows from the WARC files."""
    before = tables(archive)
    upkeep.rebuild(archive)
    assert tables(archive) == before


# --- The network ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://nonexistent.invalid/", "DNS lookup failed"),
        ("http://127.0.0.1:9/", "Connection was refused"),
    ],
)
def test_start_page_that_nobody_serves(tmp_path: Path, url: str, says: str) -> None:
    direct = {"http_proxy": "", "https_proxy": "", "no_proxy": "*"}
    ended = ciwen("crawl", "--start", url, archive=tmp_path, env=direct, code=3)
    assert line(ended).startswith(f"no start page answered ({url}: ")
    assert says in ended.err
    assert outcomes(tmp_path) == [("unhealthy", 3)]


# --- Places that cannot be written ----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["crawl", "replay"])
def test_archive_below_a_file(tmp_path: Path, channel: Channel, command: str) -> None:
    place = tmp_path / "file"
    place.write_text("mine", encoding="utf-8")
    arguments = [CASES] if command == "replay" else []
    ended = ciwen(command, *arguments, archive=place / "archive", channel=channel, code=6)
    advice = "(--archive names another place)"
    assert line(ended) == f"cannot write the archive {place / 'archive'}: {os.strerror(errno.ENOTDIR)} {advice}"
    assert not channel.requested()
    assert place.read_text(encoding="utf-8") == "mine"


def test_who_may_read_alone(archive: Path, channel: Channel) -> None:
    """Another user, to whom the folder's permissions apply, reads an archive at rest and writes nothing."""
    assert {path.stat().st_mode & 0o004 for path in archive.rglob("*")} == {0o004}, "others may read"
    before = tables(archive)
    with write_protected(archive):
        for command in (["status"], ["show", "43000001"]):
            assert not as_a_reader(*command, "--archive", archive).err
        for command in (["crawl", *PACE], ["rebuild"]):
            refused = as_a_reader(*command, "--archive", archive, channel=channel, code=6)
            assert line(refused).startswith(f"cannot write the archive {archive}: {os.strerror(errno.EACCES)} ")
    assert not channel.requested()
    assert tables(archive) == before


def test_who_may_not_even_read(archive: Path) -> None:
    with write_protected(archive, mode=0):
        for command in (["status"], ["rebuild"]):
            refused = as_a_reader(*command, "--archive", archive, code=2)
            assert line(refused).startswith(f"cannot read {archive}/")
            assert os.strerror(errno.EACCES) in refused.err


def test_sources_that_may_not_be_read(tmp_path: Path, archived: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "page.html").write_bytes((CASES / "plain.html").read_bytes())
    (warc,) = (archived / "warc").iterdir()
    shutil.copy(warc, mine / "channel.warc.gz")
    with write_protected(mine / "page.html", mode=0), write_protected(mine / "channel.warc.gz", mode=0):
        refused = as_a_reader("replay", mine, "--archive", tmp_path / "archive", code=2)
    told = [each.split(": ", 2)[1] for each in refused.err.splitlines()]
    assert told == [f"cannot read {mine / 'channel.warc.gz'}", f"cannot read {mine / 'page.html'}"]


def test_home_that_may_not_be_looked_into(tmp_path: Path, channel: Channel) -> None:
    """A service has no channels of its own, and crawls the bundled one."""
    (tmp_path / "home").mkdir(mode=0)
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "home" / "config")}
    line = ["crawl", "--dry-run", "--archive", tmp_path / "archive", *PACE]
    assert not as_a_reader(*line, channel=channel, env=environment).err


# --- A disk that is full --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bytes_a_file", "refused"),
    [(4096, "ciwen.sqlite"), (200_000, ".warc.gz.open")],
    ids=["before it begins", "in the middle"],
)
def test_disk_that_refuses(tmp_path: Path, bytes_a_file: int, refused: str) -> None:
    archive = tmp_path / "archive"
    with Channel() as channel:
        with started("crawl", archive=archive, channel=channel) as run:
            _allow(run, bytes_a_file)
            told = line(ended(run, 6))
        assert told.startswith(f"cannot write {archive}/")
        assert refused in told
        before = select(archive, "SELECT id FROM captures") if bytes_a_file > 4096 else []
        ciwen("crawl", archive=archive, channel=channel)
    assert {row["id"] for row in before} <= {row["id"] for row in select(archive, "SELECT id FROM captures")}
    assert articles(archive) == 40
    assert outcomes(archive)[-1] == ("done", 0)
    assert is_at_rest(archive)
    assert_derivable(archive)


def test_disk_that_refuses_a_rebuild(archive: Path) -> None:
    before = (archive / "ciwen.sqlite").read_bytes()
    with started("rebuild", archive=archive) as run:
        _allow(run, 4096)
        told = line(ended(run, 6))
    assert told.startswith(f"cannot write {archive / 'ciwen.sqlite'}")
    assert (archive / "ciwen.sqlite").read_bytes() == before
    assert is_at_rest(archive)


def test_disk_that_is_full(small_disk: Path, tmp_path: Path) -> None:
    archive = small_disk / "archive"
    with Channel() as channel:
        for _ in range(2):  # and still is
            told = line(ciwen("crawl", archive=archive, channel=channel, code=6))
            assert told.startswith(f"cannot write {archive}/")
            assert os.strerror(errno.ENOSPC) in told or "disk is full" in told
        assert ciwen("status", archive=archive).out.startswith(f"{archive}\n")
        larger = Path(shutil.copytree(archive, tmp_path / "archive"))
        ciwen("crawl", archive=larger, channel=channel)
    assert {row["id"] for row in tables(archive)["captures"]} <= {row["id"] for row in tables(larger)["captures"]}
    assert articles(larger) == 40
    assert_derivable(larger)


def _allow(process: subprocess.Popen[str], bytes_a_file: int) -> None:
    """Let a process write no file longer than that. Its error is then EFBIG; Python ignores the signal for it."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (bytes_a_file, bytes_a_file))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 700 KB, half of what the bundled channel needs."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not permitted here; RLIMIT_FSIZE stands in for it in the other tests")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


# --- Databases that are none ----------------------------------------------------------------------------------------


def _of_another_schema(path: Path) -> None:
    select_none = "UPDATE meta SET value = '99' WHERE key = 'schema_version'"
    subprocess.run([sys.executable, "-c", _SQL, path, select_none], check=True)


_SQL = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"


def _of_another_program(path: Path) -> None:
    path.unlink()
    subprocess.run([sys.executable, "-c", _SQL, path, "CREATE TABLE notes (text)"], check=True)


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 3)


def _garbled(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(NOISE * 100)


BROKEN_DATABASES: dict[str, Callable[[Path], object]] = {
    "another schema": _of_another_schema,
    "another program's": _of_another_program,
    "no database": lambda path: path.write_text("no database", encoding="utf-8"),
    "cut": _cut,
    "garbled": _garbled,
}


@pytest.mark.parametrize("broken", BROKEN_DATABASES)
def test_database_that_cannot_be_used_is_rebuilt(archive: Path, broken: str) -> None:
    path, before = archive / "ciwen.sqlite", tables(archive)
    BROKEN_DATABASES[broken](path)
    content = path.read_bytes()
    with pytest.raises(SchemaMismatch, match="`ciwen rebuild --archive "):
        state(queries.opened(archive), archive)
    with pytest.raises(SchemaMismatch, match="`ciwen rebuild --archive "):
        upkeep.up_to_date(archive)
    assert path.read_bytes() == content
    upkeep.rebuild(archive)
    assert tables(archive) == before


def test_database_of_another_schema_is_told_in_a_line(archive: Path, channel: Channel) -> None:
    _of_another_schema(archive / "ciwen.sqlite")
    for command in (["crawl"], ["crawl", "--dry-run"], ["status"]):
        refused = ciwen(*command, archive=archive, channel=channel, code=2)
        assert not refused.out
        assert line(refused).startswith(f"{archive / 'ciwen.sqlite'} has schema 99, not ")
        assert f": `ciwen rebuild --archive {archive}` makes it again from " in refused.err
    assert not channel.requested()
    assert ciwen("rebuild", archive=archive).out.startswith(f"{archive}\n  articles    {len(ARTICLES)} ")


def test_empty_file_in_the_place_of_the_database(archive: Path, channel: Channel) -> None:
    """SQLite takes it for a database without tables; the next run fills it."""
    before = tables(archive)
    (archive / "ciwen.sqlite").write_bytes(b"")
    with pytest.raises(SchemaMismatch, match="has no schema of Ciwen's: `ciwen rebuild "):
        queries.opened(archive)
    ciwen("crawl", "--max-articles", "1", archive=archive, channel=channel)
    after = tables(archive)
    assert after["versions"] == before["versions"]
    assert len(after["crawls"]) == 2


def test_folder_in_the_place_of_the_database(archive: Path) -> None:
    path, before = archive / "ciwen.sqlite", tables(archive)
    path.unlink()
    path.mkdir()
    for command in ("crawl", "rebuild"):
        assert line(ciwen(command, archive=archive, code=2)).startswith(f"{path} is a folder, not a database: move it")
    path.rmdir()
    with pytest.raises(UsageError, match=f"{archive} holds no database: `ciwen rebuild --archive {archive}` makes it"):
        queries.opened(archive)
    upkeep.rebuild(archive)
    assert tables(archive) == before


# --- Sources that cannot be read ------------------------------------------------------------------------------------


def test_each_bad_source_is_told_and_keeps_no_other_back(archived: Path, tmp_path: Path) -> None:
    (warc,) = (archived / "warc").iterdir()
    whole, page = warc.read_bytes(), (CASES / "plain.html").read_bytes()
    picture = next(CASES.parent.joinpath("images").glob("*.jpg")).read_bytes()
    files: dict[str, tuple[bytes, str | None]] = {
        "a.html": (page, None),
        "binary.html": (NOISE, "is no HTML page"),
        "blank.html": (b" \n", "is empty"),
        "cut.warc.gz": (whole[: len(whole) // 2], "cut short"),
        "empty.html": (b"", "is empty"),
        "empty.warc.gz": (b"", "no WARC record at byte 0"),
        "garbage.warc.gz": (NOISE, "damaged, or no WARC file"),
        "list-sidecar.html": (page, "cannot read"),
        "moment.html": (page, "cannot read"),
        "no-json.html": (page, "cannot read"),
        "picture.html": (picture, "is no HTML page"),
        "text.warc": (b"no WARC\r\n\r\n", "damaged, or no WARC file"),
        "url.html": (page, "cannot read"),
        "zone.html": (page, "cannot read"),
        "zz.html": ((CASES / "seed.html").read_bytes(), None),
    }
    sidecars = {
        "list-sidecar": "[]",
        "moment": '{"fetched_at": "yesterday"}',
        "no-json": "{url: 1}",
        "url": '{"url": "content_1.html"}',
        "zone": '{"fetched_at": "2025-06-04T12:00:00"}',
    }
    sources = tmp_path / "sources"
    sources.mkdir()
    for name, (content, _) in files.items():
        (sources / name).write_bytes(content)
    for name, content in sidecars.items():
        (sources / f"{name}.json").write_text(content, encoding="utf-8")
    (tmp_path / "pageless").mkdir()
    os.mkfifo(tmp_path / "pipe.html")
    others = [tmp_path / name for name in ("pageless", "missing", "pipe.html")]
    (tmp_path / "notes.txt").touch()

    archive = tmp_path / "archive"
    ended = ciwen("replay", sources, *others, tmp_path / "notes.txt", archive=archive, code=2)

    told = ended.err.splitlines()
    wanted = [(f"{sources / name}", says) for name, (_, says) in files.items() if says]
    wanted = [(name.replace(".html", ".json") if says == "cannot read" else name, says) for name, says in wanted]
    wanted += [(str(others[0]), "holds no .warc, "), (str(others[1]), "does not exist")]
    wanted += [(str(others[2]), "is no .warc, "), (str(tmp_path / "notes.txt"), "is no .warc, ")]
    assert len(told) == len(wanted)
    for each, (name, says) in zip(told, wanted, strict=True):
        assert each.startswith("ciwen: ")
        assert name in each
        assert says in each
    found = {row["id"] for row in tables(archive)["articles"]}
    assert found > {"china.com.cn:43135627", "china.com.cn:43000001"}
    assert outcomes(archive) == [("killed", None), ("input unreadable", 2)]  # the first came with what was cut
    assert is_at_rest(archive)
    assert_derivable(archive)


# --- Damage in the archive's own files ------------------------------------------------------------------------------


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, path.stat().st_size - 100),
    "flipped": _flip,
    "garbage behind": lambda path: path.write_bytes(path.read_bytes() + NOISE),
    "garbage alone": lambda path: path.write_bytes(NOISE),
    "emptied": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_of_the_archive_is_named(archive: Path, damage: str) -> None:
    (path,) = (archive / "warc").iterdir()
    DAMAGES[damage](path)
    database, warc = (archive / "ciwen.sqlite").read_bytes(), path.read_bytes()
    way_out = f"move it out of {archive / 'warc'}, `ciwen rebuild`, and `ciwen replay`"
    with pytest.raises(UnreadableInput, match=f"{path}: .+: {way_out}"):
        upkeep.rebuild(archive)
    assert (archive / "ciwen.sqlite").read_bytes() == database
    assert path.read_bytes() == warc
    assert [each.name for each in archive.glob("*.sqlite*")] == ["ciwen.sqlite"]


def test_way_out_of_damage(archive: Path, channel: Channel, tmp_path: Path) -> None:
    (path,) = (archive / "warc").iterdir()
    _flip(path)
    (archive / "ciwen.sqlite").unlink()
    for command in ("crawl", "rebuild"):
        refused = ciwen(command, archive=archive, channel=channel, code=2)
        assert not refused.out
        assert line(refused).startswith(f"{path}: ")
    assert not channel.requested()
    aside = Path(shutil.move(path, tmp_path))
    assert line(ciwen("replay", aside, archive=archive, code=2)).startswith(f"{aside}: ")
    kept = articles(archive)
    assert 0 < kept < len(ARTICLES)
    assert (
        f"{len(ARTICLES) - kept} new, 0 changed, {kept} unchanged"
        in ciwen("crawl", archive=archive, channel=channel).out
    )
    assert_derivable(archive)


# --- Pages that are none --------------------------------------------------------------------------------------------


class Monsters(NamedTuple):
    """A crawl of a channel of which half the pages are meant to hurt."""

    archive: Path
    ended: Ended
    peak: int  # bytes of memory


@pytest.fixture(scope="module")
def monsters(tmp_path_factory: pytest.TempPathFactory) -> Monsters:
    archive = tmp_path_factory.mktemp("monsters") / "archive"
    with Channel(channel_pages(ARTICLES)) as channel:
        places = iter(article.url for article in ARTICLES[: len(ARTICLES) // 2])
        long, bomb, deep, lines, interims, binary = places
        channel.answer(long, body=b"<html><p>" + 50_000_000 * b"x", headers=[("Content-Type", "text/html")])
        channel.send(bomb, _bomb())
        nested = "<div>" * 450_000 + "瓷" + "</div>" * 450_000
        channel.pages[deep] = ARTICLES[2].page().replace("<!--enpcontent-->", f"<!--enpcontent-->{nested}", 1)
        channel.send(lines, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000_000, then_close=True)
        channel.send(interims, b"HTTP/1.1 103 Early Hints\r\n\r\n" * 200_000, then_close=True)
        channel.pages[binary] = Page(NOISE * 20, "text/html")
        odd = "http://ci.china.com.cn/2025-06/04/about.html"
        links = [*(article.link for article in ARTICLES), (list_url(), "自己"), (odd, "没有编号")]
        channel.pages[list_url()] = list_page(links)
        line = [CIWEN, *arguments_of("crawl", archive=archive, pace=PACE)]
        run = weighed(line, environment_of(channel))
    return Monsters(archive, Ended(run.code, run.out, run.err), run.peak)


def _bomb() -> bytes:
    """A page of 4 GB in a message of 4 MB."""
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = coder.compress(b"a" * 1_000_000) + coder.flush(zlib.Z_FULL_FLUSH)  # stands for itself wherever it is
    body = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * 4000
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def test_monsters_are_counted_and_the_rest_archived(monsters: Monsters) -> None:
    assert (monsters.ended.code, monsters.ended.err) == (0, "")
    assert articles(monsters.archive) == len(ARTICLES) // 2
    stats = json.loads(select(monsters.archive, "SELECT stats FROM crawls")[0]["stats"])
    assert (stats["oversized"], stats["failed"], stats["without_id"]) == (5, 1, 1)
    assert stats["lists"] == 2


def test_monsters_take_no_more_memory_than_is_bounded(monsters: Monsters) -> None:
    assert 0 < monsters.peak < MOST


def test_monsters_are_kept_and_read_again_the_same(monsters: Monsters) -> None:
    asked = {row["url"] for row in select(monsters.archive, "SELECT url FROM captures WHERE kind = 'article'")}
    assert {article.url for article in ARTICLES} - asked == {ARTICLES[4].url}, "no answer ever came"
    assert_derivable(monsters.archive)


# --- Signals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("url", [ROBOTS, LAST], ids=["before the first page", "in the middle"])
def test_signal_ends_a_crawl_in_order(tmp_path: Path, channel: Channel, number: signal.Signals, url: str) -> None:
    with channel.hold(url) as hold, started("crawl", archive=tmp_path, channel=channel) as run:
        hold.arrived()
        run.send_signal(number)
        hold.release()
        assert ended(run, 130).err == INTERRUPTED
    assert outcomes(tmp_path) == [("interrupted", 130)]
    assert is_at_rest(tmp_path)
    (report,) = (tmp_path / "runs").iterdir()
    assert json.loads(report.read_text(encoding="utf-8"))["outcome"] == "interrupted"
    kept = {row["url"] for row in select(tmp_path, "SELECT url FROM captures")}
    assert kept >= {entry.url for entry in channel.log if entry.ended and entry.status == 200}
    if url == ROBOTS:
        assert articles(tmp_path) == 0
    if (url, number) != (LAST, signal.SIGINT):
        return
    channel.restore(url)
    ciwen("crawl", archive=tmp_path, channel=channel)
    assert articles(tmp_path) == len(ARTICLES)
    assert_derivable(tmp_path)


def test_second_signal_waits_for_no_answer(tmp_path: Path, channel: Channel) -> None:
    with channel.hold(LAST) as hold, started("crawl", archive=tmp_path, channel=channel) as run:
        hold.arrived()
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGTERM)
        assert ended(run, 130).err == "ciwen: interrupted at once: what was fetched is kept, the next run reads it\n"
    before = tables(tmp_path)
    channel.restore(LAST)
    ciwen("crawl", archive=tmp_path, channel=channel)
    assert outcomes(tmp_path) == [("killed", None), ("done", 0)]
    assert articles(tmp_path) == len(ARTICLES)
    assert is_at_rest(tmp_path)
    assert [row for row in before["captures"] if row not in tables(tmp_path)["captures"]] == []
    assert_derivable(tmp_path)


def test_signal_ends_scrapy_crawl_with_the_same_code(tmp_path: Path, channel: Channel) -> None:
    script = [CIWEN.with_name("scrapy"), "crawl", "ciwen", "--nolog", "-s", f"CIWEN_ARCHIVE={tmp_path}", *PACE]
    environment = os.environ | {"http_proxy": channel.proxy, "no_proxy": ""}
    root = Path(__file__).resolve().parent.parent
    with (
        channel.hold(LAST) as hold,
        subprocess.Popen(script, cwd=root, env=environment, stderr=subprocess.PIPE, text=True) as run,
    ):
        hold.arrived()
        run.send_signal(signal.SIGTERM)
        hold.release()
        _, err = run.communicate()
    assert (run.returncode, err) == (130, INTERRUPTED)
    assert outcomes(tmp_path) == [("interrupted", 130)]


def test_signal_ends_a_replay_between_two_articles(archived: Path, tmp_path: Path) -> None:
    archive, pipe = tmp_path / "archive", tmp_path / "pipe"
    os.mkfifo(pipe)
    arguments, environment = put_in(Pausing, pipe)
    with started("replay", archived, *arguments, archive=archive, env=environment) as run:
        writing = opened_by_a_reader(pipe)
        run.send_signal(signal.SIGINT)
        os.close(writing)
        assert ended(run, 130).err == INTERRUPTED
    assert outcomes(archive)[-1] == ("interrupted", 130)
    assert 3 <= articles(archive) < len(ARTICLES)
    assert is_at_rest(archive)
    assert_derivable(archive)
    ciwen("replay", archived, archive=archive)
    assert tables(archive)["versions"] == tables(archived)["versions"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_signal_ends_a_rebuild_and_leaves_the_database(archive: Path, number: signal.Signals) -> None:
    before = (archive / "ciwen.sqlite").read_bytes()
    pipe = archive / "warc" / "zz.warc.gz"
    os.mkfifo(pipe)
    with started("rebuild", "--jobs", 1, archive=archive) as run:
        writing = opened_by_a_reader(pipe)
        run.send_signal(number)
        assert ended(run, 130).err == CUT_OFF
        os.close(writing)
    pipe.unlink()
    assert (archive / "ciwen.sqlite").read_bytes() == before
    assert not (archive / "ciwen.sqlite.new").exists()
    assert f"{len(ARTICLES)} in " in ciwen("rebuild", archive=archive).out


def test_signal_ends_a_crawl_that_still_brings_its_archive_up_to_date(archive: Path, channel: Channel) -> None:
    before = tables(archive)
    (archive / "ciwen.sqlite").unlink()
    pipe = archive / "warc" / "zz.warc.gz"
    os.mkfifo(pipe)
    with started("crawl", archive=archive, channel=channel) as run:
        writing = opened_by_a_reader(pipe)
        run.send_signal(signal.SIGINT)
        assert ended(run, 130).err == CUT_OFF
        os.close(writing)
    pipe.unlink()
    assert not channel.requested()
    assert not list(archive.rglob("*.open"))
    upkeep.rebuild(archive)
    assert tables(archive) == before


# --- Processes that read beside the one that writes -----------------------------------------------------------------


class Rebuilding(NamedTuple):
    """A rebuild in two processes, one of which waits for a pipe."""

    run: subprocess.Popen[str]
    archive: Path
    writing: int  # the pipe's other end
    workers: list[int]


@pytest.fixture
def rebuilding(archive: Path) -> Iterator[Rebuilding]:
    pipe = archive / "warc" / "zz.warc.gz"
    os.mkfifo(pipe)
    with started("rebuild", "--jobs", 2, archive=archive) as run:
        writing = opened_by_a_reader(pipe)
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        found = [int(each) for each in children.read_text(encoding="ascii").split()]
        workers = [each for each in found if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]
        assert len(workers) == 2
        yield Rebuilding(run, archive, writing, workers)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_signal_to_all_processes_is_answered_by_one_alone(rebuilding: Rebuilding, number: signal.Signals) -> None:
    """A terminal sends Ctrl-C to all of them, and what ends a service its SIGTERM."""
    for process in (*rebuilding.workers, rebuilding.run.pid):
        os.kill(process, number)
    assert ended(rebuilding.run, 130).err == CUT_OFF
    assert not any(Path(f"/proc/{process}").exists() for process in rebuilding.workers)
    assert not (rebuilding.archive / "ciwen.sqlite.new").exists()


def test_worker_that_is_killed(rebuilding: Rebuilding) -> None:
    before = tables(rebuilding.archive)
    for process in rebuilding.workers:
        os.kill(process, signal.SIGKILL)
    told = line(ended(rebuilding.run, 1))
    assert told == "a process that read records was killed: `--jobs 1` needs the least memory"
    assert tables(rebuilding.archive) == before
    assert not (rebuilding.archive / "ciwen.sqlite.new").exists()


def test_workers_end_with_a_parent_that_is_killed(rebuilding: Rebuilding) -> None:
    handles = [os.pidfd_open(process) for process in rebuilding.workers]
    rebuilding.run.kill()
    rebuilding.run.wait()
    os.close(rebuilding.writing)
    for handle in handles:
        assert selecting.select([handle], [], [], PATIENCE)[0], "a worker goes on for ever"
        os.close(handle)


# --- Mistakes of the program's own ----------------------------------------------------------------------------------


def test_callback_that_raises(tmp_path: Path, channel: Channel) -> None:
    arguments, environment = put_in(InCallback, "content_43000003")
    found = ciwen("crawl", *arguments, archive=tmp_path, channel=channel, env=environment, code=1)
    assert line(found) == f"{ARTICLES[2].url}: ValueError('{MESSAGE}')"
    assert outcomes(tmp_path) == [("fault", 1)]
    assert articles(tmp_path) == len(ARTICLES) - 1
    assert select(tmp_path, "SELECT url FROM captures WHERE url = ?", ARTICLES[2].url)
    assert is_at_rest(tmp_path)
    upkeep.rebuild(tmp_path)
    assert articles(tmp_path) == len(ARTICLES), "its bytes are kept, so it is read once it can be"


def test_start_that_raises(tmp_path: Path, channel: Channel) -> None:
    arguments, environment = put_in(InStart)
    found = ciwen("crawl", *arguments, archive=tmp_path, channel=channel, env=environment, code=1)
    assert line(found) == f"ciwen: ValueError('{MESSAGE}')"
    assert outcomes(tmp_path) == [("fault", 1)]


def test_exchange_that_cannot_be_kept_is_no_failed_request(tmp_path: Path, channel: Channel) -> None:
    arguments, environment = put_in(InKeeping, "content_43000003")
    found = ciwen("crawl", *arguments, archive=tmp_path, channel=channel, env=environment, code=1)
    assert line(found) == f"archive: ValueError('{MESSAGE}')"
    assert articles(tmp_path) == len(ARTICLES) - 1
    assert is_at_rest(tmp_path)


def test_end_that_fails_is_no_interruption(tmp_path: Path, channel: Channel) -> None:
    arguments, environment = put_in(InEnding)
    found = ciwen("crawl", *arguments, archive=tmp_path, channel=channel, env=environment, code=1)
    assert line(found) == f"archive: ValueError('{MESSAGE}')"
    ciwen("crawl", archive=tmp_path, channel=channel)
    assert articles(tmp_path) == len(ARTICLES)
    assert outcomes(tmp_path) == [("killed", None), ("done", 0)]
    assert_derivable(tmp_path)


def test_scrapy_crawl_has_the_same_codes(tmp_path: Path, channel: Channel) -> None:
    arguments, environment = put_in(InCallback, "node_")
    line = ["crawl", "ciwen", "-s", f"CIWEN_ARCHIVE={tmp_path}", *PACE, *arguments, "--nolog"]
    found = scrapy(*line, channel=channel, env=environment, code=1)
    assert found.err == f"ciwen: {list_url()}: ValueError('{MESSAGE}')\n"
    unknown = scrapy("crawl", "ciwen", "-a", "channel=nosuch", "--nolog", channel=channel, code=2)
    assert unknown.err.startswith("ciwen: unknown channel 'nosuch': ")


# --- When several things hold ---------------------------------------------------------------------------------------


def test_a_disk_that_refuses_is_graver_than_a_signal(tmp_path: Path, channel: Channel) -> None:
    with channel.hold(LAST) as hold, started("crawl", archive=tmp_path, channel=channel) as run:
        hold.arrived()
        run.send_signal(signal.SIGINT)
        _allow(run, 1)
        hold.release()
        assert line(ended(run, 6)).startswith("cannot write ")


def test_a_signal_is_graver_than_a_mistake(tmp_path: Path, channel: Channel) -> None:
    arguments, environment = put_in(InCallback, HOME)
    line = ["crawl", "--start", HOME, "--start", LAST, *arguments]
    with (
        channel.hold(LAST) as hold,
        started(*line, archive=tmp_path, channel=channel, env=environment) as run,
    ):
        hold.arrived()
        run.send_signal(signal.SIGINT)
        hold.release()
        assert ended(run, 130).err == INTERRUPTED
    assert outcomes(tmp_path) == [("interrupted", 130)]


def test_a_mistake_is_graver_than_poor_health(tmp_path: Path, channel: Channel) -> None:
    arguments, environment = put_in(InCallback, "")
    found = ciwen("crawl", *arguments, archive=tmp_path, channel=channel, env=environment, code=1)
    assert line(found) == f"{HOME}: ValueError('{MESSAGE}')"
