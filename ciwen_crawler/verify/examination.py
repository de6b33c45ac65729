"""Examines a WARC file of ours: every byte of it belongs to a member, every member is a record, every record agrees
with its digests and with those beside it; and what each run wrote there is told by its digest.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ciwen_crawler.crawl import CONTINUES
from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.message import DAMAGE
from ciwen_crawler.verify.examined import Doubt, Examined, Report, Stretch, short_id
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.verify.heads import head_of
from ciwen_crawler.verify.judgement import CAPTURES, Judge, Unpacked, others
from ciwen_crawler.verify.members import regions
from ciwen_crawler.verify.running_digest import Digested, RunningDigest
from ciwen_crawler.verify.unpacking import Member, unpack
from ciwen_crawler.warc.files import WARC
from ciwen_crawler.warc.record import (
    MEMBER_HEADER,
    METADATA,
    ROLE_REPORT,
    WARCINFO,
    Record,
    bare_id,
    described,
    report_id,
)
from ciwen_crawler.warc.writer import OPEN

_NOTHING = memoryview(b"")
UNREADABLE = "gzip member "  # what each finding begins with that tells of one
_CHECKSUM = "Incorrect checksum"  # as isal words it


def examine(
    path: Path,
    start: int = 0,
    end: int | None = None,
    *,
    is_final: bool = True,
    advance: Callable[[int], None] = lambda _: None,
) -> Examined:
    """Examine a file from where a run begins in it, to a byte where it was cut off; `advance` is told how many bytes
    were read.

    The digest of the whole is taken of a final file alone: nothing tells that of one that is taken up again. Whatever a
    damaged file may hold, it raises nothing but UnreadableInput, where the file may not be read.
    """
    with ThreadPoolExecutor(1) as beside:
        examination = _Examination(path, start, beside)
        found, whole = examination.found, RunningDigest(beside) if is_final and not start else None
        try:
            with path.open("rb") as file:
                file.seek(start)
                for offset, region in regions(Digested(file, whole, advance, end and end - start), start):
                    examination.region(offset, region)
                    found.size = offset + len(region)
        except PermissionError as error:
            raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error
        except OSError as error:
            examination.hole(found.size, _NOTHING, f"cannot be read: {error.strerror}")
            return found
        if not found.size:
            examination.hole(0, _NOTHING, "empty")
        examination.leave(found.size)
        found.sha256 = whole.hexdigest() if whole else None
        return found


def _plain(error: Exception) -> str:
    """What isal says, without its numbers."""
    return "its checksum is not that of its data" if _CHECKSUM in str(error) else "its data cannot be unpacked"


class _Examination:
    """Takes a file's regions in their order."""

    def __init__(self, path: Path, start: int, beside: ThreadPoolExecutor) -> None:
        self._file = f"{WARC}/{path.name}"
        self.found = Examined(path.name.removesuffix(OPEN), self._file, start, start)
        self._judge = Judge(path.parent)
        self._info = ""  # WARC-Record-ID of the warcinfo of the run whose records come
        self._run = self._crawl_id = ""
        self._begin = 0  # of the stretch
        self._records = 0
        self._beside = beside
        self._digest = RunningDigest(beside)  # of the stretch
        self._is_open = self._is_told = False  # whether a stretch goes on, and whether it has been said that none does

    def _finding(self, offset: int, what: str) -> Finding:
        return Finding(self._file, offset, what)

    # Members

    def region(self, offset: int, region: memoryview) -> None:
        """What lies from one member header to the next: one member, if all is well."""
        while region:
            is_member = region[: len(MEMBER_HEADER)] == MEMBER_HEADER
            member, what = None, f"{UNREADABLE}cut short, or damaged"
            try:
                member = unpack(region, self._info)
            except DAMAGE as error:
                what = f"{UNREADABLE}damaged: {_plain(error)}"
            if member is None:
                self.hole(offset, region, what if is_member else f"{len(region)} bytes that belong to no record")
                return
            if not is_member:
                self.found.is_readable = False
                what = "gzip header altered: not the constant one that every member of ours has"
                self.found.findings.append(self._finding(offset, what))
            self._member(offset, region[: member.size], member)
            offset, region = offset + member.size, region[member.size :]

    def hole(self, offset: int, region: memoryview, what: str) -> None:
        """Bytes of which no record comes."""
        self.found.findings.append(self._finding(offset, what))
        self.found.is_readable = False
        self._judge.sequence.interrupt()
        self._digest.add(region)
        self._records += region[: len(MEMBER_HEADER)] == MEMBER_HEADER

    def _member(self, offset: int, packed: memoryview, member: Member) -> None:
        raw, hashed = member.raw, member.hashed
        try:
            version, fields, begin = head_of(raw, hashed.size if hashed else 0)
        except ValueError as error:
            self.hole(offset, packed, str(error))
            return
        kind, record_id = fields.get("warc-type", "").lower(), fields.get("warc-record-id", "")
        record = Unpacked(offset, raw, version, kind, record_id, fields, begin, memoryview(raw)[begin:-4], hashed)
        self.found.records += 1
        if kind == WARCINFO and fields.get("warc-filename") == self.found.name:
            self._enter(record)
        is_ours = self._info != "" and (fields.get("warc-warcinfo-id") == self._info or record_id == self._info)
        if is_ours and kind == METADATA and fields.get("ciwen-role") == ROLE_REPORT:
            self.leave(offset)
            self._report(record, offset + member.size)
        elif self._is_open:
            self._digest.add(packed)
            self._records += 1
        elif not self._is_told:
            self._is_told = True
            self.found.findings.append(self._finding(offset, "records outside of what any run says it wrote"))
        self._judged(record, is_ours)

    def _judged(self, record: Unpacked, is_ours: bool) -> None:
        if is_ours:
            for what in self._judge.ours(record):
                self.found.findings.append(self._finding(record.offset, what))
        else:
            for what in others(record):
                self.found.odd.append(Doubt(self._finding(record.offset, what), self._begin))
        if is_ours or (record.kind in CAPTURES and record.id):
            self.found.ids += short_id(record.id)
            self.found.places.append(record.offset)

    # Runs

    def _enter(self, warcinfo: Unpacked) -> None:
        self.leave(warcinfo.offset)
        description = described(Record(warcinfo.version, (), bytes(warcinfo.block)))
        self._begin, self._records, self._digest = warcinfo.offset, 0, RunningDigest(self._beside)
        self._is_open, self._is_told = True, False
        self._info = warcinfo.id
        self._run = bare_id(description.get(CONTINUES)) or bare_id(self._info)
        self._crawl_id = description.get("isPartOf", "")
        previous, digest = description.get("ciwen-previous-file"), description.get("ciwen-previous-digest", "")
        if warcinfo.offset == 0 and previous:
            self.found.previous = previous, digest.removeprefix("sha256:")

    def leave(self, end: int) -> None:
        """What a run wrote ends before this byte."""
        sequence = self._judge.sequence
        sequence.end()
        for offset, response in sequence.unanswered:
            what = f"the response that this request names, {response}, does not follow it"
            self.found.unanswered.append(Doubt(self._finding(offset, what), self._begin))
        sequence.unanswered.clear()
        if self._is_open:
            digest = self._digest.hexdigest()
            self.found.stretches.append(Stretch(self._begin, end, self._records, digest, self._run, self._crawl_id))
        self._is_open = False

    def _report(self, record: Unpacked, end: int) -> None:
        if bare_id(record.fields.get("warc-refers-to")) != self._run:
            what = "a report of another run than the one that stands before it"
            self.found.findings.append(self._finding(record.offset, what))
        elif bare_id(record.id) != report_id(self._run):
            self.found.findings.append(self._finding(record.offset, "a report whose id is not made of its run's"))
        try:
            content = json.loads(bytes(record.block))
        except ValueError:
            content = None
        if isinstance(content, dict):
            if content.get("finished_at") != record.fields.get("warc-date"):
                what = "a report whose WARC-Date is not when its run finished"
                self.found.findings.append(self._finding(record.offset, what))
            self.found.reports.append(Report(record.offset, end, self._run, content))
        else:
            self.found.findings.append(self._finding(record.offset, "a report that is no JSON object"))
