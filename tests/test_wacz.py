"""WACZ files are taken in like the WARC files in them, and what is whole of one that is not is not lost."""

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ciwen_crawler.errors import CannotWrite, UnreadableInput
from ciwen_crawler.store import upkeep
from ciwen_crawler.verify.verification import verify
from ciwen_crawler.wacz import contents
from fixtures.markup import Article
from tests.chronicle import Chronicle
from tests.database import select, tables
from tests.program import ciwen
from tests.test_replay import answer, content

Names = dict[str, bytes]


def warc(*numbers: int) -> bytes:
    """A plain WARC file of articles."""
    return b"".join(map(answer, numbers))


def wacz(path: Path, files: Names, packing: int = zipfile.ZIP_STORED) -> Path:
    """A WACZ by the standard: datapackage.json and the like, and the files given."""
    with zipfile.ZipFile(path, "w", packing) as file:
        file.writestr("datapackage.json", json.dumps({"profile": "data-package", "wacz_version": "1.1.1"}))
        file.writestr("pages/pages.jsonl", '{"format":"json-pages-1.0"}\n')
        for name, data in files.items():
            file.writestr(name, data)
    return path


def streamed(path: Path, files: Names, packing: int = zipfile.ZIP_STORED) -> Path:
    """The same from a program that cannot go back: sizes stand behind the data."""

    class OneWay(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.data += data
            return len(data)

    sink = OneWay()
    with zipfile.ZipFile(sink, "w", packing) as file:
        for name, data in files.items():
            file.writestr(name, data)
    path.write_bytes(sink.data)
    return path


def urls(archive: Path) -> set[str]:
    return {row["url"] for row in select(archive, "SELECT url FROM articles")}


def of(*numbers: int) -> set[str]:
    return {Article(43000000 + number, "").url for number in numbers}


# --- What it holds --------------------------------------------------------------------------------------------------


def test_our_own_package_gives_the_same_archive(chronicle: Chronicle, tmp_path: Path) -> None:
    package, archive = tmp_path / "channel.wacz", tmp_path / "archive"
    ciwen("export", "wacz", "-o", package, archive=chronicle.archive)
    ciwen("replay", package, archive=archive)
    found = tables(archive)
    assert content(found) == content(chronicle.after[-1])
    upkeep.rebuild(archive)
    assert tables(archive) == found
    assert verify(archive).findings == ()


def test_package_that_is_packed_once_more_and_streamed(chronicle: Chronicle, tmp_path: Path) -> None:
    files = {f"archive/{path.name}": path.read_bytes() for path in (chronicle.archive / "warc").glob("*.warc.gz")}
    archive = tmp_path / "archive"
    ciwen("replay", streamed(tmp_path / "channel.wacz", files, zipfile.ZIP_DEFLATED), archive=archive)
    assert content(tables(archive)) == content(chronicle.after[-1])


def test_warc_files_of_every_kind_and_depth_in_a_folder_of_waczs(tmp_path: Path) -> None:
    folder = tmp_path / "saved" / "deep"
    folder.mkdir(parents=True)
    files = {"archive/one.warc": warc(1), "archive/deep/TWO.WARC": warc(2), "indexes/index.cdx": b"no WARC"}
    wacz(folder / "first.wacz", files)
    wacz(folder / "SECOND.WACZ", {"archive/one.warc": warc(3), "logs/archive.warc": b"no WARC"})
    (folder / "beside.warc").write_bytes(warc(4))
    archive = tmp_path / "archive"
    ciwen("replay", tmp_path / "saved", archive=archive)
    assert urls(archive) == of(1, 2, 3, 4)
    ended = ciwen("replay", tmp_path / "saved", archive=archive)
    assert "0 taken in, 4 held already" in ended.out


def test_two_files_of_one_name_are_both_taken(tmp_path: Path) -> None:
    path = tmp_path / "twice.wacz"
    with zipfile.ZipFile(path, "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("archive/one.warc", warc(1))
        file.writestr("archive/one.warc", warc(2))
    archive = tmp_path / "archive"
    ciwen("replay", path, archive=archive)
    assert urls(archive) == of(1, 2)


def test_no_temporary_file_stays(tmp_path: Path) -> None:
    path = wacz(tmp_path / "x.wacz", {"archive/one.warc": warc(1), "archive/two.warc": warc(2)[:-100]})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    ciwen("replay", path, archive=tmp_path / "archive", code=2, env={"TMPDIR": str(temporary)})
    assert list(temporary.iterdir()) == []


# --- What goes wrong ------------------------------------------------------------------------------------------------

WHOLE = {"archive/1.warc": warc(1), "archive/2.warc": warc(2), "archive/3.warc": warc(3)}


def refused(tmp_path: Path, path: Path, kept: set[str]) -> str:
    """The one line of a replay that took what is whole of a WACZ, and of what stands beside it."""
    beside = tmp_path / "beside.warc"
    beside.write_bytes(warc(9))
    archive = tmp_path / "archive"
    ended = ciwen("replay", path, beside, archive=archive, code=2)
    assert urls(archive) == kept | of(9)
    (line,) = ended.err.splitlines()
    assert str(path) in line
    assert "/ciwen-" not in line, "names no temporary file"
    return line


def test_damage_in_one_warc_file_keeps_no_other_back(tmp_path: Path) -> None:
    files = WHOLE | {"archive/2.warc": warc(2, 4)[:-100]}
    path = wacz(tmp_path / "x.wacz", files)
    line = refused(tmp_path, path, of(1, 2, 3))
    assert f"{path}/archive/2.warc: cut short or damaged" in line


def test_flipped_byte_is_told_of(tmp_path: Path) -> None:
    """In a plain WARC file nothing but the ZIP's own checksum tells."""
    path = wacz(tmp_path / "x.wacz", WHOLE)
    data = path.read_bytes()
    path.write_bytes(data.replace("第2篇".encode(), "第7篇".encode(), 1))
    assert path.read_bytes() != data
    line = refused(tmp_path, path, of(1, 2, 3))
    assert f"{path}/archive/2.warc: damaged" in line


@pytest.mark.parametrize("write", [wacz, streamed])
@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_what_is_whole_before_a_cut_is_taken(
    tmp_path: Path, write: Callable[[Path, Names, int], Path], packing: int
) -> None:
    path = write(tmp_path / "x.wacz", WHOLE, packing)
    data = path.read_bytes()
    at = data.index(b"archive/3.warc")
    path.write_bytes(data[: at + len(data[at : data.index(b"PK\x01\x02")]) // 2])
    line = refused(tmp_path, path, of(1, 2))
    assert f"{path}: cut short or damaged" in line


@pytest.mark.parametrize("write", [wacz, streamed])
def test_directory_alone_lost_costs_nothing(tmp_path: Path, write: Callable[[Path, Names], Path]) -> None:
    path = write(tmp_path / "x.wacz", WHOLE)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"PK\x01\x02") + 10])
    assert "cut short or damaged" in refused(tmp_path, path, of(1, 2, 3))


@pytest.mark.parametrize("name", ["archive/../../2.warc", "/archive/2.warc", "../archive/2.warc", "archive/..\\2.warc"])
def test_path_to_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = wacz(tmp_path / "x.wacz", {"archive/1.warc": warc(1), name: warc(2)})
    assert "is a path to elsewhere" in refused(tmp_path, path, of(1))
    assert not (tmp_path.parent / "2.warc").exists()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"indexes/index.cdx": b""}, "no WARC file in its folder archive/"),
        ({"1.warc": warc(1)}, "no WARC file in its folder archive/"),
        ({"archive/": b""}, "no WARC file in its folder archive/"),
        ({"part.wacz": b"PK"}, "another WACZ file, part.wacz"),
        ({"archive/1.warc": b""}, "archive/1.warc: no WARC record"),
        ({"archive/1.warc": b"no WARC"}, "archive/1.warc: damaged, or no WARC file"),
    ],
)
def test_wacz_without_what_it_should_hold(tmp_path: Path, files: Names, told: str) -> None:
    assert told in refused(tmp_path, wacz(tmp_path / "x.wacz", files), set())


