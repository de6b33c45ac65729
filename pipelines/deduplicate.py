"""Second stage: what the archive makes of an article, by its identity and its content."""

from dataclasses import replace
from typing import Any

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from ciwen_crawler.items import Article
from ciwen_crawler.store.articles import TWIN


class Deduplicate:
    """Gives an article its verdict. A twin beside a canonical page goes no further; an unchanged article does."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "Deduplicate":
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        """The item with its verdict; DropItem for a twin."""
        if not isinstance(item, Article):
            return item
        archive = self._crawler.archive  # type: ignore[attr-defined]
        verdict = archive.store.articles.judge(item)
        archive.tally.verdicts[verdict] += 1
        archive.observe(item, verdict)
        if verdict == TWIN:
            raise DropItem(f"{item.captured_url} is a twin of {item.id}")
        return replace(item, verdict=verdict)
