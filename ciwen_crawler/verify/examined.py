"""What the examination of one WARC file finds, as far as the file alone tells."""

import hashlib
import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ciwen_crawler.verify.finding import Finding

ID_SIZE = 16  # bytes that stand for a record id
_UUID = re.compile(r"<urn:uuid:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})>")


class Stretch(NamedTuple):
    """What one run wrote into one file, as it lies there: from its warcinfo up to its report, where that is here."""

    offset: int  # bytes
    end: int  # bytes
    records: int
    sha256: str  # hex
    run: str  # id of the warcinfo that opened the run, which may stand in another file
    crawl_id: str


class Report(NamedTuple):
    """A run's report."""

    offset: int
    end: int
    run: str
    content: Mapping[str, Any]


class Doubt(NamedTuple):
    """What is damage or none, as other records tell."""

    finding: Finding
    stretch: int  # offset of the one that it is in


@dataclass(slots=True)
class Examined:
    """One file."""

    name: str  # its final one
    place: str  # where it lies in the archive's folder, which tells whether a run left it open
    start: int = 0  # from where on it was read
    size: int = 0  # bytes
    sha256: str | None = None  # hex; None where it was not taken
    records: int = 0
    is_readable: bool = True  # whether every record could be taken out
    findings: list[Finding] = field(default_factory=list)
    odd: list[Doubt] = field(default_factory=list)  # digests of others' that do not agree; they may have come so
    unanswered: list[Doubt] = field(default_factory=list)  # as a run that was killed leaves them
    stretches: list[Stretch] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    previous: tuple[str, str] | None = None  # name and SHA-256 of the file before it, as its first warcinfo has them
    ids: bytearray = field(default_factory=bytearray)  # of records whose id must be theirs alone, 16 bytes for each
    places: "array[int]" = field(default_factory=lambda: array("Q"))  # where those begin


def short_id(record_id: str) -> bytes:
    """What stands for a record id: the bytes of its UUID, or where it is of another form so much of its digest."""
    found = _UUID.fullmatch(record_id)
    if found:
        return bytes.fromhex(found[1].replace("-", ""))
    return hashlib.sha1(record_id.encode("utf-8", "surrogateescape")).digest()[:ID_SIZE]
