"""What the archive must know of a spider, and how the spider reaches the archive."""

from typing import Any

from scrapy import Spider

from ciwen_crawler.archive import Archive
from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.tally import Tally


class ArchivingSpider(Spider):
    """A spider whose run is archived: `archiving.Archiving` opens the archive that it asks for here."""

    mode: str  # crawl or replay, as in `crawls`
    description: str  # of the run, for the WARC file's warcinfo
    channel_name: str | None = None
    minimum_articles: int = 0  # fewer found is no healthy run
    is_rehearsal: bool = False  # nothing is written

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unreadable: list[UnreadableInput] = []  # what was to be read and could not be

    def conclude(self) -> None:
        """The run is over: the last of what its report is to say."""

    @property
    def archive(self) -> Archive:
        """The run's archive, or what stands in for it."""
        archive: Archive = self.crawler.archive  # type: ignore[attr-defined]
        return archive

    @property
    def tally(self) -> Tally:
        """What the run did so far."""
        return self.archive.tally
