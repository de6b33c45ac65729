"""First stage: an article that lacks title, body or a plausible date is quarantined with its reasons."""

from typing import Any

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from ciwen_crawler.health.sample import QUARANTINED
from ciwen_crawler.items import Article
from ciwen_crawler.pages import missing


class Validate:
    """Lets through what may be stored."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Validate":
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        """The item; DropItem where it goes to quarantine."""
        if not isinstance(item, Article):
            return item
        reasons = missing(item)
        if reasons:
            archive = self._crawler.archive  # type: ignore[attr-defined]
            archive.store.articles.quarantine(item, reasons)
            archive.tally.quarantine(item.captured_url, reasons)
            archive.observe(item, QUARANTINED, reasons)
            raise DropItem(f"{item.captured_url} is quarantined: {'; '.join(reasons)}")
        return item
