"""What an archive's database holds, read with nothing but sqlite3."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def select(archive: Path, query: str, *values: object) -> Rows:
    """The rows of a query."""
    with closing(sqlite3.connect(f"file:{archive / 'ciwen.sqlite'}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query, values)]


def tables(archive: Path) -> dict[str, Rows]:
    """Every row of every table, in the order of their keys."""
    names = [row["name"] for row in select(archive, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: select(archive, f"SELECT * FROM {name} ORDER BY {_keys(archive, name)}") for name in sorted(names)}


def counts(archive: Path) -> dict[str, int]:
    """How many rows each table has."""
    return {name: len(rows) for name, rows in tables(archive).items()}


def _keys(archive: Path, table: str) -> str:
    columns = select(archive, f"SELECT name FROM pragma_table_info('{table}') WHERE pk ORDER BY pk")
    return ", ".join(column["name"] for column in columns)
