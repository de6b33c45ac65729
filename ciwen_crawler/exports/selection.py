"""Selection: which captures of an archive an export holds, and the bytes in which they lie.

A run may write meanwhile. What is durable when the selection is made counts: of a file at rest all of it, of one that
is being written all up to its last row. Rows are asked for in small parts, as a long question would keep a run from
beginning.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select, true, tuple_

from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.period import Period
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.warc.files import WARC, warc_files
from ciwen_crawler.warc.writer import OPEN

CaptureRow = Any  # a row of the columns below
_c = schema.captures.c
COLUMNS = (
    *(_c.id, _c.url, _c.fetched_at, _c.status, _c.mime, _c.record_type, _c.payload_digest),
    *(_c.warc_file, _c.warc_offset, _c.warc_length),
)
_AT_ONCE = 1000
_NOT_MODIFIED = 304  # pywb answers one itself, with no page
_PAGES_AT_ONCE = 50  # with their text


class Held(NamedTuple):
    """What is durable of a WARC file."""

    name: str  # final
    end: int  # bytes


class Page(NamedTuple):
    """A version of an article, and the capture that shows its first page: where that is a 304, its original."""

    article_id: str
    number: int
    url: str  # as captured
    fetched_at: str
    title: str | None
    text: str  # the body, then its captions, a line each


class Selection:
    """The captures of a period, and always the originals that revisits among them refer to.

    Making one raises UnreadableInput where a file is gone that rows follow from.
    """

    def __init__(self, database: Database, folder: Path, period: Period) -> None:
        self._connection = database.connection
        self._folder = folder / WARC
        self.period = period
        self.files = self._files(folder)
        self._ends = dict(self.files)

    def _files(self, folder: Path) -> list[Held]:
        # Asked before the folder: a file that a run begins between the two has no row that is known here.
        ends = {name: end for name, end in self._connection.execute(_ENDS)}  # noqa: C416 - rows are no pairs to mypy
        sizes = {path.name: path.stat().st_size for path in warc_files(folder)}
        open_ones = {path.name.removesuffix(OPEN) for path in self._folder.glob("*" + OPEN)}
        for name in sorted(ends.keys() - sizes.keys() - open_ones):
            raise UnreadableInput(
                f"{self._folder / name} is gone, and rows follow from it: put it back, or let "
                f"`ciwen rebuild --archive {folder}` make the database of what is left"
            )
        for name in sorted(sizes):
            if sizes[name] < ends.get(name, 0):
                raise UnreadableInput(
                    f"{self._folder / name}: cut short at byte {sizes[name]}, its rows go to {ends[name]}"
                )
        return [Held(name, (ends | sizes)[name]) for name in sorted(ends | sizes)]

    def opened(self, name: str) -> BinaryIO:
        """A file for reading, whether a run is writing it or not. Raises UnreadableInput."""
        for candidate in (name, name + OPEN, name):  # it may be renamed between the first two
            try:
                return (self._folder / candidate).open("rb")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise UnreadableInput(f"cannot read {self._folder / candidate}: {error.strerror}") from error
        raise UnreadableInput(f"{self._folder / name} is gone")

    def rows(self, held: Held) -> Iterator[CaptureRow]:
        """The selected captures of a file, in the order in which they lie."""
        query = select(*COLUMNS).where(
            _c.warc_file == held.name, _c.warc_offset + _c.warc_length <= held.end, self._selected()
        )
        after = -1
        while found := self._connection.execute(
            query.where(_c.warc_offset > after).order_by(_c.warc_offset).limit(_AT_ONCE)
        ).all():
            yield from found
            after = found[-1].warc_offset

    def pages(self) -> Iterator[Page]:
        """The versions of articles whose first pages are selected, article by article."""
        v, p, original = schema.versions.c, schema.version_captures.c, schema.captures.alias()
        m = schema.version_captures.alias().c
        first = (
            select(func.min(m.page))
            .where(m.article_id == p.article_id, m.version == p.version)
            .correlate(schema.version_captures)
            .scalar_subquery()
        )
        query = (
            select(v.article_id, v.number, v.title, v.body, *COLUMNS)
            .add_columns(original.c.url.label("shown_url"), original.c.fetched_at.label("shown_at"))
            .select_from(schema.versions)
            .join(schema.version_captures, and_(p.article_id == v.article_id, p.version == v.number, p.page == first))
            .join(schema.captures, _c.id == p.capture_id)
            .outerjoin(original, and_(_c.status == _NOT_MODIFIED, original.c.id == _c.refers_to))
            .where(self._selected())
            .order_by(v.article_id, v.number)
            .limit(_PAGES_AT_ONCE)
        )
        after = ("", 0)
        while found := self._connection.execute(query.where(tuple_(v.article_id, v.number) > after)).all():
            captions = self._captions(found[0].article_id, found[-1].article_id)
            for row in filter(self._is_held, found):
                lines = [row.body, *captions.get((row.article_id, row.number), ())]
                text = "\n".join(filter(None, lines))
                url, fetched_at = row.shown_url or row.url, row.shown_at or row.fetched_at
                yield Page(row.article_id, row.number, url, fetched_at, row.title, text)
            after = (found[-1].article_id, found[-1].number)

    def _captions(self, first: str, last: str) -> dict[tuple[str, int], list[str]]:
        i = schema.images.c
        query = select(i.article_id, i.version, i.caption).where(
            i.article_id.between(first, last), i.caption.is_not(None)
        )
        found: dict[tuple[str, int], list[str]] = {}
        for row in self._connection.execute(query.order_by(i.article_id, i.version, i.position)):
            found.setdefault((row.article_id, row.version), []).append(row.caption)
        return found

    def newest(self, *conditions: ColumnElement[bool]) -> CaptureRow | None:
        """The newest selected capture that meets the conditions."""
        query = select(*COLUMNS).where(self._selected(), *conditions).order_by(_c.fetched_at.desc(), _c.id)
        return next(filter(self._is_held, self._connection.execute(query.limit(_AT_ONCE)).all()), None)

    def _is_held(self, row: CaptureRow) -> bool:
        return bool(row.warc_offset + row.warc_length <= self._ends.get(row.warc_file, 0))

    def _selected(self) -> ColumnElement[bool]:
        if self.period.is_all:
            return true()
        revisit = schema.captures.alias()
        refers = select(revisit.c.id).where(revisit.c.refers_to == _c.id, self._within(revisit.c.fetched_at))
        return or_(self._within(_c.fetched_at), refers.exists())

    def _within(self, moment: ColumnElement[str]) -> ColumnElement[bool]:
        since, until = self.period
        return and_(moment >= since if since else true(), moment <= until if until else true())


_ENDS = select(_c.warc_file, func.max(_c.warc_offset + _c.warc_length)).group_by(_c.warc_file)
