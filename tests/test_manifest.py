"""The manifest of an archive's WARC files, as sha256sum reads and writes it."""

import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ciwen_crawler.errors import CannotWrite, UnreadableInput
from ciwen_crawler.warc.manifest import MANIFEST, Manifest, parsed, written

FILES = {
    "ciwen-20250604083512123-00001-host.warc.gz": b"a",
    "ciwen-20250604083512123-00002-host.warc.gz": b"",
    "瓷 \\ of another\nmake.warc.gz": b"c" * 300_000,
    " *.warc.gz": b"d",
}
DIGESTS = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
A, B = "a" * 64, "b" * 64


def sha256sum(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program itself, in a folder."""
    return subprocess.run(["sha256sum", *arguments], cwd=folder, capture_output=True, text=True)


def folder_of(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with those files."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def read(folder: Path, text: str | bytes) -> Manifest:
    """The manifest that a text is."""
    (folder / MANIFEST).write_bytes(text.encode() if isinstance(text, str) else text)
    return Manifest(folder)


def test_sha256sum_finds_every_file_as_its_line_says(tmp_path: Path) -> None:
    folder_of(tmp_path, FILES)
    Manifest(tmp_path).add_files(tmp_path / name for name in FILES)
    assert Manifest(tmp_path).digests == DIGESTS
    checked = sha256sum(tmp_path, "--check", "--strict", MANIFEST)
    assert (checked.returncode, checked.stdout.count(": OK")) == (0, len(FILES)), checked.stderr
    (tmp_path / " *.warc.gz").write_bytes(b"D")
    assert sha256sum(tmp_path, "--check", "--strict", MANIFEST).returncode == 1


def test_a_manifest_is_what_sha256sum_prints(tmp_path: Path) -> None:
    folder_of(tmp_path, FILES)
    printed = sha256sum(tmp_path, *FILES).stdout
    Manifest(tmp_path).add_files(tmp_path / name for name in FILES)
    assert (tmp_path / MANIFEST).read_text() == printed


@pytest.mark.parametrize("option", ["--text", "--binary"])
def test_what_sha256sum_prints_is_read(tmp_path: Path, option: str) -> None:
    folder_of(tmp_path, FILES)
    manifest = read(tmp_path, sha256sum(tmp_path, option, *FILES).stdout)
    assert (manifest.digests, manifest.faults) == (DIGESTS, [])


def test_a_file_gets_its_line_once(tmp_path: Path) -> None:
    manifest = Manifest(folder_of(tmp_path, FILES))
    first, *others = sorted(FILES)
    manifest.add_files([tmp_path / first])
    (tmp_path / first).write_bytes(b"changed")
    manifest.add_files([tmp_path / name for name in sorted(FILES)])
    assert manifest.digests == Manifest(tmp_path).digests == DIGESTS
    before = (tmp_path / MANIFEST).stat()
    manifest.add_files([tmp_path / name for name in others])
    assert (tmp_path / MANIFEST).stat() == before  # nothing to say is nothing to write


def test_no_manifest_and_an_empty_one_have_no_lines(tmp_path: Path) -> None:
    for manifest in (Manifest(tmp_path), Manifest(tmp_path / "warc"), read(tmp_path, "")):
        assert (manifest.digests, manifest.faults) == ({}, [])


@pytest.mark.parametrize("length", range(1, 64 + 2 + len("b-1.warc.gz")))
def test_a_last_line_that_was_cut_short_gives_way_to_the_next(tmp_path: Path, length: int) -> None:
    manifest = read(tmp_path, f"{A}  a.warc.gz\n" + f"{B}  b-1.warc.gz"[:length])
    assert (manifest.digests, manifest.faults) == ({"a.warc.gz": A}, [2])
    manifest.add({"c.warc.gz": B})
    assert manifest.faults == []
    assert (tmp_path / MANIFEST).read_text() == f"{A}  a.warc.gz\n{B}  c.warc.gz\n"


def test_a_last_line_that_lacks_its_end_alone_is_a_line(tmp_path: Path) -> None:
    manifest = read(tmp_path, f"{A}  a.warc.gz\n{B}  b.warc.gz")
    assert (manifest.digests, manifest.faults) == ({"a.warc.gz": A, "b.warc.gz": B}, [])
    manifest.add({"c.warc.gz": B})
    assert (tmp_path / MANIFEST).read_text() == f"{A}  a.warc.gz\n{B}  b.warc.gz\n{B}  c.warc.gz\n"


@pytest.mark.parametrize(
    "line",
    ["", "x", f"{A[1:]}  b.warc.gz", f"{A}x  b.warc.gz", f"{A} b.warc.gz", f"{A}  ", f"\\{A}  b\\x.warc.gz"],
)
def test_a_line_that_says_nothing_is_told_and_kept(tmp_path: Path, line: str) -> None:
    text = f"# of the year 2025\n{A}  a.warc.gz\n{line}\n{B}  c.warc.gz\n"
    manifest = read(tmp_path, text)
    assert (manifest.digests, manifest.faults) == ({"a.warc.gz": A, "c.warc.gz": B}, [3])
    manifest.add({"d.warc.gz": A})
    assert (tmp_path / MANIFEST).read_text() == text + f"{A}  d.warc.gz\n"
    assert manifest.faults == Manifest(tmp_path).faults == [3]


def test_the_first_line_of_a_file_holds(tmp_path: Path) -> None:
    manifest = read(tmp_path, f"{A}  a.warc.gz\n{A.upper()} *a.warc.gz\n{B}  a.warc.gz\n")
    assert (manifest.digests, manifest.faults) == ({"a.warc.gz": A}, [3])


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).mkdir()
    with pytest.raises(UnreadableInput, match=f"cannot read {tmp_path}/{MANIFEST}: Is a directory"):
        Manifest(tmp_path)


def test_a_manifest_that_cannot_be_written_stays_as_it_was(tmp_path: Path) -> None:
    manifest = read(tmp_path, f"{A}  a.warc.gz\n")
    (tmp_path / (MANIFEST + ".new")).mkdir()
    with pytest.raises(CannotWrite, match=f"cannot write {tmp_path}/{MANIFEST}: Is a directory"):
        manifest.add({"b.warc.gz": B})
    assert manifest.digests == Manifest(tmp_path).digests == {"a.warc.gz": A}


def test_a_file_that_cannot_be_read_gets_no_line(tmp_path: Path) -> None:
    (tmp_path / "a.warc.gz").mkdir()
    with pytest.raises(UnreadableInput, match=r"cannot read .*/a\.warc\.gz: Is a directory"):
        Manifest(tmp_path).add_files([tmp_path / "a.warc.gz"])
    assert not (tmp_path / MANIFEST).exists()


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1) | st.text(
    "\\n\r\n *a", min_size=1
)


@given(NAMES, st.binary(max_size=3))
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read(name: str, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    assert "\n" not in written(name, digest)
    assert parsed(written(name, digest)) == (name, digest)


@given(st.lists(st.binary(max_size=90) | st.sampled_from([f"{A}  a.warc.gz".encode(), b"\\" + A.encode()])))
@example([b"\xff", b"\x85"])
@settings(max_examples=200, deadline=None)
def test_no_bytes_are_lost_and_none_fail(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    folder = tmp_path_factory.mktemp("warc")
    data = b"".join(line + b"\n" for line in lines)
    manifest = read(folder, data)
    assert all(1 <= fault <= data.count(b"\n") for fault in manifest.faults)
    manifest.add({"z.warc.gz": B})
    assert (folder / MANIFEST).read_bytes() == data + f"{B}  z.warc.gz\n".encode()
