"""What an archive held before a run: how often each field of its articles is filled."""

from sqlalchemy import func, select

from ciwen_crawler.health import Past
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.schema import articles, images, versions
from ciwen_crawler.tally import COLUMNS


def past(database: Database) -> Past:
    """Counts over the newest version of every article."""
    newest = (versions.c.article_id == articles.c.id) & (versions.c.number == articles.c.versions)
    counts = [func.count(versions.c[name]).label(name) for name in COLUMNS]
    query = select(func.count().label("all"), *counts).select_from(articles.join(versions, newest))
    row = database.connection.execute(query).mappings().one()
    has_image = select(func.count(articles.c.id)).where(
        select(images.c.position)
        .where(images.c.article_id == articles.c.id, images.c.version == articles.c.versions)
        .exists()
    )
    filled = {name: row[name] for name in COLUMNS}
    return Past(row["all"], filled | {"images": database.connection.execute(has_image).scalar_one()})
