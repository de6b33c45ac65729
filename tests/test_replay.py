"""Pages that were saved before become the same archive, whoever saved them and in whatever order they come."""

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from ciwen_crawler.saved import resource
from ciwen_crawler.store import upkeep
from ciwen_crawler.verify.verification import verify
from ciwen_crawler.warc.capturing import capture_of
from ciwen_crawler.warc.reader import parsed
from ciwen_crawler.warc.reader import records as read
from fixtures.markup import Article, channel_pages
from fixtures.server import Channel
from fixtures.site import CASES, HOME
from tests.cases import articles, cases
from tests.chronicle import Chronicle, copy, identity
from tests.chronicle import url as location
from tests.database import Rows, select, tables
from tests.faults import put_in
from tests.program import ciwen
from tests.records import found_in_file
from tests.tenfold import SmallFiles, Tenfold

HOST = "ci.china.com.cn"
# Where a record lies is all that may differ once it has been copied.
PLACE = ("warc_file", "warc_offset", "warc_length")


def warcs(archive: Path) -> list[Path]:
    return sorted((archive / "warc").glob("*.warc.gz"))


def content(found: dict[str, Rows]) -> dict[str, Rows]:
    """What a replay must give again: all but the replays themselves and where the records lie."""
    captures = [{name: value for name, value in row.items() if name not in PLACE} for row in found["captures"]]
    crawls = [row for row in found["crawls"] if row["mode"] == "crawl"]
    return found | {"captures": captures, "crawls": crawls}


# --- Our own WARC files ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def replayed(chronicle: Chronicle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chronicle's WARC files, replayed into an empty archive while its server listens."""
    archive = tmp_path_factory.mktemp("replayed") / "archive"
    with Channel() as channel:
        ciwen("replay", chronicle.archive / "warc", archive=archive, channel=channel)
        assert channel.requested() == []
    return archive


def test_replay_gives_the_same_archive(chronicle: Chronicle, replayed: Path) -> None:
    found, expected = content(tables(replayed)), content(chronicle.after[-1])
    for table in expected:
        assert found[table] == expected[table], table


def test_replay_is_told_of(chronicle: Chronicle, replayed: Path) -> None:
    (run,) = [row for row in tables(replayed)["crawls"] if row["mode"] == "replay"]
    assert (run["outcome"], run["exit_code"], run["channel"]) == ("done", 0, None)
    assert json.loads(run["stats"])["records"] == len(chronicle.after[-1]["captures"])


def test_every_record_was_copied(chronicle: Chronicle, replayed: Path) -> None:
    """Requests, reports and what describes a run too, each once, block for block."""
    assert records(replayed) >= records(chronicle.archive)
    assert len(ids(replayed)) == len(set(ids(replayed)))
    assert len(records(replayed)) == len(records(chronicle.archive)) + 2, "a warcinfo and a report of its own"


def ids(archive: Path) -> list[str]:
    return [record_id for record_id, _, _ in _records(archive)]


def records(archive: Path) -> set[tuple[str, str, bytes]]:
    return set(_records(archive))


def _records(archive: Path) -> Iterable[tuple[str, str, bytes]]:
    for path in warcs(archive):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, no_record_parse=True):
                header = record.rec_headers.get_header
                yield header("WARC-Record-ID"), header("WARC-Date"), record.raw_stream.read()


def test_replayed_archive_is_rebuilt_the_same(replayed: Path, tmp_path: Path) -> None:
    archive = copy(replayed, tmp_path)
    upkeep.rebuild(archive)
    assert tables(archive) == tables(replayed)


def test_replay_again_adds_nothing(chronicle: Chronicle, replayed: Path, tmp_path: Path) -> None:
    archive = copy(replayed, tmp_path)
    before = tables(archive)
    ended = ciwen("replay", *warcs(chronicle.archive), archive=archive)
    after = tables(archive)
    assert {name: rows for name, rows in after.items() if name != "crawls"} == {
        name: rows for name, rows in before.items() if name != "crawls"
    }
    assert f"0 taken in, {len(before['captures'])} held already" in ended.out


# --- In any order ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def by_run(chronicle: Chronicle, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The chronicle's records, a file for each of its five crawls. What is not modified refers to another file."""
    folder = tmp_path_factory.mktemp("by_run")
    files: list[Path] = []
    for path in warcs(chronicle.archive):
        for record in read(path):
            if record.type == "warcinfo":
                files.append(folder / f"{len(files)}.warc.gz")
            with files[-1].open("ab") as file:
                file.write(record.member())
    assert len(files) == len(chronicle.after)
    return files


