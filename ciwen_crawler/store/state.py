"""The state of an archive: what it holds, how its runs went, what is missing. Read while a run may be writing."""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select

from ciwen_crawler import clock
from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.crawl import CRAWL
from ciwen_crawler.holder import Holder, holder
from ciwen_crawler.identity import content_id, host_of, in_hosts
from ciwen_crawler.store import schema
from ciwen_crawler.store.agenda import Agenda
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.reports import Reports
from ciwen_crawler.store.standing import GONE
from ciwen_crawler.tally import COLUMNS
from ciwen_crawler.warc.files import WARC, size_of, warc_files
from ciwen_crawler.warc.writer import OPEN

Facts = dict[str, Any]
FIELDS = (*COLUMNS, "images")
RUNS = 10  # the newest, told of one by one
FILLED_RUNS = 24  # whose fields are told
_EXAMPLES = 10
_MOST_RUNS = 1000  # looked through for those
_BEGINNING = 5  # seconds at most between a run's lock and its first row, whichever comes first

_a, _v, _c, _r = schema.articles.c, schema.versions.c, schema.captures.c, schema.crawls.c


def state(database: Database, folder: Path) -> Facts:
    """What is archived, how the last runs went, and what is known to be missing."""
    tables = (schema.articles, schema.versions, schema.images, schema.captures, schema.quarantine, schema.crawls)
    files = [*warc_files(folder), *(folder / WARC).glob("*" + OPEN)]
    held_by = holder(folder)
    months = _months(database)
    pending = _pending(database)
    gone = _gone(database)
    return {
        "archive": str(folder),
        "at": clock.now(),
        **{table.name: _count(database, select(func.count()).select_from(table)) for table in tables},
        "gone": gone["count"],
        "pending": len(pending),
        "missing": _missing(database),
        "oldest": min((month.pop("oldest") for month in months), default=None),
        "newest": max((month.pop("newest") for month in months), default=None),
        "warc_files": len(files),
        "warc_bytes": sum(map(size_of, files)),
        "database_bytes": size_of(database.path),
        "disk_free": shutil.disk_usage(folder).free,
        "held_by": held_by._asdict() if held_by else None,
        "months": months,
        "fields": _fields(database),
        "runs": _runs(database, folder, held_by),
        "newest_articles": _all(database, _told(_a.dated_at)),
        "gone_articles": gone["articles"],
        "pending_articles": pending[:_EXAMPLES],
        "quarantined": _quarantined(database),
    }


def _months(database: Database) -> list[Facts]:
    """How many articles were published in each month that has any, by the pages' own clocks."""
    month = func.substr(_v.published_at, 1, 7).label("month")
    ends = func.min(_v.published_at).label("oldest"), func.max(_v.published_at).label("newest")
    query = select(month, func.count().label("articles"), *ends).select_from(
        schema.articles.join(schema.versions, schema.IS_NEWEST)
    )
    return _all(database, query.where(_v.published_at.is_not(None)).group_by(month).order_by(month))


def _fields(database: Database) -> Facts:
    """How many of the articles that each of the last runs read had each field; the oldest of those runs first."""
    newest = select(_r.id, _r.stats).order_by(_r.id.desc()).limit(_MOST_RUNS).subquery()
    read, filled = newest.c.stats["read"], newest.c.stats["filled"]
    query = select(newest.c.id, read.label("read"), filled.label("filled")).where(read.as_integer() > 0)
    rows = _all(database, query.order_by(newest.c.id.desc()).limit(FILLED_RUNS))[::-1]
    return {
        "runs": [row["id"] for row in rows],
        "read": [row["read"] for row in rows],
        "filled": {name: [(row["filled"] or {}).get(name, 0) for row in rows] for name in FIELDS},
    }


