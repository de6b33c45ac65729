"""Agenda: what the archive holds that tells what a crawl is to ask for. Rows alone, and the same for who rebuilds them.

What earlier runs say of themselves is in their reports, `crawls.stats`; of a run that was killed there is none.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, and_, func, select

from ciwen_crawler import clock
from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.runs import ended_runs
from ciwen_crawler.store.standing import LIVE, is_absence

_MOST_RUNS = 100  # that had not begun to walk a list, before one that had

_a, _c, _q = schema.articles.c, schema.captures.c, schema.quarantine.c
_entry, _runs = schema.listings.c, schema.crawls.c


class Sighting(NamedTuple):
    """The last look at an article, and since when there is such a page. UTC."""

    looked_at: str
    since: str  # its publication, else its first capture
    is_absent: bool = False  # that look did not find it, and it does not count as gone yet


class Band(NamedTuple):
    """Articles among which all are that were of some age at their last look and are due."""

    looked_until: str
    dated_since: str | None = None
    age: timedelta | None = None  # at most


class Walked(NamedTuple):
    """What the report of a run says of the list pages that it walked."""

    started_at: datetime
    walks: Mapping[str, Any]  # list → what `due.walk.Walk` tells of it; out of a file, so it may be anything


class Agenda:
    """Asked by one run, `crawl_id`, of what was there before it."""

    def __init__(self, database: Database | None, crawl_id: str = "") -> None:
        self._database = database  # None for an archive that is not begun: nothing is known
        self._crawl_id = crawl_id

    def is_known(self, article_id: str) -> bool:
        """Whether an article was asked for or named by a list before this run."""
        asked = select(_c.id).where(_c.article_id == article_id, _c.kind == ARTICLE, _c.crawl_id != self._crawl_id)
        named = (
            select(_c.id)
            .join_from(schema.listings, schema.captures, _c.id == _entry.capture_id)
            .where(_entry.article_id == article_id, _c.crawl_id != self._crawl_id)
        )
        return any(True for query in (asked, named) for _ in self._rows(query.limit(1)))

    def status(self, url: str) -> int | None:
        """What a URL was last answered with before this run; None where it never was."""
        query = select(_c.status).where(_c.url == url, _c.crawl_id != self._crawl_id).order_by(_c.fetched_at.desc())
        return next((row["status"] for row in self._rows(query.limit(1))), None)

    def sighting(self, article_id: str) -> Sighting | None:
        """The last look at an article, those in quarantine included; None where none ever had or missed it."""
        fields = (_a.looked_at, _a.dated_at, _a.last_captured_at, _a.state)
        for row in self._rows(select(*fields).where(_a.id == article_id)):
            return Sighting(row["looked_at"], row["dated_at"], self._is_absent(article_id, row))
        refused = select(func.max(_c.fetched_at).label("last"), func.min(_c.fetched_at).label("first")).where(
            _c.article_id == article_id, _c.kind == ARTICLE, _c.id.in_(select(_q.capture_id))
        )
        return next((Sighting(row["last"], row["first"]) for row in self._rows(refused) if row["last"]), None)

    def _is_absent(self, article_id: str, row: RowMapping) -> bool:
        if row["state"] != LIVE or row["looked_at"] <= row["last_captured_at"]:
            return False
        looks = select(_c.url, _c.status, _c.location).where(
            _c.article_id == article_id, _c.kind == ARTICLE, _c.fetched_at == row["looked_at"]
        )
        return any(is_absence(look) for look in self._rows(looks))

    def due(self, bands: Iterable[Band], absent_until: str) -> dict[str, str]:
        """URLs by id, the longest unseen first: all articles of the bands, and those whose last look, up to a moment,
        did not find them. Some that are not due are among them.
        """
        found: list[RowMapping] = []
        unsure = and_(_a.looked_at > _a.last_captured_at, _a.state == LIVE, _a.looked_at <= absent_until)
        for condition in (*map(_within, bands), unsure):
            found += self._rows(select(_a.id, _a.url, _a.looked_at).where(condition))
        return {row["id"]: row["url"] for row in sorted(found, key=lambda row: (row["looked_at"], row["id"]))}

    def never_had(self) -> dict[str, str]:
        """URLs by id: what lists name, on whatever host, and no version is held of."""
        query = (
            select(_entry.article_id, func.min(_entry.article_url).label("url"))
            .where(_entry.article_id.not_in(select(_a.id)))
            .group_by(_entry.article_id)
        )
        return {row["article_id"]: row["url"] for row in self._rows(query)}

    def walks(self, channel: str | None, since: datetime) -> Iterator[Walked]:
        """What runs of a channel that began since a moment, and ended, told of the lists they walked; newest first."""
        # Ids begin with the moment.
        began = _runs.id >= since.strftime("%Y%m%d%H%M%S")
        for row in self._rows(self._ended(channel, "walks").where(began)):
            if isinstance(row["told"], dict):
                yield Walked(clock.read(row["started_at"]), row["told"])

    def pending(self, channel: str | None) -> Mapping[str, Any]:
        """What the last run of a channel that walked a list told of articles that could not be had; whatever is there,
        as it may come from elsewhere.
        """
        query = self._ended(channel, "walks").add_columns(_runs.stats["pending"].label("pending")).limit(_MOST_RUNS)
        row = next((row for row in self._rows(query) if row["told"]), None)
        return row["pending"] if row and isinstance(row["pending"], dict) else {}

    def _ended(self, channel: str | None, key: str) -> Any:
        return ended_runs(channel, self._crawl_id, _runs.started_at, _runs.stats[key].label("told"))

    def _rows(self, query: Any) -> Iterator[RowMapping]:
        if self._database is not None:
            yield from self._database.connection.execute(query).mappings().all()


def _within(band: Band) -> Any:
    condition = _a.looked_at <= band.looked_until
    if band.dated_since is not None:
        condition &= _a.dated_at >= band.dated_since
    if band.age is not None:
        condition &= func.julianday(_a.looked_at) - func.julianday(_a.dated_at) <= band.age / timedelta(days=1) + 1e-4
    return condition
