"""What an archive held before a run: how often each field of its articles is filled."""

from sqlalchemy import func, select

from ciwen_crawler.health import Past
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.schema import articles, captures, crawls, images, versions
from ciwen_crawler.tally import COLUMNS


def past(database: Database, channel: str | None) -> Past:
    """Counts over the newest version of every article that a crawl of the channel looked at."""
    of_channel = (
        select(captures.c.id)
        .join(crawls, crawls.c.id == captures.c.crawl_id)
        .where(captures.c.article_id == articles.c.id, crawls.c.channel == channel)
        .exists()
    )
    newest = (versions.c.article_id == articles.c.id) & (versions.c.number == articles.c.versions)
    counts = [func.count(versions.c[name]).label(name) for name in COLUMNS]
    query = select(func.count().label("all"), *counts).select_from(articles.join(versions, newest)).where(of_channel)
    row = database.connection.execute(query).mappings().one()
    has_image = select(func.count(articles.c.id)).where(
        of_channel,
        select(images.c.position)
        .where(images.c.article_id == articles.c.id, images.c.version == articles.c.versions)
        .exists(),
    )
    filled = {name: row[name] for name in COLUMNS}
    return Past(row["all"], filled | {"images": database.connection.execute(has_image).scalar_one()})
