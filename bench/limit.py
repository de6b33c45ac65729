"""What reading an archive costs at the least, run as a program: each HTML page decoded and parsed, nothing more."""

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import lxml.html
from fastwarc.warc import ArchiveIterator, WarcRecordType
from isal import isal_zlib


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a WARC file, from the start of a record to that of another."""

    file: Path
    start: int
    end: int


def spans(files: list[Path], parts: int) -> list[Span]:
    """Each file cut into parts of about equal length, at the starts of records."""
    return [span for file in files for span in _cut(file, parts)]


def _cut(file: Path, parts: int) -> list[Span]:
    size = file.stat().st_size
    starts = [record.stream_pos for record in ArchiveIterator(str(file), parse_http=False)]
    cuts = [min(starts, key=lambda start, wanted=size * part // parts: abs(start - wanted)) for part in range(parts)]
    return [Span(file, start, end) for start, end in zip(cuts, [*cuts[1:], size], strict=True)]


def parse(span: Span) -> int:
    """How many HTML pages of status 200 there are in a span, each parsed."""
    pages = 0
    with span.file.open("rb") as stream:
        stream.seek(span.start)
        # With auto_decode="all" FastWARC 2.0 ends at the first body that is both chunked and compressed.
        for record in ArchiveIterator(
            stream, record_types=WarcRecordType.response, parse_http=True, auto_decode="transfer"
        ):
            if record.stream_pos >= span.end:
                break
            if record.http_headers.status_code == 200 and record.http_content_type == "text/html":
                body = record.reader.read()
                is_gzip = record.http_headers.get("Content-Encoding") == "gzip"
                lxml.html.document_fromstring(isal_zlib.decompress(body, wbits=31) if is_gzip else body)
                pages += 1
    return pages


def main(arguments: list[str]) -> None:
    """JOBS, then FILE START END for each span; prints how many pages there were."""
    jobs, words = int(arguments[0]), arguments[1:]
    given = [
        Span(Path(file), int(start), int(end))
        for file, start, end in zip(words[::3], words[1::3], words[2::3], strict=True)
    ]
    if jobs == 1:
        print(sum(map(parse, given)))
        return
    with ProcessPoolExecutor(jobs) as processes:
        print(sum(processes.map(parse, given)))


if __name__ == "__main__":
    main(sys.argv[1:])
