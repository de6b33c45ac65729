"""WACZ 1.1.1 (specs.webrecorder.net/wacz/1.1.1): an archive, or a period of it, as one file that ReplayWeb.page opens.

Written front to back, so that it may be as large as the disk: WARC files, their index, the articles as pages, and the
description that holds the digests of all of them.
"""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ciwen_crawler import clock
from ciwen_crawler.capture import LIST
from ciwen_crawler.crawl import SOFTWARE
from ciwen_crawler.errors import UnreadableInput, UsageError
from ciwen_crawler.exports import cdxj
from ciwen_crawler.exports.excerpt import Excerpt
from ciwen_crawler.exports.output import Written, opened
from ciwen_crawler.exports.package import Package
from ciwen_crawler.exports.selection import CaptureRow, Held, Page, Selection
from ciwen_crawler.exports.sorting import Sorter
from ciwen_crawler.exports.words import words
from ciwen_crawler.exports.zipnum import ZipNum
from ciwen_crawler.period import Period
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.warc.writer import Span

VERSION = "1.1.1"
_PIECE = 1024 * 1024
_EXCERPT = "excerpt-of-"  # the bytes are others than those of the file that has the name


def write(database: Database, folder: Path, target: str | None, period: Period) -> Written | None:
    """Pack an archive's captures of a period, and the originals that revisits among them refer to.

    Without a period the WARC files are in it as they are. `target` is a file, `-` or None for standard output, which
    must be no terminal. UsageError where there is no capture; None where who reads that left before the end.
    """
    selection = Selection(database, folder, period)
    if selection.is_empty():
        raise UsageError(f"{folder} holds no capture" + ("" if period.is_all else " of that period"))
    with Sorter() as sorter, opened(target, is_text=False) as output:
        with Package(output) as package:
            contents = _Contents(selection, sorter)
            contents.add_to(package)
            description = _description(database, selection, contents, package)
            digest = package.add("datapackage.json", [_json(description)]).sha256
            package.add("datapackage-digest.json", [_json({"path": "datapackage.json", "hash": f"sha256:{digest}"})])
        output.flush()
        return Written(contents.captures, output.size, contents.pages)
    return None


class _Contents:
    """What the description describes."""

    def __init__(self, selection: Selection, sorter: Sorter) -> None:
        self._selection = selection
        self._sorter = sorter
        self.captures = self.pages = 0
        self.first = self.last = ""  # moments of captures
        self.newest: Page | None = None

    def add_to(self, package: Package) -> None:
        for held in self._selection.files:
            self._add_file(package, held)
        index = ZipNum("index.cdx.gz")
        package.add("indexes/index.cdx.gz", index.members(self._sorter.lines()), is_packed=True)
        package.add("indexes/index.idx", [index.index()])
        package.add("pages/pages.jsonl", self._page_lines())

    def _add_file(self, package: Package, held: Held) -> None:
        rows = self._selection.rows(held)
        if self._selection.period.is_all:
            package.add(f"archive/{held.name}", self._copied(held), is_packed=True)
            for row in rows:
                self._index(row, Span(held.name, row.warc_offset, row.warc_length))
        elif first := next(rows, None):
            name = _EXCERPT + held.name
            package.add(f"archive/{name}", self._excerpted(held, name, chain([first], rows)), is_packed=True)

    def _copied(self, held: Held) -> Iterator[bytes]:
        left = held.end
        with self._selection.opened(held.name) as file:
            while left and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece
        if left:
            raise UnreadableInput(f"{file.name}: cut short at byte {held.end - left} while it was read")

    def _excerpted(self, held: Held, name: str, rows: Iterator[CaptureRow]) -> Iterator[bytes]:
        offset = 0
        with self._selection.opened(held.name) as file:
            for member, row in Excerpt(Path(file.name), file, held.end).members(rows):
                if row is not None:
                    self._index(row, Span(name, offset, len(member)))
                offset += len(member)
                yield member

    def _index(self, row: CaptureRow, span: Span) -> None:
        self._sorter.add(cdxj.exact_line(row, span))
        self.captures += 1
        self.first = min(self.first or row.fetched_at, row.fetched_at)
        self.last = max(self.last, row.fetched_at)

    def _page_lines(self) -> Iterator[bytes]:
        yield _line({"format": "json-pages-1.0", "id": "pages", "title": "Articles", "hasText": True})
        for page in self._selection.pages():
            self.pages += 1
            if self.newest is None or page.fetched_at > self.newest.fetched_at:
                self.newest = page
            yield _line(
                {
                    "id": f"{page.article_id}-{page.number}",
                    "url": page.url,
                    "ts": page.fetched_at,
                    "title": page.title or page.url,
                    "text": _searched(page),
                }
            )


def _searched(page: Page) -> str:
    """What is looked for and shown around a hit: the title first, for hits in it alone."""
    read = "\n".join(filter(None, (page.title, page.text)))
    return f"{read}\n{words(read)}"


def _description(database: Database, selection: Selection, contents: _Contents, package: Package) -> dict[str, Any]:
    c = schema.captures.c
    home = selection.newest(c.kind == LIST, c.via.is_(None), c.status == 200) or contents.newest
    channels = database.connection.execute(
        select(schema.crawls.c.channel).where(schema.crawls.c.channel.is_not(None)).distinct().order_by("channel")
    ).scalars()
    main = {"mainPageUrl": home.url, "mainPageDate": home.fetched_at} if home else {}
    return {
        "profile": "data-package",
        "wacz_version": VERSION,
        "software": SOFTWARE,
        "created": clock.now(),
        "title": "、".join(channels) or "Web archive",
        "description": (
            f"{contents.pages} versions of articles in {contents.captures} captures, "
            f"from {contents.first} to {contents.last}."
        ),
        **main,
        "resources": [
            {
                "name": resource.path.rpartition("/")[2].lower(),
                "path": resource.path,
                "hash": f"sha256:{resource.sha256}",
                "bytes": resource.size,
            }
            for resource in package.resources
        ],
    }


def _json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def _line(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, ensure_ascii=False) + "\n").encode()
