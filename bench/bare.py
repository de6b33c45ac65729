"""Bare Scrapy, run as a program: fetches each URL of a list, reads nothing from it and keeps nothing."""

import argparse
import importlib
from collections.abc import AsyncIterator
from pathlib import Path

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response

_OURS = ("ciwen_crawler", "pipelines")
# The log of every page would cost the default settings a tenth of their speed.
_QUIET = {"LOG_LEVEL": "INFO"}


class BareSpider(Spider):
    name = "bare"

    def __init__(self, urls: Path) -> None:
        super().__init__()
        self._urls = urls

    async def start(self) -> AsyncIterator[Request]:
        for url in self._urls.read_text().split():
            yield Request(url)

    def parse(self, response: Response) -> None:
        """The page is here, and that was all."""


def _our_settings() -> dict[str, object]:
    """The project's settings without the project's own parts."""
    module = importlib.import_module("ciwen_crawler.settings")
    settings = {name: _without_parts(value) for name, value in vars(module).items() if name.isupper()}
    return {name: value for name, value in settings.items() if not _is_part(value)}


def _without_parts(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: held for key, held in value.items() if not _is_part(key) and not _is_part(held)}


def _is_part(value: object) -> bool:
    if isinstance(value, list):
        return any(map(_is_part, value))
    name = value if isinstance(value, str) else getattr(value, "__module__", "")
    return isinstance(name, str) and name.partition(".")[0] in _OURS


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("urls", type=Path, help="a file, one URL a line")
    arguments.add_argument("--ours", action="store_true", help="the project's settings instead of Scrapy's")
    arguments.add_argument("--wacz", metavar="FOLDER", help="scrapy-webarchive writes a WACZ there")
    arguments.add_argument("-s", dest="settings", action="append", default=[], metavar="NAME=VALUE")
    given = arguments.parse_args()
    settings: dict[str, object] = _our_settings() if given.ours else {}
    if given.wacz:
        settings |= {"EXTENSIONS": {"scrapy_webarchive.extensions.WaczExporter": 543}, "SW_EXPORT_URI": given.wacz}
    settings |= dict(setting.split("=", 1) for setting in given.settings)
    process = AsyncCrawlerProcess(settings | _QUIET)
    process.crawl(BareSpider, urls=given.urls)
    process.start()


if __name__ == "__main__":
    main()