@pytest.mark.parametrize("data", [b"", b"PK", b"no ZIP file", b"PK\x03\x04" * 20, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_wacz(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.wacz"
    path.write_bytes(data)
    refused(tmp_path, path, set())


def test_encrypted_wacz(tmp_path: Path) -> None:
    path = wacz(tmp_path / "x.wacz", {"archive/1.warc": warc(1)})
    data = bytearray(path.read_bytes())
    at = data.index(b"archive/1.warc") - 30
    data[at + 6] |= 1
    listed = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)
    listed = data.index(b"archive/1.warc", listed) - 46
    data[listed + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refused(tmp_path, path, set())


def test_no_room_for_a_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (member,), _ = contents(wacz(tmp_path / "x.wacz", {"archive/1.warc": warc(1)}))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(CannotWrite, match="temporary"), member.unpacked():
        pass


@given(st.data())
def test_no_bytes_make_reading_fail(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut, flipped and filled anywhere: what can be had comes, or a line."""
    path = tmp_path_factory.mktemp("any") / "x.wacz"
    write = data.draw(st.sampled_from([wacz, streamed]))
    packing = data.draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    raw = bytearray(write(path, WHOLE, packing).read_bytes())
    for place, byte in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=8)):
        raw[place] = byte
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    try:
        members, _ = contents(path)
        for member in members:
            with member.unpacked() as file:
                assert file.stat().st_size <= 10 * len(raw) + 10_000
    except UnreadableInput as error:
        assert str(path) in str(error)