@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (2, 0, 4, 1, 3)], ids=["backwards", "mixed"])
def test_files_in_another_order_give_the_same_versions(
    chronicle: Chronicle, by_run: list[Path], tmp_path: Path, order: list[int]
) -> None:
    ciwen("replay", *(by_run[number] for number in order), archive=tmp_path)
    found = tables(tmp_path)
    assert content(found) == content(chronicle.after[-1])
    upkeep.rebuild(tmp_path)
    assert tables(tmp_path) == found


def test_a_file_a_replay_backwards(chronicle: Chronicle, by_run: list[Path], tmp_path: Path) -> None:
    """Each replay settles what it can; revisits wait in the database for what they refer to."""
    for file in reversed(by_run):
        ciwen("replay", file, archive=tmp_path)
    found = tables(tmp_path)
    assert content(found) == content(chronicle.after[-1])
    upkeep.rebuild(tmp_path)
    assert tables(tmp_path) == found


def test_older_archive_into_a_newer_one(chronicle: Chronicle, by_run: list[Path], tmp_path: Path) -> None:
    """The newer half stands already, committed by another run; what comes late is folded in where it belongs."""
    files = by_run
    ciwen("replay", *files[2:], archive=tmp_path)
    alone = tables(tmp_path)
    assert identity("bare") in {row["id"] for row in alone["articles"]}
    assert identity("titled") not in {row["id"] for row in alone["articles"]}, "all that it was, it had been before"
    ended = ciwen("replay", *files[:2], archive=tmp_path)
    found = tables(tmp_path)
    assert content(found) == content(chronicle.after[-1])
    assert "older than what is held" in ended.out
    upkeep.rebuild(tmp_path)
    assert tables(tmp_path) == found


@pytest.mark.parametrize(("with_info", "report"), [(True, "first"), (False, "second")])
def test_crawl_in_two_files_taken_in_by_two_runs(
    chronicle: Chronicle, by_run: list[Path], tmp_path: Path, with_info: bool, report: str
) -> None:
    """The pages of one look lie in both; whichever file holds the crawl's report, it is one crawl again."""
    path, *_ = by_run
    info, *rest = ((record.type, record.field("WARC-Target-URI") or "", record.member()) for record in read(path))
    middle = next(place for place, (_, url, _) in enumerate(rest) if url == location("parted", 2))
    first, second = [member for *_, member in rest[:middle]], [member for *_, member in rest[middle:]]
    if report == "first":
        first.append(second.pop())
    (tmp_path / "1.warc.gz").write_bytes(b"".join([info[-1], *first]))
    (tmp_path / "2.warc.gz").write_bytes(b"".join([info[-1], *second] if with_info else second))
    archive = tmp_path / "archive"
    ciwen("replay", tmp_path / "1.warc.gz", archive=archive)
    assert identity("parted") not in {row["id"] for row in tables(archive)["articles"]}
    ciwen("replay", tmp_path / "2.warc.gz", archive=archive)
    found = tables(archive)
    assert content(found) == content(chronicle.after[0])
    upkeep.rebuild(archive)
    assert tables(archive) == found


def test_replay_into_an_archive_that_was_crawled(by_run: list[Path], tmp_path: Path) -> None:
    """The first crawl's pages come into the archive of a crawl that found the channel as it was later."""
    archive = tmp_path / "archive"
    first, *_ = by_run
    titled = Article(43000002, "titled: 今名", ("今文。",))
    with Channel(channel_pages([titled])) as channel:
        ciwen("crawl", archive=archive, channel=channel, code=3)
    ciwen("replay", first, archive=archive)
    versions = [row for row in tables(archive)["versions"] if row["article_id"] == identity("titled")]
    assert [(row["number"], row["title"]) for row in versions] == [(1, "titled: 开窑记 No.1"), (2, "titled: 今名")]
    assert versions[0]["captured_at"] < versions[1]["captured_at"]
    found = tables(archive)
    upkeep.rebuild(archive)
    assert tables(archive) == found


# --- Over several files ---------------------------------------------------------------------------------------------


