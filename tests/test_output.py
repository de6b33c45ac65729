"""Where `ciwen export` writes: a file is whole or not there, who reads may leave early, and what cannot be is told."""

import io
import os
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from ciwen_crawler.exports.output import opened
from fixtures.server import Channel
from tests.program import Ended, ciwen

CIWEN = str(Path(sys.executable).with_name("ciwen"))


@pytest.fixture(scope="module")
def archive(shared_channel: Channel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archived") / "archive"
    ciwen("crawl", archive=folder, channel=shared_channel)
    return folder


def told(ended: Ended) -> str:
    """The one line on standard error; nothing else was printed."""
    assert not ended.out
    assert ended.err.count("\n") == 1
    return ended.err.removeprefix("ciwen: ").rstrip("\n")


def test_a_file_is_put_in_the_place_of_the_one_before(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "index.cdxj").write_text("old")
    (tmp_path / "link.cdxj").symlink_to("index.cdxj")
    ciwen("export", "cdxj", "-o", tmp_path / "link.cdxj", archive=archive)
    assert {path.name for path in tmp_path.iterdir()} == {"index.cdxj", "link.cdxj"}
    assert (tmp_path / "link.cdxj").is_symlink()
    printed = ciwen("export", "cdxj", archive=archive)
    assert (
        (tmp_path / "index.cdxj").read_text() == printed.out == ciwen("export", "cdxj", "-o", "-", archive=archive).out
    )
    assert printed.out.startswith("cn,china,images)/")
    assert printed.err == ""


def test_what_a_file_came_to_is_told(archive: Path, tmp_path: Path) -> None:
    packed = ciwen("export", "wacz", "-o", tmp_path / "x.wacz", archive=archive)
    assert re.fullmatch(r"\S+/x\.wacz: \d+ captures, \d+ pages, \d+ KB", told(packed))
    indexed = ciwen("export", "cdxj", "-o", tmp_path / "x.cdxj", archive=archive)
    assert re.fullmatch(r"\S+/x\.cdxj: \d+ captures, \d+ KB", told(indexed))
    assert ciwen("export", "cdxj", "--quiet", "-o", tmp_path / "x.cdxj", archive=archive).err == ""


@pytest.mark.parametrize("form", ["cdxj", "wacz"])
def test_a_full_disk_leaves_the_file_before(archive: Path, tmp_path: Path, form: str) -> None:
    (tmp_path / "out").write_text("old")
    command = f"ulimit -f 4; exec {CIWEN} export {form} -o {tmp_path / 'out'} --archive {archive}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 6
    assert done.stderr == f"ciwen: cannot write {tmp_path / 'out'}: File too large\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_text() == "old"


@pytest.mark.parametrize("form", ["cdxj", "wacz"])
def test_a_full_disk_under_standard_output(archive: Path, form: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([CIWEN, "export", form, "--archive", archive], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 6
    assert done.stderr == b"ciwen: cannot write standard output: No space left on device\n"


@pytest.mark.parametrize("form", ["cdxj", "wacz"])
def test_a_reader_that_has_enough_is_no_fault(archive: Path, form: str) -> None:
    command = [CIWEN, "export", form, "--archive", archive]
    ours, theirs = os.pipe()
    os.close(ours)
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        _, said = process.communicate()
    assert (process.returncode, said) == (0, b"")


def test_what_is_no_file_is_written_to_and_stays(archive: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    ciwen("export", "wacz", "-o", pipe, archive=archive)
    reader.join()
    assert pipe.is_fifo()
    ciwen("export", "wacz", "-o", tmp_path / "file.wacz", archive=archive)
    streamed, whole = zipfile.ZipFile(io.BytesIO(read[0])), zipfile.ZipFile(tmp_path / "file.wacz")
    assert streamed.testzip() is None
    assert streamed.namelist() == whole.namelist()
    same = [name for name in whole.namelist() if not name.startswith("datapackage")]
    assert [streamed.read(name) for name in same] == [whole.read(name) for name in same]


def test_where_no_file_can_be(archive: Path, tmp_path: Path) -> None:
    folder = ciwen("export", "cdxj", "-o", tmp_path, archive=archive, code=2)
    assert told(folder) == f"cannot write {tmp_path}: it is a folder, name a file in it"
    missing = ciwen("export", "cdxj", "-o", tmp_path / "no" / "file", archive=archive, code=6)
    assert told(missing) == f"cannot write {tmp_path / 'no' / 'file'}: No such file or directory"
    assert not list(tmp_path.iterdir())


def test_what_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), opened(str(tmp_path / "file"), is_text=True) as output:
        output.write(b"half")
        assert len(list(tmp_path.iterdir())) == 1
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_fault_in_what_is_written_is_not_taken_for_one_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), opened(str(tmp_path / "file"), is_text=True):
        (tmp_path / "nothing").read_bytes()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--since", "yesterday"], "'yesterday' is no date: write it like 2025-06-04, or 2025-06-04T16:35+08:00"),
        (["--until", ""], "'' is no date: "),
        (
            ["--since", "2025-06-05", "--until", "2025-06-04"],
            "no moment is between --since 2025-06-05 and --until 2025-06-04",
        ),
    ],
    ids=["no date", "empty", "reversed"],
)
def test_dates_that_mean_nothing(archive: Path, options: list[str], says: str) -> None:
    assert told(ciwen("export", "cdxj", *options, archive=archive, code=2)).startswith(says)
