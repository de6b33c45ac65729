"""The manifest of an archive's WARC files: a line for each that is final, which `sha256sum -c` can check."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ciwen_crawler.errors import CannotWrite, UnreadableInput
from ciwen_crawler.warc.writer import sync

MANIFEST = "MANIFEST.sha256"
_NEW = ".new"
# A name that holds a line's end or a backslash is escaped, and its line begins with one.
_LINE = re.compile(r"(\\?)([0-9a-fA-F]{64}) [ *](.+)", re.DOTALL)
_ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}
_ESCAPE = re.compile(r"\\.?", re.DOTALL)


class Manifest:
    """The lines of a folder's manifest, none where there is no file. What a line names never changes again.

    Lines that say nothing, or another thing than one before them, are kept as they are: `faults` are their numbers,
    from 1. A last line that was cut short is one too, until `add` takes its place. Raises UnreadableInput.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / MANIFEST
        self.digests: dict[str, str] = {}  # name: SHA-256 in lower case hex
        self.faults: list[int] = []
        self._lines: list[str] = []
        self._take(_text(self.path))

    def _take(self, text: str) -> None:
        *lines, last = text.split("\n")
        for line in lines:
            self._take_line(line)
        # No name that was cut short is that of a file at rest.
        if last.endswith(".warc.gz") and parsed(last):
            self._take_line(last)
        elif last:
            self.faults.append(len(lines) + 1)

    def _take_line(self, line: str) -> None:
        self._lines.append(line)
        if line.startswith("#"):
            return
        name, digest = parsed(line) or ("", "")
        if not name or self.digests.setdefault(name, digest) != digest:
            self.faults.append(len(self._lines))

    def add_files(self, paths: Iterable[Path], hashed: Mapping[str, str] | None = None) -> None:
        """A line for each file that has none yet, in their order; all are on disk when this returns. `hashed` are the
        digests of files whose writer made them durable.
        """
        known = hashed or {}
        lacking = [path for path in paths if path.name not in self.digests]
        self.add({path.name: known.get(path.name) or digest_of(path) for path in lacking})

    def add(self, digests: Mapping[str, str]) -> None:
        """Lines for files that have none, all of them or, if it raises CannotWrite, none."""
        if not digests:
            return
        lines = [*self._lines, *(written(name, digest) for name, digest in digests.items())]
        new = self.path.with_name(MANIFEST + _NEW)
        try:
            with new.open("wb") as file:
                file.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
            sync(self.path.parent)
        except OSError as error:
            raise CannotWrite(f"cannot write {self.path}: {error.strerror}") from error
        self.faults = [number for number in self.faults if number <= len(self._lines)]
        self._lines = lines
        self.digests.update(digests)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex. What it is of is durable by then. Raises UnreadableInput."""
    try:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error


def written(name: str, digest: str) -> str:
    """The line of a file, as sha256sum prints it."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n")
    mark = "" if escaped == name else "\\"
    return f"{mark}{digest}  {escaped}"


def parsed(line: str) -> tuple[str, str] | None:
    """The name and the digest of a line; None for one that sha256sum would not have printed."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    is_escaped, digest, name = found.groups()
    if is_escaped:
        if not all(escape in _ESCAPES for escape in _ESCAPE.findall(name)):
            return None
        name = _ESCAPE.sub(lambda escape: _ESCAPES[escape[0]], name)
    return name, digest.lower()


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error