def test_replay_that_fills_files(tenfold: Tenfold, tmp_path: Path) -> None:
    """Of an archive whose runs filled several, too: what its revisits say of places is true in none of the new ones."""
    archive = tmp_path / "archive"
    arguments, environment = put_in(SmallFiles)
    ciwen("replay", tenfold.archive / "warc", *arguments, archive=archive, env=environment)
    found = tables(archive)
    assert content(found) == content(tables(tenfold.archive))
    assert len(warcs(archive)) > 3
    for path in warcs(archive):
        there = [record for record in found_in_file(path) if record.type in ("request", "response", "revisit")]
        ids = {record.id for record in there}
        answered = {record.id for record in there if record.type != "request"}
        beside = [record.field("WARC-Concurrent-To") for record in there if record.type != "request"]
        assert set(beside) <= ids - answered, "an exchange lies in one file"
    upkeep.rebuild(archive)
    assert tables(archive) == found
    assert verify(archive).findings == ()


def test_files_of_runs_that_filled_several_backwards_and_each_by_itself(tenfold: Tenfold, tmp_path: Path) -> None:
    """A file may hold the middle of a run, its warcinfo that goes on with one that nobody has seen, and its report."""
    archive = tmp_path / "archive"
    expected = content(tables(tenfold.archive))
    for path in reversed(warcs(tenfold.archive)):
        ciwen("replay", path, archive=archive)
        found = tables(archive)
        known = {row["id"]: row for row in expected["crawls"]}
        for row in content(found)["crawls"]:
            same = ("started_at", "mode", "channel", "software", "warcinfo_id")
            assert [row[name] for name in same] == [known[row["id"]][name] for name in same]
        assert {row["crawl_id"] for row in found["captures"]} <= {row["id"] for row in found["crawls"]}
    assert content(found) == expected
    upkeep.rebuild(archive)
    assert tables(archive) == found
    assert verify(archive).findings == ()


def test_rebuild_of_what_is_left_of_a_run(tenfold: Tenfold, tmp_path: Path) -> None:
    """The file in which a run began is lost: the others tell of the run all the same."""
    archive = copy(tenfold.archive, tmp_path)
    rows = tables(archive)["crawls"]
    continued = next(path for path in warcs(archive) if b"ciwen-continues" in next(found_in_file(path)).block)
    before = max(path for path in warcs(archive) if path < continued)
    before.unlink()
    upkeep.rebuild(archive)
    crawl_id = next(line for line in next(found_in_file(continued)).block.decode().split("\r\n") if "isPartOf" in line)
    (row,) = [row for row in tables(archive)["crawls"] if row["id"] == crawl_id.removeprefix("isPartOf: ")]
    assert row in rows


# --- Saved pages ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled channel's pages, replayed as they lie in their folder."""
    archive = tmp_path_factory.mktemp("saved") / "archive"
    ciwen("replay", CASES, archive=archive)
    return archive


@pytest.mark.parametrize("name", [case.name for case in articles()])
def test_saved_page_is_archived_as_expected(saved: Path, name: str) -> None:
    expected = cases()[name].expected
    assert expected is not None
    (row,) = select(saved, "SELECT * FROM latest JOIN versions ON article_id = id WHERE id = ?", expected["id"])
    images = "SELECT position, url, alt, caption FROM images WHERE article_id = ? ORDER BY position"
    found = row | {"images": select(saved, images, expected["id"])}
    for field in ("breadcrumb", "keywords"):
        found[field] = json.loads(found[field] or "[]")
    assert {field: found[field] for field in expected} == expected
    assert (row["url"], row["version"]) == (cases()[name].url, 1)


def test_saved_pages_are_resources_of_their_moment(saved: Path) -> None:
    found = {row["url"]: row for row in tables(saved)["captures"]}
    assert set(found) == {case.url for case in cases().values()}
    for case in cases().values():
        row = found[case.url]
        assert (row["record_type"], row["status"]) == ("resource", None)
        assert row["fetched_at"] == case.fetched_at.replace("Z", ".000000Z")
        assert row["kind"] == ("article" if case.kind == "article" else "list")


def test_saved_twins_make_no_version(saved: Path) -> None:
    assert len(tables(saved)["versions"]) == len(articles())
    assert len(tables(saved)["quarantine"]) == 0


def test_saved_pages_again_add_nothing(saved: Path, tmp_path: Path) -> None:
    archive = copy(saved, tmp_path)
    ended = ciwen("replay", CASES / "seed.html", CASES, archive=archive)
    assert f"0 taken in, {len(cases()) + 1} held already" in ended.out
    before, after = tables(saved), tables(archive)
    assert after | {"crawls": []} == before | {"crawls": []}
    upkeep.rebuild(archive)
    assert tables(archive) == after


