"""Examines a WARC file of another make that was put among ours: its records are judged by what they say themselves."""

from collections.abc import Callable
from pathlib import Path

from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.verify.examined import Doubt, Examined, short_id
from ciwen_crawler.verify.finding import Finding
from ciwen_crawler.verify.judgement import CAPTURES, Unpacked, others
from ciwen_crawler.warc.files import WARC, size_of
from ciwen_crawler.warc.manifest import digest_of
from ciwen_crawler.warc.reader import records
from ciwen_crawler.warc.record import Record


def examine_foreign(path: Path, start: int = 0, advance: Callable[[int], None] = lambda _: None) -> Examined:
    """Examine a file from a record of it on; `advance` is told how many bytes were read.

    No run takes it up, so it may have a line in the manifest. Raises UnreadableInput where it may not be read.
    """
    found = Examined(path.name, f"{WARC}/{path.name}", start, start)
    try:
        for record in records(path, start):
            _take(found, record)
            advance(record.length)
        found.size = size_of(path)
        found.sha256 = None if start else digest_of(path)
    except UnreadableInput as error:
        if isinstance(error.__cause__, PermissionError):
            raise
        found.is_readable = False
        found.findings.append(Finding(found.place, found.size, str(error).removeprefix(f"{path}: ")))
    return found


def _take(found: Examined, record: Record) -> None:
    fields = {name.lower(): value for name, value in reversed(record.fields)}  # of several the first counts
    record_id = fields.get("warc-record-id", "")
    unpacked = Unpacked(
        record.offset, b"", record.version, record.type, record_id, fields, 0, memoryview(record.block), None
    )
    found.odd += (Doubt(Finding(found.place, record.offset, what), found.start) for what in others(unpacked))
    found.records += 1
    found.size = record.offset + record.length
    if record.type in CAPTURES and record_id:
        found.ids += short_id(record_id)
        found.places.append(record.offset)
