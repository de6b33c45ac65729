"""CDXJ: the index by which replay finds captures, a line each, sorted (specs.webrecorder.net/cdxj).

    cn,com,china,ci)/ 20250604083512 {"url": "http://ci.china.com.cn/", "mime": "text/html", "status": "200", …}

Keys and values are those that cdxj-indexer writes for response, revisit and resource records.
"""

import json
from pathlib import Path

from ciwen_crawler.exports.output import Written, opened
from ciwen_crawler.exports.selection import NOT_MODIFIED, CaptureRow, Selection
from ciwen_crawler.exports.sorting import Sorter
from ciwen_crawler.exports.surt import surt
from ciwen_crawler.period import Period
from ciwen_crawler.store.database import Database
from ciwen_crawler.warc.record import REVISIT
from ciwen_crawler.warc.writer import Span

_NO_DIGITS = str.maketrans("", "", "-T:.")


def write(database: Database, folder: Path, target: str | None, period: Period) -> Written | None:
    """Index an archive's captures of a period, and the originals that revisits among them refer to.

    `target` is a file, `-` or None for standard output. None is given where who reads that left before the end.
    """
    selection = Selection(database, folder, period)
    captures = 0
    with Sorter() as sorter:
        for held in selection.files:
            for row in selection.rows(held):
                sorter.add(line(row, Span(row.warc_file, row.warc_offset, row.warc_length)))
                captures += 1
        with opened(target, is_text=True) as output:
            for each in sorter.lines():
                output.write(each)
            output.flush()
            return Written(captures, output.size)
    return None


def line(row: CaptureRow, span: Span) -> bytes:
    """The line of a capture whose record lies there."""
    return _written(row, span, _digits(row.fetched_at, "2025-06-04T08:35:12"), row.status)


def exact_line(row: CaptureRow, span: Span) -> bytes:
    """The line that wabac.js needs to find the original of each revisit.

    To the millisecond: it looks for an original by its very moment, and would take the next capture for one of an
    earlier second. And a 304 without its status, with which it shows no body whatever the record refers to.
    """
    status = "-" if row.status == NOT_MODIFIED else row.status
    return _written(row, span, _digits(row.fetched_at, "2025-06-04T08:35:12.123"), status)


def _written(row: CaptureRow, span: Span, stamp: str, status: int | str | None) -> bytes:
    fields = {
        "url": row.url.replace(" ", "%20"),  # as those that read the record mend it
        "mime": "warc/revisit" if row.record_type == REVISIT else row.mime,
        "status": None if status is None else str(status),
        "digest": row.payload_digest,
        "length": str(span.length),
        "offset": str(span.offset),
        "filename": span.file,
    }
    told = json.dumps({name: value for name, value in fields.items() if value is not None})
    return f"{surt(row.url)} {stamp} {told}\n".encode()


def _digits(moment: str, up_to: str) -> str:
    """The digits of a moment, as many as those of another."""
    return moment[: len(up_to)].translate(_NO_DIGITS)
