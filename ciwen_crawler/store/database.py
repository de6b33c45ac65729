"""The SQLite file: made, opened, checked, and left so that anybody may read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from ciwen_crawler.errors import CannotWrite, SchemaMismatch
from ciwen_crawler.store.schema import LATEST, SCHEMA_VERSION, dumps, meta, metadata

NAME = "ciwen.sqlite"
_BUSY_MS = 10_000
_COMPANIONS = ("-wal", "-shm", "-journal")
_ADVICE = "`ciwen rebuild` makes it again from warc/"


class Database:
    """One connection. Statements outside `transaction` are on their own, as reads are."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        mode = "ro" if read_only else "rwc"
        engine = create_engine(
            f"sqlite:///file:{_uri_path(path)}?mode={mode}&uri=true",
            isolation_level="AUTOCOMMIT",
            json_serializer=dumps,
            poolclass=NullPool,
        )
        event.listen(engine, "connect", _set_up)
        try:
            self.connection: Connection = engine.connect()
            self._check()
        except OperationalError as error:
            raise self._refused(error) from error
        except DatabaseError as error:
            raise SchemaMismatch(f"{path} is no database ({error.orig}): {_ADVICE}") from error

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
            raise SchemaMismatch(f"{self.path} has {kind}: {_ADVICE}")

    def _create(self) -> None:
        with self.transaction():
            metadata.create_all(self.connection)
            self.connection.exec_driver_sql(LATEST)
            self.connection.execute(meta.insert(), [{"key": "schema_version", "value": SCHEMA_VERSION}])

    def _refused(self, error: OperationalError) -> CannotWrite | SchemaMismatch:
        if self._read_only:
            return SchemaMismatch(f"cannot open {self.path} ({error.orig})")
        return CannotWrite(f"cannot write {self.path} ({error.orig})")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing; CannotWrite where the disk refuses."""
        try:
            self.connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                self.connection.exec_driver_sql("ROLLBACK")
                raise
            self.connection.exec_driver_sql("COMMIT")
        except OperationalError as error:
            raise self._refused(error) from error

    def begin_writing(self) -> None:
        """Readers go on while a run writes."""
        self._pragma("journal_mode = WAL")

    def end_writing(self) -> None:
        """No companion files stay, so that who has read permission alone can open the file.

        A reader that is in the middle of a query keeps the WAL alive; the next run's end removes it.
        """
        try:
            self.connection.exec_driver_sql("PRAGMA busy_timeout = 1000")
            self.connection.exec_driver_sql("PRAGMA journal_mode = DELETE")
        except OperationalError as error:
            if "locked" not in str(error.orig):
                raise self._refused(error) from error

    def close(self) -> None:
        """Let the file go."""
        self.connection.close()

    def _pragma(self, text: str) -> None:
        try:
            self.connection.exec_driver_sql(f"PRAGMA {text}")
        except OperationalError as error:
            raise self._refused(error) from error


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
    remove(path)
    built.replace(path)
