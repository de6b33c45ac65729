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
from ciwen_crawler.exports.originals import Originals
from ciwen_crawler.original import Original
from ciwen_crawler.period import Period
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.place import end_of, end_within, must_be_there, named
from ciwen_crawler.warc.files import WARC, size_of, warc_files
from ciwen_crawler.warc.record import RESPONSE
from ciwen_crawler.warc.writer import OPEN

CaptureRow = Any  # a row of the columns below
_c = schema.captures.c
COLUMNS = (
    *(_c.id, _c.url, _c.fetched_at, _c.status, _c.mime, _c.record_type, _c.payload_digest),
    *(_c.warc_file, _c.warc_offset, _c.warc_length),
)
_AT_ONCE = 1000
NOT_MODIFIED = 304  # as a status; pywb answers one itself, with no page
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

    Making one raises UnreadableInput where a file is gone or cut short that rows follow from.
    """

    def __init__(self, database: Database, folder: Path, period: Period) -> None:
        self._database = database
        self._connection = database.connection
        self._folder = folder / WARC
        self.period = period
        self.files = self._files(folder)
        self._ends = dict(self.files)
        self._originals = Originals(database, folder)
        if not period.is_all:
            self._originals.add(self._ends, self._within(_c.fetched_at))

    def _files(self, folder: Path) -> list[Held]:
        # Asked before the folder: a file that a run begins between the two has no row that is known here.
        ends = {name: end_of(self._database, name) for name in named(self._database)}
        must_be_there(self._database, folder)
        for path in warc_files(folder):
            try:
                size = size_of(path)
            except UnreadableInput as error:
                if isinstance(error.__cause__, FileNotFoundError):
                    continue  # a run takes it up at this moment
                raise
            end_within(self._database, path, size)
            ends[path.name] = size
        return [Held(name, ends[name]) for name in sorted(ends)]

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
        query = select(*COLUMNS).where(*_lying_in(held), self._selected())
        after = -1
        while found := self._connection.execute(
            query.where(_c.warc_offset > after).order_by(_c.warc_offset).limit(_AT_ONCE)
        ).all():
            yield from found
            after = found[-1].warc_offset

    def pages(self) -> Iterator[Page]:
        """The versions of articles whose first pages are selected, article by article."""
        v, p, original = schema.versions.c, schema.version_captures.c, schema.captures.alias()
        is_response = original.c.record_type == RESPONSE
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
            .outerjoin(original, and_(_c.status == NOT_MODIFIED, original.c.id == _c.refers_to, is_response))
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
                yield Page(row.article_id, row.number, *self._shown(row), row.title, text)
            after = (found[-1].article_id, found[-1].number)

    def _shown(self, row: CaptureRow) -> tuple[str, str]:
        """URL and moment of the capture that shows a page."""
        if row.shown_url is None and row.status == NOT_MODIFIED:
            place = row.warc_file, row.warc_offset, row.warc_length
            revisit = Original(row.id, row.url, row.fetched_at, row.payload_digest, *place)
            query = select(_c.url, _c.fetched_at).where(_c.id == self._originals.of(revisit))
            row = self._connection.execute(query).first() or row
            return row.url, row.fetched_at
        return row.shown_url or row.url, row.shown_at or row.fetched_at

    def _captions(self, first: str, last: str) -> dict[tuple[str, int], list[str]]:
        i = schema.images.c
        query = select(i.article_id, i.version, i.caption).where(
            i.article_id.between(first, last), i.caption.is_not(None)
        )
        found: dict[tuple[str, int], list[str]] = {}
        for row in self._connection.execute(query.order_by(i.article_id, i.version, i.position)):
            found.setdefault((row.article_id, row.version), []).append(row.caption)
        return found

    def is_empty(self) -> bool:
        """Whether there is no capture. Originals are there only beside the revisits that refer to them."""
        within = self._within(_c.fetched_at)
        return not any(self._database.has_row(*_lying_in(held), within) for held in self.files)

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
        return or_(self._within(_c.fetched_at), refers.exists(), _c.id.in_(self._originals.ids))

    def _within(self, moment: ColumnElement[str]) -> ColumnElement[bool]:
        since, until = self.period
        return and_(moment >= since if since else true(), moment <= until if until else true())


def _lying_in(held: Held) -> tuple[ColumnElement[bool], ...]:
    return _c.warc_file == held.name, _c.warc_offset + _c.warc_length <= held.end
