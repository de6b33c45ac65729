"""Replay: archives pages that somebody has saved, through the same stages as a crawl and without a network."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

from scrapy import Request
from scrapy.http import Response

from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.intake import Intake
from ciwen_crawler.items import Article
from ciwen_crawler.sources import files
from ciwen_crawler.spiders.base import ArchivingSpider

logger = logging.getLogger(__name__)


class ReplaySpider(ArchivingSpider):
    """`scrapy crawl replay -a sources=…`: files and folders, blank-separated where they come as one string."""

    name = "replay"
    mode = "replay"
    description = "pages that were saved before, taken in from files"

    def __init__(self, sources: str | Iterable[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sources = tuple(sources.split() if isinstance(sources, str) else sources)
        # A slip of the pen begins no archive; where some are there, those are taken and the others told of.
        self._must_find_one()

    def _must_find_one(self) -> None:
        refused: UnreadableInput | None = None
        for source in self.sources:
            try:
                if any(True for _ in files(source)):
                    return
            except UnreadableInput as error:
                refused = refused or error
        raise refused or UnreadableInput("no source was given")

    async def start(self) -> AsyncIterator[Request]:
        """One answer that is no page. Scrapy can stop among the articles of an answer, not among those of a start."""
        yield Request("data:,", callback=self.take)

    async def take(self, _: Response) -> AsyncIterator[Article]:
        """The articles that the sources hold. What is whole is taken before an unreadable source is told of."""
        intake = Intake(self.archive)
        for path in self._files():
            logger.info("Taking in %s", path)
            try:
                for article in intake.articles(path):
                    if article:
                        self.tally.read_article(article)
                        yield article
                    await asyncio.sleep(0)  # a signal may have come
                    if not self.crawler.crawling:
                        return
            except UnreadableInput as error:
                self.unreadable.append(error)

    def _files(self) -> Iterator[Path]:
        for source in self.sources:
            try:
                yield from files(source)
            except UnreadableInput as error:
                self.unreadable.append(error)
