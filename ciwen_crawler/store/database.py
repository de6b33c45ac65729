"""The SQLite file: made, opened, checked, and left so that anybody may read it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, ColumnElement, Connection, create_engine, event, literal, select
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from ciwen_crawler.errors import CannotWrite, CiwenError, SchemaMismatch, UnreadableInput
from ciwen_crawler.store.schema import LATEST, SCHEMA_VERSION, dumps, meta, metadata

NAME = "ciwen.sqlite"
_BUSY_MS = 10_000
_COMPANIONS = ("-wal", "-shm", "-journal")

# What SQLite says of a file that is none of its own or damaged, and where the system refuses (sqlite.org/rescode.html).
# Its other errors are this program's.
_NO_DATABASE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NOT_NOW = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_REFUSED = _NOT_NOW | {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}


class Database:
    """One connection. Statements outside `transaction` are on their own, as reads are.

    Any use of it may raise SchemaMismatch, where the file turns out to be damaged or is none of Ciwen's, and where the
    system refuses CannotWrite, or UnreadableInput when it is only to be read.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        must_be_file(path)
        self.path = path
        self._read_only = read_only
        # Put together, not written as one: a name may hold what has a meaning in URLs.
        query = {"mode": "ro" if read_only else "rwc", "uri": "true"}
        engine = create_engine(
            URL.create("sqlite", database="file:" + _uri_path(path), query=query),
            isolation_level="AUTOCOMMIT",
            json_serializer=dumps,
            poolclass=NullPool,
        )
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "handle_error", self._explain)
        self.connection: Connection = engine.connect()
        self._check()

    def _check(self) -> None:
        tables = self.connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").scalars().all()
        if not tables and not self._read_only:
            self._create()
            return
        found = None
        if "meta" in tables:
            query = "SELECT value FROM meta WHERE key = 'schema_version'"
            found = self.connection.exec_driver_sql(query).scalar()
        if found != SCHEMA_VERSION:
            kind = f"schema {found}, not {SCHEMA_VERSION}" if found else "no schema of Ciwen's"
            raise SchemaMismatch(f"{self.path} has {kind}: {_advice(self.path)}")

    def _create(self) -> None:
        with self.transaction():
            metadata.create_all(self.connection)
            self.connection.exec_driver_sql(LATEST)
            self.connection.execute(meta.insert(), [{"key": "schema_version", "value": SCHEMA_VERSION}])

    def _explain(self, context: ExceptionContext) -> None:
        """Raise in place of SQLite's error what it means to the user, where it means anything."""
        error = context.original_exception
        code = _code(error)
        if code in _NO_DATABASE:
            raise SchemaMismatch(f"{self.path} is damaged or no database ({error}): {_advice(self.path)}") from error
        if code in _REFUSED:
            raise self._refused(error) from error

    def _refused(self, error: BaseException) -> CiwenError:
        if self._read_only:
            # One that a run is writing, or a killed run left, opens for those alone who may write beside it.
            advice = "may you read it? One that a killed run left is mended by its owner's next run"
            return UnreadableInput(f"cannot read {self.path} ({error}): {advice}")
        return CannotWrite(f"cannot write {self.path} ({error})")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing."""
        self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self.connection.exec_driver_sql("COMMIT")
        except BaseException:
            # Where the disk is full SQLite has gone back by itself.
            if self.connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
                self.connection.exec_driver_sql("ROLLBACK")
            raise

    def has_row(self, *conditions: ColumnElement[bool]) -> bool:
        """Whether there is any row that meets the conditions."""
        return self.connection.execute(select(literal(1)).where(*conditions).limit(1)).first() is not None

    def begin_building(self) -> None:
        """Nothing is durable before `replace`: who builds a database begins again after a crash."""
        self.connection.exec_driver_sql("PRAGMA synchronous = OFF")

    def begin_writing(self) -> None:
        """Readers go on while a run writes."""
        self.connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    def end_writing(self) -> None:
        """No companion files stay, so that who has read permission alone can open the file.

        A reader that is in the middle of a query keeps the WAL alive; the next run's end removes it.
        """
        self.connection.exec_driver_sql("PRAGMA busy_timeout = 1000")
        try:
            self.connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
        except CannotWrite as refused:
            if _code(refused.__cause__) not in _NOT_NOW:
                raise

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()


def must_be_file(path: Path) -> None:
    """SchemaMismatch where a folder stands in a database's place, which is nobody's to take away."""
    if path.is_dir():
        raise SchemaMismatch(f"{path} is a folder, not a database: move it away, then {_advice(path)}")


def _advice(path: Path) -> str:
    return f"`ciwen rebuild --archive {path.parent}` makes it again from {path.parent / 'warc'}"


def _code(error: BaseException | None) -> int:
    """SQLite's primary error code, 0 for other errors; extended codes say more in their higher bits."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    # Enough in WAL mode: what a power cut takes back is derived again from the WARC files.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _uri_path(path: Path) -> str:
    return path.absolute().as_uri().removeprefix("file://")


def remove(path: Path) -> None:
    """Take a database away, with the companions that would bring old rows back into the next one."""
    for each in (path, *(path.with_name(path.name + suffix) for suffix in _COMPANIONS)):
        each.unlink(missing_ok=True)


def replace(path: Path, built: Path) -> None:
    """Put a database that was built beside in the place of another.

    Killed half way, there is none, which the next run makes again; never an old file without its WAL.
    """
    with built.open("rb") as file:
        os.fsync(file.fileno())
    remove(path)
    built.replace(path)
