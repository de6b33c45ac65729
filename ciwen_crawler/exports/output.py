"""Output: where an export goes, a file that is there only once it is whole, or standard output."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ciwen_crawler.errors import CannotWrite, UsageError
from ciwen_crawler.warc.writer import sync

STDOUT = "-"


class Written(NamedTuple):
    """What an export came to."""

    captures: int
    size: int  # bytes
    pages: int | None = None  # None where its form has none


class Output:
    """Takes bytes, one after the other; what the system refuses is told as CannotWrite."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._is_abandoned = False
        self._position = 0
        self.size = 0  # bytes

    def write(self, data: bytes) -> int:
        """Take bytes; as many as were given."""
        if not self._is_abandoned:
            with _told(self._name):
                self._file.write(data)
        self._position += len(data)
        self.size = max(self.size, self._position)
        return len(data)

    def abandon(self) -> None:
        """Drop all that is still given."""
        self._is_abandoned = True

    def flush(self) -> None:
        """Pass on what was taken."""
        with _told(self._name):
            self._file.flush()


class RegularOutput(Output):
    """A file, in which one can go back and mend what was written: ZIP entries tell their sizes in their heads."""

    def tell(self) -> int:
        """Where the next byte goes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Let the next byte go elsewhere."""
        with _told(self._name):
            self._position = self._file.seek(offset, whence)
        return self._position

    def sync(self) -> None:
        """Make all durable."""
        self.flush()
        with _told(self._name):
            os.fsync(self._file.fileno())


@contextmanager
def opened(target: str | None, *, is_text: bool) -> Iterator[Output]:
    """An output: FILE, beside which it is written under another name until it is whole; None or `-` standard output.

    What is no text is not shown on a terminal (UsageError). Where who reads has enough (`| head`), the rest of the
    block is left without an error.
    """
    if target in (None, STDOUT):
        if sys.stdout is None:
            raise CannotWrite("cannot write to standard output: it is closed")
        with _reader_may_leave(sys.stdout.fileno()):
            yield from _streamed(sys.stdout.buffer, "standard output", is_text)
        return
    path = _resolved(Path(target or ""))
    if _is_stream(path):
        with _told(str(path)):
            stream = path.open("wb")
        with _reader_may_leave(stream.fileno()), _closing(stream, str(path)):
            yield from _streamed(stream, str(path), is_text)
        return
    yield from _replacing(path)


def _streamed(file: BinaryIO, name: str, is_text: bool) -> Iterator[Output]:
    if not is_text and file.isatty():
        raise UsageError("a terminal cannot show this: name a file by -o FILE")
    output = Output(file, name)
    yield output
    output.flush()


def _replacing(path: Path) -> Iterator[RegularOutput]:
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with _told(str(path)):
            file = draft.open("xb")
        with _closing(file, str(path)):
            output = RegularOutput(file, str(path))
            yield output
            output.sync()
        with _told(str(path)):
            draft.replace(path)
            sync(path.parent)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def _resolved(path: Path) -> Path:
    """The file itself where a link is named; UsageError where none can be."""
    try:
        path = path.resolve()
        if path.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder, name a file in it")
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"cannot write {str(path)!r}: {getattr(error, 'strerror', None) or error}") from error
    return path


def _is_stream(path: Path) -> bool:
    """Whether something is there that no file must take the place of: /dev/null, a pipe."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


@contextmanager
def _reader_may_leave(number: int) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        # What is left must not be flushed into the pipe at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)


@contextmanager
def _closing(file: BinaryIO, name: str) -> Iterator[None]:
    """What was held back is written then, and may be refused once more."""
    try:
        yield
    finally:
        with _told(name):
            file.close()


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise CannotWrite(f"cannot write {name}: {error.strerror}") from error
