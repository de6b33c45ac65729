"""Compares two databases, row by row: the one that an archive holds, and one derived anew from its records."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from ciwen_crawler.store import schema
from ciwen_crawler.store.rows import Row

MOST = 1000  # differences told of one table

# What a finding tells of a row beside its key.
_PLACED = {schema.captures.name: ("warc_file", "warc_offset")}


class Comparison:
    """The held and the derived database side by side. Rows are compared by SQLite, so memory stays small.

    Any use of it may raise sqlite3.DatabaseError, where the file that is held turns out to be damaged.
    """

    def __init__(self, held: Path, derived: Path) -> None:
        self._connection = sqlite3.connect(f"{derived.absolute().as_uri()}?mode=ro", uri=True)
        self._connection.text_factory = lambda text: text.decode("utf-8", "backslashreplace")
        self._connection.execute("ATTACH DATABASE ? AS held", (f"{held.absolute().as_uri()}?mode=ro",))
        self.rows = 0  # compared so far

    def __enter__(self) -> "Comparison":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def differences(self) -> Iterator[str]:
        """All that differs: a line for each row, and for what SQLite itself finds wrong with its file."""
        for (told,) in self._execute(f"PRAGMA held.integrity_check({MOST})"):
            if told != "ok":
                yield f"SQLite finds it damaged: {told}"
        yield from self._lacking()
        for table in schema.metadata.sorted_tables:
            if self._columns("main", table) == self._columns("held", table):
                yield from self._rows(table)
            else:
                yield f"{table.name}: its columns are not those of this schema"

    def _lacking(self) -> Iterator[str]:
        """Tables, indexes and views that are not there, or another than they should be."""
        objects = "SELECT type, name, CASE type WHEN 'view' THEN sql END FROM {}.sqlite_master WHERE sql IS NOT NULL"
        for kind, name, _ in self._execute(f"{objects.format('main')} EXCEPT {objects.format('held')}"):
            yield f"{kind} {name}: missing, or another than this schema has"

    def _columns(self, database: str, table: Table) -> list[Any]:
        query = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?, ?)'
        return list(self._execute(query, table.name, database))

    def _rows(self, table: Table) -> Iterator[str]:
        self.rows += next(self._execute(f"SELECT count(*) FROM held.{table.name}"))[0]  # noqa: S608 - the schema's name
        told = 0
        for row in self._only_in("main", "held", table):
            told += 1
            yield self._lacking_row(table, row)
        for row in self._only_in("held", "main", table):
            if self._same_key("main", table, row) is None:
                told += 1
                yield f"{_key(table, row)}: no record gives this row{_place(table, row)}"
        if told >= MOST:
            yield f"{table.name}: {MOST} differences are told, and there may be more"

    def _lacking_row(self, table: Table, row: Row) -> str:
        held = self._same_key("held", table, row)
        if held is None:
            return f"{_key(table, row)}: missing, and its record is there{_place(table, row)}"
        wrong = [name for name in row if (type(held[name]), held[name]) != (type(row[name]), row[name])]
        return f"{_key(table, row)}: {', '.join(wrong)} not as the records say{_place(table, row)}"

    def _only_in(self, one: str, other: str, table: Table) -> Iterator[Row]:
        names = [column.name for column in table.c]
        columns, keys = ", ".join(names), ", ".join(_keys(table))
        rows = f"SELECT {columns} FROM {{}}.{table.name}"  # noqa: S608 - the schema's names
        for row in self._execute(f"{rows.format(one)} EXCEPT {rows.format(other)} ORDER BY {keys} LIMIT {MOST}"):
            yield dict(zip(names, row, strict=True))

    def _same_key(self, database: str, table: Table, row: Row) -> Row | None:
        names, keys = ", ".join(row), _keys(table)
        where = " AND ".join(f"{key} IS ?" for key in keys)
        query = f"SELECT {names} FROM {database}.{table.name} WHERE {where}"  # noqa: S608 - the schema's names
        found = next(self._execute(query, *(row[key] for key in keys)), None)
        return dict(zip(row, found, strict=True)) if found else None

    def _execute(self, query: str, *values: object) -> Iterator[Any]:
        with closing(self._connection.cursor()) as cursor:
            yield from cursor.execute(query, values)


def _keys(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


def _key(table: Table, row: Row) -> str:
    return f"{table.name} {', '.join(str(row[key]) for key in _keys(table))}"


def _place(table: Table, row: Row) -> str:
    if table.name not in _PLACED:
        return ""
    file, offset = (row[name] for name in _PLACED[table.name])
    return f" (warc/{file} at byte {offset})"
