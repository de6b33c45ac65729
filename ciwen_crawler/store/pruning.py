"""Pruning: takes away the rows that follow from records at a place or behind it, so that they can be derived again."""

from sqlalchemy import Connection, and_, delete, or_, select

from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.place import Place


def prune(database: Database, place: Place) -> set[str]:
    """The articles that had captures there are given: their rows follow from others too, and are to be folded anew.

    Rows of `crawls` stay: each run's warcinfo, read again, writes its own (and see `prune_runs`).
    """
    c = schema.captures.c
    # Names sort in time order.
    behind = or_(c.warc_file > place.file, and_(c.warc_file == place.file, c.warc_offset >= place.offset))
    with database.transaction() as connection:
        of_articles = select(c.article_id).where(behind, c.kind == ARTICLE).distinct()
        touched = set(connection.execute(of_articles).scalars())
        gone = select(c.id).where(behind)
        touched |= _undecided(connection, place)
        for table in (schema.listings, schema.quarantine):
            connection.execute(delete(table).where(table.c.capture_id.in_(gone)))
        connection.execute(delete(schema.captures).where(behind))
    return touched


def _undecided(connection: Connection, place: Place) -> set[str]:
    """Take away the decisions that were written at a place or behind it; the articles that they were on are given."""
    d, c = schema.decisions.c, schema.captures.c
    behind = or_(d.warc_file > place.file, and_(d.warc_file == place.file, d.warc_offset >= place.offset))
    undone = select(d.capture_id).where(behind)
    articles = set(connection.execute(select(c.article_id).where(c.id.in_(undone))).scalars())
    connection.execute(delete(schema.quarantine).where(schema.quarantine.c.capture_id.in_(undone)))
    connection.execute(delete(schema.decisions).where(behind))
    return articles


def prune_runs(database: Database, met: set[str], after: str) -> None:
    """Take away the runs that began after a moment, were not met and have no capture: the disk kept nothing of them."""
    c, runs = schema.captures.c, schema.crawls.c
    has_capture = select(c.id).where(c.crawl_id == runs.id).exists()
    late = select(runs.id).where(runs.started_at > after, ~has_capture)
    gone = set(database.connection.execute(late).scalars()) - met
    if gone:
        with database.transaction() as connection:
            connection.execute(delete(schema.crawls).where(runs.id.in_(gone)))