def test_saved_list_is_listed(saved: Path) -> None:
    listed = [row for row in tables(saved)["listings"] if row["list_url"] == HOME]
    assert [row["title"] for row in listed] == [title for _, title in cases()["home"].expected["links"]]  # type: ignore[index]


# --- Where a saved page is from, and when ---------------------------------------------------------------------------

URL = "http://ci.china.com.cn/2025-06/04/content_43000001.html"
PROPERTY = f"<!--enpproperty <articleid>43000001</articleid><url>{URL}</url>/enpproperty-->"
CANONICAL = f'<link rel="canonical" href="{URL}">'
SHARED = f'<input class="link_url" value="{URL}">'


def page(mark: str, body: str = "<p>开窑那天，全村人都来了。</p>") -> str:
    return (
        f"<!DOCTYPE html><html><head><meta charset=utf-8></head><body>{mark}<div class=content><h1>窑火</h1>"
        f"<div class=inform><p>2025-06-04 09:37</p></div><div class=article>{body}</div></div></body></html>"
    )


@pytest.mark.parametrize("mark", [PROPERTY, CANONICAL, SHARED], ids=["enpproperty", "canonical", "link_url"])
def test_page_says_itself_where_it_is_from(tmp_path: Path, mark: str) -> None:
    path = tmp_path / "第一页.html"
    path.write_text(page(mark), "utf-8")
    os.utime(path, (1749000000, 1749000000))
    record = resource(path, "info")
    assert record.field("WARC-Target-URI") == URL
    assert record.field("WARC-Date") == "2025-06-04T01:20:00.000000Z"
    assert record.block == path.read_bytes()


def test_page_that_says_nothing_is_named_after_itself(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(""), "utf-8")
    found = resource(path, "info").field("WARC-Target-URI")
    assert found == f"file:///page.html?sha256={hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_sidecar_wins_over_the_page(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(PROPERTY), "utf-8")
    other = "http://ci.china.com.cn/2025-06/05/content_43000002.html"
    told = {"url": other, "fetched_at": "2025-06-05T10:00:00.5+08:00", "note": "mine"}
    path.with_suffix(".json").write_text(json.dumps(told), "utf-8")
    record = resource(path, "info")
    assert record.field("WARC-Target-URI") == other
    assert record.field("WARC-Date") == "2025-06-05T02:00:00.500000Z"


def test_same_page_has_the_same_record_id_and_another_has_another(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(PROPERTY), "utf-8")
    os.utime(path, (1749000000, 1749000000))
    first = resource(path, "info")
    moved = tmp_path / "elsewhere" / "page.html"
    moved.parent.mkdir()
    shutil.copy2(path, moved)
    assert resource(moved, "other info").id == first.id
    os.utime(path, (1749000001, 1749000001))
    assert resource(path, "info").id != first.id


def test_page_of_nowhere_is_quarantined_or_archived_like_any_other(tmp_path: Path) -> None:
    """Without a sidecar: one says where it is from and holds nothing, one says nothing and is whole."""
    folder = tmp_path / "saved" / "deep"
    folder.mkdir(parents=True)
    (folder / "hollow.html").write_text(page(CANONICAL, ""), "utf-8")
    (folder / "nowhere.htm").write_text(page(""), "utf-8")
    archive = tmp_path / "archive"
    ciwen("replay", tmp_path / "saved", archive=archive)
    found = tables(archive)
    assert [(row["url"], row["reasons"]) for row in found["quarantine"]] == [(URL, '["body: absent"]')]
    (article,) = select(archive, "SELECT * FROM latest")
    assert (article["title"], article["published_at"]) == ("窑火", "2025-06-04T09:37:00+08:00")
    assert article["url"].startswith("file:///nowhere.htm?sha256=")
    assert article["id"].startswith("sha256:")


# --- WARC files of others' making -----------------------------------------------------------------------------------

FORMS = ("plain", "members", "one member")
SHAPES = ("whole", "chunked", "dechunked", "gzipped")
FOREIGN = {
    (form, shape): Article(43000001 + 10 * row + column, f"{form}的{shape}")
    for row, form in enumerate(FORMS)
    for column, shape in enumerate(SHAPES)
}
NAMES = {"plain": "plain.warc", "members": "members.warc.gz", "one member": "one.warc.gz"}


