"""WACZ files, read: the WARC files in one, each a file of its own for as long as it is taken in.

A WACZ is a ZIP file whose folder `archive/` holds them (https://specs.webrecorder.net/wacz/1.1.1/).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import IO, NamedTuple

from ciwen_crawler.errors import CannotWrite, UnreadableInput
from ciwen_crawler.sources import WACZ, is_warc
from ciwen_crawler.zipped import DAMAGE, Packed, listed, scanned

_ARCHIVE = "archive"


class Member(NamedTuple):
    """A WARC file in a WACZ."""

    packed: Packed

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.packed.path}/{self.packed.name}"

    @contextmanager
    def unpacked(self) -> Iterator[Path]:
        """It as a file that is gone at the end of the block.

        Raises UnreadableInput at that end, where it is damaged, so that what came before the damage can be read; what
        the block raises of that kind names it too. CannotWrite where the system has no room for it.
        """
        with _temporary() as file:
            fault = self._unpack(file)
            try:
                yield Path(file.name)
            except UnreadableInput as error:
                raise UnreadableInput(str(error).replace(file.name, self.place)) from error
        if fault:
            raise UnreadableInput(f"{self.place}: damaged ({_said(fault)})") from fault

    def _unpack(self, file: IO[bytes]) -> Exception | None:
        """What kept it from being read to its end; None where nothing did."""
        pieces = self.packed.pieces()
        while True:
            try:
                piece = next(pieces, None)
            except DAMAGE as error:
                return error
            if piece is None:
                return None
            _write(file, piece)


class Contents(NamedTuple):
    """What a WACZ holds for a replay."""

    members: tuple[Member, ...]  # in the order of their names, which in our own files is that of time
    faults: tuple[str, ...]  # what of it cannot be taken, a line each


def contents(path: Path) -> Contents:
    """The WARC files in a WACZ. Raises UnreadableInput where none can be had."""
    found, faults = _files(path)
    nested = next((each.name for each in found if each.name.lower().endswith(WACZ)), None)
    if nested:
        faults.append(f"{path}: holds another WACZ file, {nested}: unpack it and replay that")
    members = []
    for each in sorted(found, key=lambda each: each.name):
        if not is_warc(Path(each.name)) or _ARCHIVE not in PurePosixPath(each.name).parts:
            continue
        if _is_inside(each.name):
            members.append(Member(each))
        else:
            faults.append(f"{path}: {each.name!r} in it is a path to elsewhere")
    if not members:
        raise UnreadableInput("; ".join(faults) or f"{path}: there is no WARC file in its folder {_ARCHIVE}/")
    return Contents(tuple(members), tuple(faults))


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return parts[0] == _ARCHIVE and ".." not in parts and "\\" not in name


def _files(path: Path) -> tuple[list[Packed], list[str]]:
    """The files in a ZIP file, and what is wrong with it."""
    try:
        return listed(path), []
    except DAMAGE as error:
        found = scanned(path)
        what = "cut short or damaged" if found else "no WACZ file, or damaged"
        return found, [f"{path}: {what} ({_said(error)})"]


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


@contextmanager
def _temporary() -> Iterator[IO[bytes]]:
    try:
        file = NamedTemporaryFile(prefix="ciwen-", suffix=".warc")  # noqa: SIM115 - the block below closes it
    except OSError as error:
        raise CannotWrite(f"cannot write a temporary file: {error.strerror}") from error
    with file:
        yield file


def _write(file: IO[bytes], data: bytes) -> None:
    try:
        file.write(data)
        file.flush()
    except OSError as error:
        raise CannotWrite(f"cannot write {file.name}: {error.strerror}") from error
