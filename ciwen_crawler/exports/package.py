"""Package: a ZIP file that knows the size and digest of every file in it, written as a stream."""

import hashlib
import zipfile
from collections.abc import Iterable
from types import TracebackType
from typing import IO, NamedTuple, Self, cast

from ciwen_crawler.exports.output import Output

# An extended timestamp (APPNOTE 4.6.1, 0x5455) with no time in it. wabac.js asks the head of an entry where its bytes
# begin only where the directory has some extra field; else it takes the head for one without any, as ours never are.
_ASK_THE_HEAD = b"UT\x01\x00\x00"


class Resource(NamedTuple):
    """A file in the package."""

    path: str
    sha256: str  # hex
    size: int  # bytes


class Package:
    """Takes files one after the other. The same files give the same bytes: no entry bears a date."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._zip = zipfile.ZipFile(cast(IO[bytes], output), "w")
        self.resources: list[Resource] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            self._output.abandon()  # what is closed in order would pass for whole
        self._zip.close()

    def add(self, path: str, pieces: Iterable[bytes], *, is_packed: bool = False) -> Resource:
        """Add a file; as it is, so that readers find bytes of it by themselves, where its bytes are packed already."""
        entry = zipfile.ZipInfo(path)
        entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        entry.extra = _ASK_THE_HEAD
        digest, size = hashlib.sha256(), 0
        # Nobody knows its size before it has been made.
        with self._zip.open(entry, "w", force_zip64=True) as file:
            for piece in pieces:
                file.write(piece)
                digest.update(piece)
                size += len(piece)
        resource = Resource(path, digest.hexdigest(), size)
        self.resources.append(resource)
        return resource