def warc_of(form: str) -> bytes:
    """What warcio writes of four articles: WARC/1.0, each response before its request."""
    buffer = io.BytesIO()
    writer = WARCWriter(buffer, gzip=form == "members", warc_version="1.0")
    info = writer.create_warcinfo_record(NAMES[form], {"software": "warcio", "isPartOf": f"crawl of {form}"})
    writer.write_record(info)
    belongs = {"WARC-Warcinfo-ID": info.rec_headers.get_header("WARC-Record-ID")}
    for shape in SHAPES:
        url, body = FOREIGN[form, shape].url, FOREIGN[form, shape].page().encode()
        headers, sent = _sent(shape, body)
        head = StatusAndHeaders("200 OK", [("Content-Type", "text/html"), *headers], protocol="HTTP/1.1")
        answer = writer.create_warc_record(
            url, "response", io.BytesIO(sent), len(sent), warc_headers_dict=dict(belongs), http_headers=head
        )
        line = StatusAndHeaders(f"GET {urlsplit(url).path} HTTP/1.1", [("Host", HOST)], is_http_request=True)
        request = writer.create_warc_record(url, "request", warc_headers_dict=dict(belongs), http_headers=line)
        writer.write_request_response_pair(request, answer)
    return gzip.compress(buffer.getvalue()) if form == "one member" else buffer.getvalue()


