"""The same channel by Scrapy with scrapy-deltafetch, run as a program in its own environment: follows every list and
article that pages name, and gives an item for each article.
"""

import argparse
from collections.abc import AsyncIterator, Iterator

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response
from scrapy_deltafetch import DeltaFetch

_HOME = "http://ci.china.com.cn/"


class Delta(DeltaFetch):  # type: ignore[misc]
    """deltafetch 2.1 is older than Scrapy's asynchronous middlewares, and than those without a spider as argument."""

    async def process_spider_output(self, response: Response, result: AsyncIterator[object]) -> AsyncIterator[object]:
        found = [each async for each in result]
        for each in super().process_spider_output(response, found, None):
            yield each


class ChannelSpider(Spider):
    """Home page, lists, articles."""

    name = "channel"

    async def start(self) -> AsyncIterator[Request]:
        yield Request(_HOME)

    def parse(self, response: Response) -> Iterator[object]:
        """Links of a page of whatever kind, and an item where it is an article's."""
        if "content_" in response.url:
            yield {"url": response.url, "title": response.css("title::text").get()}
            return
        for href in response.css("a[href*=node_]::attr(href), a[href*=content_]::attr(href)").getall():
            url = response.urljoin(href)
            if url.startswith(_HOME):
                yield Request(url)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", help="where it keeps what it has seen")
    arguments.add_argument("-s", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    given = arguments.parse_args()
    settings: dict[str, object] = {
        "SPIDER_MIDDLEWARES": {Delta: 100},
        "DELTAFETCH_ENABLED": True,
        "DELTAFETCH_DIR": given.folder,
        "ROBOTSTXT_OBEY": True,
        "LOG_LEVEL": "INFO",
    }
    settings |= dict(setting.split("=", 1) for setting in given.settings)
    process = AsyncCrawlerProcess(settings)
    process.crawl(ChannelSpider)
    process.start()


if __name__ == "__main__":
    main()
