"""Originals of revisits that do not name them by the id of a response: others name URL and moment, or another revisit.

Only the records tell, so each such revisit is read. What is found lies in a temporary table, as there may be more than
memory holds.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Column, ColumnElement, MetaData, ScalarSelect, Select, String, Table, insert, select
from sqlalchemy.schema import CreateTable

from ciwen_crawler.original import Original
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.memory import Memory
from ciwen_crawler.warc.files import WARC
from ciwen_crawler.warc.record import RESPONSE, REVISIT

_AT_ONCE = 1000
_c = schema.captures.c
_found = Table("found_originals", MetaData(), Column("id", String, primary_key=True), prefixes=["TEMPORARY"])
_named = schema.captures.alias()
_REVISITS = select(
    *(_c.id, _c.url, _c.fetched_at, _c.payload_digest, _c.warc_file, _c.warc_offset, _c.warc_length)
).where(
    _c.record_type == REVISIT,
    ~select(_named.c.id).where(_named.c.id == _c.refers_to, _named.c.record_type == RESPONSE).exists(),
)


class Originals:
    """Finds them, and remembers those that `add` found."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._connection = database.connection
        self._memory = Memory(database, folder / WARC)
        self._connection.execute(CreateTable(_found, if_not_exists=True))
        self._connection.execute(_found.delete())

    def add(self, files: Iterable[str], condition: ColumnElement[bool]) -> None:
        """Find those of the revisits in these files that meet the condition."""
        for file in files:
            query = _REVISITS.where(_c.warc_file == file, condition).order_by(_c.warc_offset).limit(_AT_ONCE)
            for found in self._found(query):
                self._connection.execute(insert(_found).prefix_with("OR IGNORE"), found)

    def _found(self, query: Select[str, str, str, str | None, str, int, int]) -> Iterator[list[dict[str, str]]]:
        after = -1
        while rows := self._connection.execute(query.where(_c.warc_offset > after)).all():
            originals = (self.of(Original(*row)) for row in rows)
            if found := [{"id": each} for each in originals if each]:
                yield found
            after = rows[-1].warc_offset

    def of(self, revisit: Original) -> str | None:
        """The id of the one whose payload a revisit has, which lies there; None where the archive lacks it."""
        record = self._memory.record(revisit)
        original = self._memory.original_of(record) if record else None
        return original.id if original else None

    @property
    def ids(self) -> ScalarSelect[str]:
        """Those that were found."""
        return select(_found.c.id).scalar_subquery()