def _sent(shape: str, body: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """A body's headers and bytes as an archivist stores them; some take the chunks away and leave the header."""
    if shape == "chunked":
        return [("Transfer-Encoding", "chunked")], b"%x;a=b\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    if shape == "dechunked":
        return [("Transfer-Encoding", "chunked")], body
    if shape == "gzipped":
        return [("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")], gzip.compress(body)
    return [("Content-Length", str(len(body)))], body


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of three forms, replayed from one folder."""
    folder = tmp_path_factory.mktemp("foreign")
    for form, name in NAMES.items():
        (folder / name).write_bytes(warc_of(form))
    archive = folder / "archive"
    ciwen("replay", folder, archive=archive)
    return archive


@pytest.mark.parametrize(("form", "shape"), FOREIGN)
def test_article_of_a_foreign_warc(foreign: Path, form: str, shape: str) -> None:
    article = FOREIGN[form, shape]
    (row,) = select(foreign, "SELECT * FROM latest WHERE url = ?", article.url)
    assert (row["title"], row["body"]) == (article.title, "\n".join(article.paragraphs))
    assert (row["published_at"], row["source"]) == ("2025-06-04T16:35:12+08:00", article.source)


def test_captures_of_foreign_warcs(foreign: Path) -> None:
    captures = tables(foreign)["captures"]
    assert len(captures) == len(FOREIGN)
    assert {row["crawl_id"] for row in captures} == {f"crawl of {form}" for form in FORMS}
    assert {(row["kind"], row["status"], row["via"]) for row in captures} == {("article", 200, None)}


def test_foreign_warcs_are_rebuilt_the_same(foreign: Path, tmp_path: Path) -> None:
    archive = copy(foreign, tmp_path)
    upkeep.rebuild(archive)
    assert tables(archive) == tables(foreign)


@pytest.mark.skipif(not shutil.which("wget"), reason="wget is not installed")
def test_what_wget_archived(tmp_path: Path) -> None:
    with Channel() as channel:
        command = ["wget", "-nv", "-r", "-l", "5", "-P", tmp_path / "files", "-e", "robots=off"]
        command += ["--warc-file", tmp_path / "channel", HOME]
        environment = os.environ | {"http_proxy": channel.proxy, "https_proxy": channel.proxy, "no_proxy": ""}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode in (0, 4, 8), done.stderr  # 4 and 8: some links lead nowhere, as links do
    archive = tmp_path / "archive"
    ciwen("replay", tmp_path / "channel.warc.gz", archive=archive)
    found = {row["id"]: row for row in select(archive, "SELECT * FROM latest")}
    own = [case for case in articles() if urlsplit(case.url).hostname == HOST]
    for case in own:
        assert case.expected is not None
        row = found[case.expected["id"]]
        assert {name: row[name] for name in row.keys() & case.expected} == {
            name: case.expected[name] for name in row.keys() & case.expected
        }
        assert row["version"] == 1
    assert len(found) == len(own)
    assert {row["kind"] for row in tables(archive)["captures"]} >= {"article", "list", "image"}
    before = tables(archive)
    upkeep.rebuild(archive)
    assert tables(archive) == before


# --- Records that nobody should have written ------------------------------------------------------------------------


def odd(kind: str, number: int = 0, block: bytes = b"", **more: str | None) -> bytes:
    """A record as it lies in a plain WARC file; a field that is None is left out, names have `_` for `-`."""
    fields: dict[str, str | None] = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:00000000-0000-4000-8000-{len(kind):04d}{number:08d}>",
        "WARC-Date": f"2025-06-04T08:00:{number:02d}Z",
        "WARC-Target-URI": Article(43000000 + number, "").url,
        "Content-Type": "application/http",
        "Content-Length": str(len(block)),
    }
    fields |= {name.replace("_", "-"): value for name, value in more.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"


def answer(number: int, **more: str | None) -> bytes:
    page = Article(43000000 + number, f"第{number}篇").page().encode()
    return odd("response", number, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page, **more)


def question(number: int, **more: str | None) -> bytes:
    beside = f"<urn:uuid:00000000-0000-4000-8000-0008{number:08d}>"
    block = f"GET /{number} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    return odd("request", number, block, **({"WARC_Concurrent_To": beside} | more))


def replayed_from(folder: Path, *records: bytes, code: int = 0) -> dict[str, Rows]:
    """The tables after records in one plain file were replayed, and again, and after a rebuild: the same."""
    (folder / "odd.warc").write_bytes(b"".join(records))
    archive = folder / "archive"
    ciwen("replay", folder / "odd.warc", archive=archive, code=code)
    found, kept = tables(archive), foreign_blocks(archive)
    ciwen("replay", folder / "odd.warc", archive=archive, code=code)
    assert tables(archive) | {"crawls": []} == found | {"crawls": []}
    assert foreign_blocks(archive) == kept, "a repeat adds nothing"
    again = tables(archive)
    upkeep.rebuild(archive)
    assert tables(archive) == again
    return found


def foreign_blocks(archive: Path) -> list[bytes]:
    """The blocks of all records but those that describe our own runs, in their order."""
    return [block for *_, block in _records(archive) if b"ciwen-mode" not in block and b'"mode": "replay"' not in block]


def asked_and_answered(archive: Path) -> list[str]:
    """Who was asked for what, and which articles were the answers."""
    blocks = (block.decode() for block in foreign_blocks(archive))
    return [block.split()[1] if block.startswith("GET") else "answer" for block in blocks]


def test_what_is_empty_is_absent(tmp_path: Path) -> None:
    empty = {"WARC_Payload_Digest": "", "WARC_Truncated": ""}
    found = replayed_from(tmp_path, question(1, Ciwen_Via="", Ciwen_Kind=""), answer(1, **empty))
    (row,) = found["captures"]
    assert (row["via"], row["payload_digest"], row["truncated"], row["kind"]) == (None, None, None, "article")
    assert len(found["articles"]) == 1


@pytest.mark.parametrize(
    "lacking",
    [
        *({"WARC_Target_URI": None}, {"WARC_Target_URI": ""}, {"WARC_Target_URI": " <> "}),
        *({"WARC_Record_ID": None}, {"WARC_Record_ID": ""}, {"WARC_Record_ID": "<>"}),
        *(
            {"WARC_Date": None},
            {"WARC_Date": ""},
            {"WARC_Date": "yesterday"},
            {"WARC_Date": "2"},
            {"WARC_Date": "2025-13-01T00:00:00Z"},
        ),
    ],
    ids=lambda lacking: "{}: {}".format(*next(iter(lacking.items()))),
)
def test_record_of_which_nobody_knows_what_when_or_where_has_no_row(lacking: dict[str, str | None]) -> None:
    assert capture_of(parsed(answer(1)), None, "odd.warc") is not None
    assert capture_of(parsed(answer(1, **lacking)), None, "odd.warc") is None


def test_records_without_what_they_need_keep_no_other_back(tmp_path: Path) -> None:
    lacking = [{"WARC_Target_URI": None}, {"WARC_Record_ID": None}, {"WARC_Date": None}, {"WARC_Date": "yesterday"}]
    odd_ones = [answer(10 + number, **without) for number, without in enumerate(lacking)]
    found = replayed_from(tmp_path, *odd_ones, question(1), answer(1), *odd_ones, answer(2))
    assert [row["url"] for row in found["captures"]] == [Article(43000000 + number, "").url for number in (1, 2)]
    assert len(found["articles"]) == 2


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("2025-06-04T16:35:12+08:00", "2025-06-04T08:35:12.000000Z"),
        ("2025-06-04T08:35:12.5-00:30", "2025-06-04T09:05:12.500000Z"),
        ("2025-06-04T08:35:12.123456789Z", "2025-06-04T08:35:12.123456Z"),
        ("2025-06-04T08:35Z", "2025-06-04T08:35:00.000000Z"),
        ("2025", "2025-01-01T00:00:00.000000Z"),
    ],
)
def test_moment_of_a_record(date: str, moment: str) -> None:
    capture = capture_of(parsed(answer(1, WARC_Date=date)), None, "odd.warc")
    assert capture is not None
    assert capture.fetched_at == moment


def test_records_without_ids_stay_with_their_exchange(tmp_path: Path) -> None:
    """Two requests that wait for their answers at once, and an answer that comes before its request."""
    nameless = {"WARC_Record_ID": None}
    requests = [question(number, **nameless) for number in (1, 2)]
    found = replayed_from(tmp_path, *requests, answer(3), answer(1), answer(2), question(3, **nameless))
    assert len(found["captures"]) == len(found["articles"]) == 3
    assert asked_and_answered(tmp_path / "archive") == ["answer", "/1", "answer", "/2", "answer", "/3"]


def test_warcinfo_without_an_id_describes_nothing(tmp_path: Path) -> None:
    """Another file's records that name no warcinfo are not of its crawl, nor are those of a later run."""
    info = odd("warcinfo", block=b"isPartOf: somebody's crawl\r\n", WARC_Record_ID=None, WARC_Target_URI=None)
    found = replayed_from(tmp_path, info, question(1), answer(1))
    assert {row["crawl_id"] for row in found["captures"]} == {found["crawls"][0]["id"]}
    (tmp_path / "other.warc").write_bytes(answer(2))
    archive = tmp_path / "archive"
    ciwen("replay", tmp_path / "other.warc", archive=archive)
    found = tables(archive)
    upkeep.rebuild(archive)
    assert tables(archive) == found


@pytest.mark.parametrize("info", [None, "<urn:uuid:00000000-0000-4000-8000-000800000000>"], ids=["bare", "described"])
def test_whole_records_before_a_cut_are_all_archived(tmp_path: Path, info: str | None) -> None:
    of = {"WARC_Warcinfo_ID": info}
    opening = odd("warcinfo", block=b"isPartOf: one\r\n", WARC_Target_URI=None)
    records = [question(1, **of), answer(1, **of), question(2, **of), answer(2, **of)[:-200]]
    found = replayed_from(tmp_path, *([opening] if info else []), *records, code=2)
    assert [row["url"] for row in found["captures"]] == [Article(43000001, "").url]
    told = asked_and_answered(tmp_path / "archive")
    assert told[-3:] == ["/1", "answer", "/2"]
    assert len(told) == (4 if info else 3)


def test_whole_of_a_page_alone_is_the_first_page_of_its_version(tmp_path: Path) -> None:
    """The CMS's `_0` page holds all that lies on the pages that nobody has saved."""
    archive = tmp_path / "archive"
    ciwen("replay", CASES / "new_pager_0.html", archive=archive)
    (row,) = tables(archive)["version_captures"]
    assert (row["article_id"], row["version"], row["page"]) == (cases()["new_pager"].expected["id"], 1, 1)  # type: ignore[index]
    found = tables(archive)
    upkeep.rebuild(archive)
    assert tables(archive) == found


# --- What goes wrong ------------------------------------------------------------------------------------------------


def test_what_is_whole_is_taken_before_an_unreadable_source_is_told_of(tmp_path: Path) -> None:
    cut = tmp_path / "cut.warc.gz"
    cut.write_bytes(warc_of("members")[:-100])
    (tmp_path / "garbage.warc").write_bytes(b"no WARC at all")
    (tmp_path / "late.warc").write_bytes(warc_of("plain"))
    archive = tmp_path / "archive"
    files = [cut, tmp_path / "garbage.warc", tmp_path / "late.warc"]
    ended = ciwen("replay", *files, archive=archive, code=2)
    assert [line.partition(": ")[2].partition(":")[0] for line in ended.err.splitlines()] == [str(cut), str(files[1])]
    assert len(tables(archive)["articles"]) == len(FOREIGN) - len(SHAPES)
