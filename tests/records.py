"""WARC records as they lie in an archive's files, taken out with zlib alone: Ciwen's readers read nothing here."""

import base64
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"


@dataclass(frozen=True)
class Found:
    """A record as it lies in a file."""

    file: str
    offset: int
    length: int
    fields: tuple[tuple[str, str], ...]
    block: bytes

    def field(self, name: str) -> str | None:
        """The one value of a field."""
        values = [value for key, value in self.fields if key == name]
        assert len(values) <= 1, name
        return values[0] if values else None

    @property
    def type(self) -> str | None:
        return self.field("WARC-Type")

    @property
    def id(self) -> str | None:
        return self.field("WARC-Record-ID")

    @property
    def is_chunked(self) -> bool:
        """Whether its message is, and has a body."""
        head, _, body = re.sub(rb"\r?\n\r?\n", b"\0", self.block, count=1).partition(b"\0")
        says_so = re.search(rb"(?im)^transfer-encoding:[ \t]*chunked", head)
        return self.type == "response" and says_so is not None and body != b""


def files_of(archive: Path) -> list[Path]:
    """The WARC files of an archive at rest, beside which nothing lies but the manifest."""
    found = sorted(path for path in (archive / "warc").iterdir() if path.name != "MANIFEST.sha256")
    assert found
    assert all(path.name.endswith(".warc.gz") for path in found)
    return found


def found_in(archive: Path) -> list[Found]:
    """Every record of an archive at rest, member by member."""
    return [record for path in files_of(archive) for record in found_in_file(path)]


def found_in_file(path: Path) -> Iterator[Found]:
    """Every record of a file, to its last byte."""
    data, offset = path.read_bytes(), 0
    while offset < len(data):
        decoder = zlib.decompressobj(wbits=31)
        record = decoder.decompress(data[offset:]) + decoder.flush()
        assert decoder.eof
        length = len(data) - offset - len(decoder.unused_data)
        yield taken_apart(path.name, offset, length, record)
        offset += length


def taken_apart(file: str, offset: int, length: int, record: bytes) -> Found:
    """A record by WARC/1.1's grammar, strictly."""
    head, _, rest = record.partition(b"\r\n\r\n")
    version, *lines = head.decode().split("\r\n")
    assert version == "WARC/1.1"
    fields = tuple((name, value) for name, value in (line.split(": ", 1) for line in lines))
    size = int(dict(fields)["Content-Length"])
    assert rest[size:] == b"\r\n\r\n"
    return Found(file, offset, length, fields, rest[:size])


def sha1(data: bytes) -> str:
    """A digest as WARC fields hold it."""
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def entity_of(message: bytes) -> bytes:
    """The body of a message without its Transfer-Encoding, read line by line as a client reads it off a socket."""
    stream = io.BytesIO(message)
    chunked = False
    for line in iter(stream.readline, b""):
        if line in (b"\r\n", b"\n"):
            break
        name, _, value = line.lower().partition(b":")
        chunked = chunked or (name, value.strip()) == (b"transfer-encoding", b"chunked")
    if not chunked:
        return stream.read()
    parts = []
    while size := int(stream.readline().partition(b";")[0] or b"0", 16):
        parts.append(stream.read(size))
        stream.readline()
    return b"".join(parts)


def content_of(message: bytes) -> bytes:
    """The body of a message as a reader sees it, its Content-Encoding removed too."""
    entity = entity_of(message)
    return gzip.decompress(entity) if entity[:2] == b"\x1f\x8b" else entity


def head_of(message: bytes) -> bytes:
    """The head of a message, its blank line included."""
    head, blank, _ = message.partition(b"\r\n\r\n")
    return head + blank
