"""The newest capture of an archive, which every run's clock must be past: rows follow one another by their moments."""

from pathlib import Path

from sqlalchemy import select

from ciwen_crawler import clock
from ciwen_crawler.errors import UsageError
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.schema import captures
from ciwen_crawler.warc.files import WARC

_NEWEST = select(captures.c.fetched_at, captures.c.warc_file).order_by(captures.c.fetched_at.desc()).limit(1)


def must_not_be_ahead(database: Database, folder: Path) -> None:
    """UsageError where the newest capture is of a moment that is still to come."""
    newest = database.connection.execute(_NEWEST).first()
    now = clock.now()
    if newest is not None and newest.fetched_at > now:
        path = folder / WARC / newest.warc_file
        raise UsageError(
            f"the clock says {now}, but the newest capture of {folder} is of {newest.fetched_at} ({path}): set the"
            f" clock right; where it is, that record is wrong: move its file away, `ciwen rebuild --archive {folder}`"
        )
