"""Runs of a channel that came to their end: what those that follow go by."""

from typing import Any

from sqlalchemy import Select, select

from ciwen_crawler.crawl import CRAWL
from ciwen_crawler.store import schema

_r = schema.crawls.c


def ended_runs(channel: str | None, crawl_id: str, *fields: Any) -> Select[Any]:
    """Fields of the crawls of a channel that ended, but for one, the newest first."""
    return (
        select(*fields)
        .where(_r.mode == CRAWL, _r.channel == channel, _r.finished_at.is_not(None), _r.id != crawl_id)
        .order_by(_r.id.desc())
    )
