"""Examines a WARC file of ours: every member, both digests of every record, and the order of its records.

Strict with what Ciwen writes: whatever could not have been written so is damage. Records that a replay took in from
elsewhere are judged by what they say of themselves.
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from isal import isal_zlib

from ciwen_crawler.exchange import BY_DISCONNECT, BY_LENGTH, BY_TIME, UNSPECIFIED
from ciwen_crawler.message import DAMAGE
from ciwen_crawler.warc.digests import agrees, is_sha1_of
from ciwen_crawler.warc.examined import Doubt, Examined, Report, Stretch
from ciwen_crawler.warc.files import WARC
from ciwen_crawler.warc.finding import Finding
from ciwen_crawler.warc.heads import Fields, head_of
from ciwen_crawler.warc.members import regions
from ciwen_crawler.warc.originals import Originals
from ciwen_crawler.warc.payloads import entity, readings
from ciwen_crawler.warc.record import (
    MEMBER_HEADER,
    METADATA,
    REQUEST,
    RESOURCE,
    RESPONSE,
    REVISIT,
    ROLE_REPORT,
    VERSION,
    WARCINFO,
    bare_id,
)
from ciwen_crawler.warc.sequence import Sequence

_KINDS = frozenset({WARCINFO, REQUEST, RESPONSE, REVISIT, RESOURCE, METADATA})
_CAPTURES = frozenset({RESPONSE, REVISIT, RESOURCE})
_ID = re.compile(r"<urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}>")
_DATE = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d\.\d{6}Z", re.ASCII)
_TRUNCATED = frozenset({BY_LENGTH, BY_TIME, BY_DISCONNECT, UNSPECIFIED})
_HTTP = "application/http"


class _Record(NamedTuple):
    offset: int
    raw: bytes  # head, block and line ends
    fields: Fields
    begin: int  # of the block

    @property
    def end(self) -> int:
        return len(self.raw) - 4

    def block(self) -> memoryview:
        return memoryview(self.raw)[self.begin : self.end]


def examine(path: Path, start: int = 0, advance: Callable[[int], None] = lambda _: None) -> Examined:
    """Examine a file from where a run begins in it; `advance` is told of the bytes that were read.

    Raises nothing of what a damaged file may hold; what it finds is all there is to say.
    """
    examination = _Examination(path, start)
    whole = hashlib.sha256()
    found = examination.found
    try:
        with path.open("rb") as file:
            for offset, region in regions(file, start):
                whole.update(region)
                found.size = offset + len(region)
                examination.region(offset, region)
                advance(len(region))
    except OSError as error:
        found.is_readable = False
        examination.finding(found.size, f"cannot be read: {error.strerror}")
        return found
    if not found.size:
        found.is_readable = False
        examination.finding(None, "empty")
    examination.end(found.size)
    found.sha256 = None if start else whole.hexdigest()
    return found


class _Examination:
    """Takes a file's regions in their order."""

    def __init__(self, path: Path, start: int) -> None:
        self.found = Examined(path.name, start, start)
        self._file = f"{WARC}/{path.name}"
        self._originals = Originals(path.parent)
        self._sequence = Sequence()
        self._info = ""  # WARC-Record-ID of the warcinfo of the run whose records come
        self._run = self._crawl_id = ""
        self._begin = 0  # of the stretch
        self._records = 0
        self._hash = hashlib.sha256()
        self._is_open = self._is_told = False  # whether a stretch goes on, and whether it has been said that none does

    def finding(self, offset: int | None, what: str) -> None:
        """Note a damage."""
        self.found.findings.append(Finding(self._file, offset, what))

    # Members

    def region(self, offset: int, region: bytes) -> None:
        """What lies from one member header to the next: one member, if all is well."""
        while region:
            decoder = isal_zlib.decompressobj(wbits=31)
            is_member = region.startswith(MEMBER_HEADER)
            try:
                raw = decoder.decompress(region)
            except DAMAGE as error:
                what = f"gzip member damaged ({error})" if is_member else _stray(region)
                self._hole(offset, region, what)
                return
            if not decoder.eof:
                self._hole(offset, region, "gzip member cut short, or damaged" if is_member else _stray(region))
                return
            rest: bytes = decoder.unused_data
            member = region[: len(region) - len(rest)] if rest else region
            if not is_member:
                self.finding(offset, "gzip header altered: not the constant one that every member of ours has")
                self.found.is_readable = False
            self._member(offset, member, raw)
            offset += len(member)
            region = rest

    def _hole(self, offset: int, region: bytes, what: str) -> None:
        self.finding(offset, what)
        self.found.is_readable = False
        self._sequence.interrupt()
        self._hash.update(region)

    def _member(self, offset: int, member: bytes, raw: bytes) -> None:
        try:
            version, fields, begin = head_of(raw)
        except ValueError as error:
            self._hole(offset, member, str(error))
            return
        self.found.records += 1
        self.found.content += len(raw)
        record = _Record(offset, raw, fields, begin)
        kind = fields.get("warc-type", "").lower()
        if kind == WARCINFO and fields.get("warc-filename") == self.found.name:
            self._enter(record)
        is_ours = bool(self._info) and (fields.get("warc-warcinfo-id") == self._info or offset == self._begin)
        if is_ours and kind == METADATA and fields.get("ciwen-role") == ROLE_REPORT:
            self._leave(offset)
            self._report(record, offset + len(member))
        elif self._is_open:
            self._hash.update(member)
            self._records += 1
        elif not self._is_told:
            self._is_told = True
            self.finding(offset, "records outside of what any run says it wrote")
        if is_ours:
            self._ours(record, version, kind)
        else:
            self._others(record, kind)

    # Runs

    def _enter(self, record: _Record) -> None:
        self._leave(record.offset)
        description = _described(record)
        self._begin, self._records, self._hash = record.offset, 0, hashlib.sha256()
        self._is_open, self._is_told = True, False
        self._info = record.fields.get("warc-record-id", "")
        self._run = bare_id(description.get("ciwen-continues")) or bare_id(self._info)
        self._crawl_id = description.get("ispartof", "")
        previous, digest = description.get("ciwen-previous-file"), description.get("ciwen-previous-digest", "")
        if record.offset == 0 and previous:
            self.found.previous = previous, digest.removeprefix("sha256:")

    def _leave(self, end: int) -> None:
        self._sequence.end()
        for offset, response in self._sequence.unanswered:
            what = f"the response that this request names, {response}, does not follow it"
            self.found.unanswered.append(Doubt(Finding(self._file, offset, what), self._begin))
        self._sequence = Sequence()
        if self._is_open:
            digest = self._hash.hexdigest()
            self.found.stretches.append(Stretch(self._begin, end, self._records, digest, self._run, self._crawl_id))
        self._is_open = False

    def _report(self, record: _Record, end: int) -> None:
        if bare_id(record.fields.get("warc-refers-to")) != self._run:
            self.finding(record.offset, "a report of another run than the one that stands before it")
        try:
            content = json.loads(bytes(record.block()))
        except ValueError:
            content = None
        if isinstance(content, dict):
            self.found.reports.append(Report(record.offset, end, self._run, content))
        else:
            self.finding(record.offset, "a report that is no JSON object")

    def end(self, size: int) -> None:
        """The file has been read."""
        self._leave(size)

    # Records

    def _ours(self, record: _Record, version: str, kind: str) -> None:
        offset, fields = record.offset, record.fields
        record_id = fields.get("warc-record-id", "")
        if version != VERSION or kind not in _KINDS or not _ID.fullmatch(record_id):
            self.finding(offset, f"{version}, WARC-Type {kind or 'missing'}, id {record_id or 'missing'}: none of ours")
            return
        self._note(offset, record_id)
        if not _DATE.fullmatch(fields.get("warc-date", "")):
            self.finding(offset, f"WARC-Date {fields.get('warc-date', 'missing')} is no moment as we write them")
        if fields.get("warc-truncated", BY_LENGTH) not in _TRUNCATED:
            self.finding(offset, f"WARC-Truncated {fields['warc-truncated']} is no reason that is known")
        if not is_sha1_of(fields.get("warc-block-digest", ""), record.block()):
            self.finding(offset, f"block digest of the {kind} record {record_id} does not agree with its block")
        if not self._has_payload(record, kind):
            self.finding(offset, f"payload digest of the {kind} record {record_id} does not agree with its payload")
        wrong = self._sequence.take(offset, kind, fields)
        if wrong:
            self.finding(offset, f"{kind} record {record_id}: {wrong}")
        wrong = self._originals.disagreement(fields) if kind == REVISIT else None
        if wrong:
            self.finding(offset, f"revisit record {record_id}: {wrong}")

    def _has_payload(self, record: _Record, kind: str) -> bool:
        said = record.fields.get("warc-payload-digest", "")
        if kind == RESPONSE and record.fields.get("content-type", "").startswith(_HTTP):
            return is_sha1_of(said, entity(record.raw, record.begin, record.end))
        if kind == RESOURCE:
            return is_sha1_of(said, record.block())
        return kind == REVISIT or not said

    def _others(self, record: _Record, kind: str) -> None:
        fields = record.fields
        record_id = fields.get("warc-record-id", "")
        if kind in _CAPTURES and record_id:
            self._note(record.offset, record_id)
        block, payload = fields.get("warc-block-digest"), fields.get("warc-payload-digest")
        if block and not agrees(block, record.block()):
            self._odd(record, f"block digest of the {kind} record {record_id} does not agree with its block")
        if not payload or kind == REVISIT or fields.get("warc-truncated"):
            return
        if not any(agrees(payload, each) for each in readings(bytes(record.block()), fields.get("content-type", ""))):
            self._odd(record, f"payload digest of the {kind} record {record_id} does not agree with its payload")

    def _odd(self, record: _Record, what: str) -> None:
        self.found.odd.append(Doubt(Finding(self._file, record.offset, what), self._begin))

    def _note(self, offset: int, record_id: str) -> None:
        self.found.ids.append(_short(record_id))
        self.found.places.append(offset)


def _stray(region: bytes) -> str:
    return f"{len(region)} bytes that belong to no record"


def _short(record_id: str) -> bytes:
    """16 bytes that stand for a record id."""
    try:
        return bytes.fromhex(record_id[10:-1].replace("-", ""))
    except ValueError:
        return hashlib.sha1(record_id.encode()).digest()[:16]


def _described(record: _Record) -> dict[str, str]:
    lines = bytes(record.block()).decode("utf-8", "replace").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
