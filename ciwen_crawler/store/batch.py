"""Rows that wait to be written together: one transaction for hundreds of them."""

from collections.abc import Callable, Collection, Iterable, Sequence

from sqlalchemy import Table, delete
from sqlalchemy.dialects.sqlite import insert

from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.rows import Row

# Parents before children. A capture, a listing and a decision are what they are, so a repeat is passed over.
_ONCE = (schema.captures, schema.listings, schema.decisions)
_NEWEST = (schema.crawls, schema.articles, schema.versions, schema.images, schema.version_captures, schema.quarantine)
# Children before parents, each with its column that names the article.
_OF_AN_ARTICLE = (
    (schema.images, schema.images.c.article_id),
    (schema.version_captures, schema.version_captures.c.article_id),
    (schema.versions, schema.versions.c.article_id),
    (schema.articles, schema.articles.c.id),
)


class Batch:
    """What is to be written next. `before` is called ahead of each commit: what rows follow from must be durable."""

    def __init__(self, database: Database, before: Callable[[], None]) -> None:
        self._database = database
        self._before = before
        self._rows: dict[Table, dict[tuple[object, ...], Row]] = {table: {} for table in (*_ONCE, *_NEWEST)}
        self._forgotten: set[str] = set()
        self.size = 0

    def add(self, table: Table, rows: Iterable[Row]) -> None:
        """Rows to be written; one with the key of an earlier one takes its place, but for those of `_ONCE`."""
        waiting = self._rows[table]
        keys = [column.name for column in table.primary_key]
        for row in rows:
            key = tuple(row[name] for name in keys)
            if table in _ONCE and key in waiting:
                continue
            waiting[key] = row
            self.size += 1

    def waiting(self, table: Table) -> Collection[Row]:
        """The rows of a table that are still to be written."""
        return self._rows[table].values()

    def forget(self, article_id: str) -> None:
        """Take away an article's rows, written ones and waiting ones, before its new ones come."""
        self._forgotten.add(article_id)
        for table, _ in _OF_AN_ARTICLE:
            waiting = self._rows[table]
            for key in [key for key in waiting if key[0] == article_id]:
                del waiting[key]

    def flush(self) -> None:
        """Write and commit all that waits."""
        if not self.size and not self._forgotten:
            return
        self._before()
        with self._database.transaction() as connection:
            for article_id in self._forgotten:
                for table, column in _OF_AN_ARTICLE:
                    connection.execute(delete(table).where(column == article_id))
            for table, rows in self._rows.items():
                if rows:
                    self._write(table, list(rows.values()))
        self._forgotten.clear()
        for rows in self._rows.values():
            rows.clear()
        self.size = 0

    def _write(self, table: Table, rows: Sequence[Row]) -> None:
        statement = insert(table)
        if table in _ONCE:
            statement = statement.on_conflict_do_nothing()
        else:
            keys = [column.name for column in table.primary_key]
            others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
            statement = statement.on_conflict_do_update(index_elements=keys, set_=others)
        self._database.connection.execute(statement, rows)
