"""Third stage: the rows that follow from an article."""

from typing import Any

from scrapy.crawler import Crawler

from ciwen_crawler.items import Article


class Store:
    """Hands articles with a verdict to the archive's store, which writes many at once."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Store":
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        """The item as it is."""
        if isinstance(item, Article) and item.verdict:
            self._crawler.archive.store.articles.save(item)  # type: ignore[attr-defined]
        return item
