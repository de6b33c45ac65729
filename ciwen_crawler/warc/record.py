"""WARC records: their header fields, how one becomes a gzip member, and the kinds that Ciwen writes.

Fields and their order follow WARC/1.1 sections 5 and 6; those that begin with `Ciwen-` are this project's own.
"""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from isal import igzip, isal_zlib

from ciwen_crawler import clock
from ciwen_crawler.message import header

Fields = tuple[tuple[str, str], ...]

VERSION = "WARC/1.1"
WARCINFO, REQUEST, RESPONSE, REVISIT, RESOURCE, METADATA = "warcinfo request response revisit resource metadata".split()
# What a metadata record of ours holds.
ROLE_REPORT, ROLE_INTERIM, ROLE_DECISION = "report", "interim", "decision"

# What a revisit says of its original, WARC/1.1 section 6.7.
IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"

HTTP_REQUEST, HTTP_RESPONSE = "application/http; msgtype=request", "application/http; msgtype=response"
# Level 2 is isal's default: within a tenth of zlib 6 in size at a twelfth of the time. Its member headers are constant.
_LEVEL = 2
MEMBER_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


_YEAR_BEGINS = "0001-01-01T00:00:00"
_MOMENT = re.compile(r"\d{4}-(?:0\d|1[0-2])-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{6}Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it lies in a file."""

    version: str  # WARC/1.1
    fields: Fields  # in the file's order
    block: bytes
    offset: int = 0  # of its gzip member, in bytes
    length: int = 0  # of its gzip member; 0 where the file is not one member a record

    def field(self, name: str) -> str | None:
        """The first value of a field, whatever the case of its name."""
        return header(self.fields, name)

    @property
    def type(self) -> str:
        """WARC-Type, lower case; '' where it has none."""
        return (self.field("WARC-Type") or "").lower()

    @property
    def id(self) -> str:
        """The UUID in WARC-Record-ID, else the id as it stands."""
        return bare_id(self.field("WARC-Record-ID"))

    @property
    def warcinfo_id(self) -> str:
        """The id of the warcinfo record that this one belongs to; a warcinfo's own id for itself."""
        return self.id if self.type == WARCINFO else bare_id(self.field("WARC-Warcinfo-ID"))

    def member(self) -> bytes:
        """The record as a gzip member."""
        return member(self.version, self.fields, self.block)


def bare_id(urn: str | None) -> str:
    """`<urn:uuid:…>` without what stands around the UUID."""
    return (urn or "").strip().strip("<>").removeprefix("urn:uuid:")


def urn(record_id: str) -> str:
    """A record id as a field holds it."""
    return f"<{record_id}>" if ":" in record_id else f"<urn:uuid:{record_id}>"


def new_id() -> str:
    """An id for a new record."""
    return str(uuid.uuid4())


def digest(data: bytes) -> str:
    """A digest as block and payload digests are written, `sha1:` in Base32."""
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def member(version: str, fields: Iterable[tuple[str, str]], block: bytes) -> bytes:
    """A record's gzip member (WARC/1.1 annex D), with the constant header that lets damage to it be seen.

    The header stands nowhere else in it, so that who looks for one in a file finds members and nothing else.
    """
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    record = b"".join((version.encode(), b"\r\n", head.encode(), b"\r\n", block, b"\r\n\r\n"))
    data = igzip.compress(record, _LEVEL, mtime=0)
    return data if data.find(MEMBER_HEADER, 1) < 0 else _with_headers_parted(record)


def _with_headers_parted(record: bytes) -> bytes:
    """A gzip member of a block that holds WARC files itself, too dense to be squeezed, so that deflate stores them as
    they are: a flush in the middle of each member header in them sets its halves apart.
    """
    half = len(MEMBER_HEADER) // 2
    first, *others = record.split(MEMBER_HEADER)
    compressor = isal_zlib.compressobj(_LEVEL, wbits=31)
    pieces = [compressor.compress(first)]
    for other in others:
        pieces.append(compressor.compress(MEMBER_HEADER[:half]))
        pieces.append(compressor.flush(isal_zlib.Z_SYNC_FLUSH))
        pieces.append(compressor.compress(MEMBER_HEADER[half:] + other))
    return b"".join([*pieces, compressor.flush()])


def build(
    kind: str, record_id: str, date: str, block: bytes, content_type: str, more: Mapping[str, str | None] | None = None
) -> Record:
    """A record of ours: the fields that all kinds have, and those of `more` that have a value."""
    fields = [("WARC-Type", kind), ("WARC-Record-ID", urn(record_id)), ("WARC-Date", date)]
    fields += [(name, value) for name, value in (more or {}).items() if value is not None]
    fields += [
        ("WARC-Block-Digest", digest(block)),
        ("Content-Type", content_type),
        ("Content-Length", str(len(block))),
    ]
    return Record(VERSION, tuple(fields), block)


def warcinfo(record_id: str, date: str, filename: str, description: Mapping[str, str]) -> Record:
    """The record that opens a run: what wrote what follows, and under which rules."""
    # A value is one line, whatever was given for it: the next line would be another field.
    block = "".join(f"{name}: {' '.join(value.split())}\r\n" for name, value in description.items()).encode()
    return build(WARCINFO, record_id, date, block, "application/warc-fields", {"WARC-Filename": filename})


def described(record: Record) -> dict[str, str]:
    """The fields of a warcinfo record's block."""
    lines = record.block.decode("utf-8", "replace").splitlines()
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def report(date: str, warcinfo_id: str, opened_by: str, content: Mapping[str, object]) -> Record:
    """The record that ends a run: its report, as JSON. It refers to the warcinfo that opened the run, of whose id its
    own is made, as nothing else could tell that it was altered.
    """
    block = json.dumps(content, ensure_ascii=False, indent=1).encode()
    more = {"WARC-Warcinfo-ID": urn(warcinfo_id), "WARC-Refers-To": urn(opened_by), "Ciwen-Role": ROLE_REPORT}
    return build(METADATA, report_id(opened_by), date, block, "application/json", more)


def report_id(opened_by: str) -> str:
    """The id of the report of a run, by that of the warcinfo that opened it: the UUIDv5 of its URN."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:uuid:{opened_by}"))


def moment(date: str) -> str | None:
    """A WARC-Date as the database writes moments; None where it is none.

    WARC/1.0 has whole seconds, WARC/1.1 anything between a year and nine digits behind the second.
    """
    whole, _, fraction = date.removesuffix("Z").partition(".")
    padded = f"{whole}{_YEAR_BEGINS[len(whole) :]}.{fraction[:6]:0<6}Z"
    if len(whole) >= 4 and _MOMENT.fullmatch(padded):
        return padded
    try:
        return clock.written(clock.read(date))
    except (ValueError, OverflowError):  # the first and last days of the calendar are none in every zone
        return None
