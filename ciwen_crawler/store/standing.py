"""Standing: whether an article is still on the site, by the looks at it since it was last seen whole.

A look that finds it absent is one that its first page answered with 404 or 410, or that it sent to the home page.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from sqlalchemy import RowMapping, bindparam, select

from ciwen_crawler import clock
from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.identity import is_first_page
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database

LIVE, GONE = "live", "gone"
ABSENT = frozenset({404, 410})  # statuses of what is not there
_MOVED = frozenset({301, 302, 303, 307, 308})
_HOME = frozenset({"", "/", "/index.html", "/index.htm", "/index.shtml"})
# One absence may be a server's bad hour, three of one day its bad day.
_LOOKS, _SPAN = 3, timedelta(days=3)

_c, _q = schema.captures.c, schema.quarantine.c
_SINCE = (
    select(_c.url, _c.fetched_at, _c.crawl_id, _c.status, _c.location, _q.capture_id.label("quarantined"))
    .outerjoin(schema.quarantine, _q.capture_id == _c.id)
    .where(_c.article_id == bindparam("id"), _c.kind == ARTICLE, _c.fetched_at > bindparam("after"))
    .order_by(_c.fetched_at)
)


class Standing(NamedTuple):
    """What the looks since the last whole one say of an article."""

    state: str  # LIVE or GONE
    looked_at: str  # UTC; of the last look, whole ones and those in quarantine included


def standing(database: Database, article_id: str, last_captured_at: str) -> Standing:
    """The standing of an article that was last seen whole at a moment. What waits to be written is not seen."""
    found = database.connection.execute(_SINCE, {"id": article_id, "after": last_captured_at}).mappings().all()
    absences = [row for row in found if is_absence(row)]
    looks = [row["fetched_at"] for row in found if row["quarantined"]] + [row["fetched_at"] for row in absences]
    return Standing(GONE if is_gone(absences) else LIVE, max(looks, default=last_captured_at))


def is_absence(capture: Any) -> bool:
    """Whether a row of `captures` tells that an article is not there."""
    return is_first_page(capture["url"]) and (capture["status"] in ABSENT or leads_home(capture))


def leads_home(capture: Any) -> bool:
    """Whether a row of `captures` sends who asked to the home page, as sites do with what they have no more."""
    url, location = capture["url"], capture["location"]
    return capture["status"] in _MOVED and location is not None and _is_home(url, location)


def _is_home(url: str, location: str) -> bool:
    try:
        parts = urlsplit(urljoin(url, location))
    except ValueError:
        return False
    return parts.path in _HOME and not parts.query


def is_gone(absences: Sequence[RowMapping]) -> bool:
    """Whether looks that found an article absent, in their order and with none between that did not, make it gone."""
    if len({row["crawl_id"] for row in absences}) < _LOOKS:
        return False
    first, last = (_moment(row) for row in (absences[0], absences[-1]))
    return last - first >= _SPAN


def _moment(row: RowMapping) -> datetime:
    return clock.read(row["fetched_at"])