def _runs(database: Database, folder: Path, held_by: Holder | None) -> list[Facts]:
    """The newest runs, the newest first. `outcome` is None for one that has not ended, which `is_running` or died."""
    fields = (_r.id, _r.mode, _r.channel, _r.started_at, _r.finished_at, _r.outcome, _r.exit_code)
    rows = _all(database, select(*fields, _r.stats["verdicts"].label("verdicts")).order_by(_r.id.desc()).limit(RUNS))
    reports = Reports(folder)
    for number, row in enumerate(rows):
        row["verdicts"] = row["verdicts"] or {}
        row["is_running"] = number == 0 and row["outcome"] is None and _began(row, held_by)
        row["reasons"] = _reasons(reports.path(row["id"])) if row["exit_code"] else []
    return rows


def _began(run: Facts, held_by: Holder | None) -> bool:
    """Whether the archive is held since the run began, so that it is not `rebuild` or `verify` that holds it."""
    if held_by is None:
        return False
    since = clock.read(held_by.since) - clock.read(run["started_at"])
    return abs(since.total_seconds()) <= _BEGINNING


def _reasons(report: Path) -> list[str]:
    """What a run said of itself where it was not well."""
    try:
        told = json.loads(report.read_bytes()).get("lines")
    except (OSError, ValueError, AttributeError):  # it can be written again, and is not worth a fault
        return []
    return [line for line in told if isinstance(line, str)] if isinstance(told, list) else []


def _pending(database: Database) -> list[Facts]:
    """The articles that the last run of each channel could not have, those tried most often first."""
    newest = select(_r.channel, _r.mode).order_by(_r.id.desc()).limit(_MOST_RUNS).subquery()
    channels = select(newest.c.channel).where(newest.c.mode == CRAWL).distinct()
    agenda = Agenda(database)
    told = [item for row in _all(database, channels) for item in agenda.pending(row["channel"]).items()]
    return sorted(_attempts(told), key=lambda each: (-each["attempts"], each["url"]))


def _attempts(told: Iterable[tuple[str, Any]]) -> Iterator[Facts]:
    for url, said in told:
        match said:  # a report may be of another program's making
            case [int(attempts), str(last_at)]:
                yield {"url": url, "attempts": attempts, "last_at": last_at}


def _gone(database: Database) -> Facts:
    is_gone = _a.state == GONE
    count = _count(database, select(func.count()).select_from(schema.articles).where(is_gone))
    return {"count": count, "articles": _all(database, _told(_a.looked_at).where(is_gone)) if count else []}


def _told(order: Any) -> Select[Any]:
    """Articles as a page names them, the greatest first."""
    fields = (_a.id, _a.url, _v.title, _v.published_at, _a.state, _a.looked_at)
    return (
        select(*fields)
        .join_from(schema.articles, schema.versions, schema.IS_NEWEST)
        .order_by(order.desc(), _a.id.desc())
        .limit(_EXAMPLES)
    )


def _quarantined(database: Database) -> list[Facts]:
    """The pages last fetched that may not be stored, and why."""
    q = schema.quarantine.c
    query = select(q.url, q.reasons, _c.fetched_at).join_from(schema.quarantine, schema.captures, _c.id == q.capture_id)
    return _all(database, query.order_by(_c.fetched_at.desc()).limit(_EXAMPLES))


def _missing(database: Database) -> int:
    """How many articles lists name on their own host, or were asked for, and that never became one.

    Their pages failed, lacked others or are in quarantine, or nobody has asked for them yet.
    """
    entry = schema.listings.c
    stored = select(_a.id)
    listed = (
        select(entry.article_id, entry.article_url, entry.list_url).where(entry.article_id.not_in(stored)).distinct()
    )
    asked = select(_c.article_id, _c.url).where(_c.kind == ARTICLE, _c.article_id.not_in(stored)).distinct()
    connection = database.connection
    found = {row.article_id for row in connection.execute(listed) if in_hosts(row.article_url, {host_of(row.list_url)})}
    # A page that led elsewhere is of no article.
    found |= {row.article_id for row in connection.execute(asked) if content_id(row.url)}
    return len(found)


def _count(database: Database, query: Select[Any]) -> int:
    return int(database.connection.execute(query).scalar_one())


def _all(database: Database, query: Select[Any]) -> list[Facts]:
    return [dict(row) for row in database.connection.execute(query).mappings()]
