"""Faults put into a run by `-s SPIDER_MIDDLEWARES={"tests.faults.X": 900}`: what a program's own mistakes would do."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

from scrapy.crawler import Crawler

from ciwen_crawler import archive, crawling
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.store.store import Store
from tests.program import ROOT

MESSAGE = "put in by a test"
_WHERE = "FAULT_WHERE"


def put_in(fault: "type[Middleware]", where: object = "") -> tuple[list[str], dict[str, str]]:
    """(arguments, environment) for a run with a fault: at URLs that hold a text, or with a file."""
    arguments = ["-s", f'SPIDER_MIDDLEWARES={{"{fault.__module__}.{fault.__name__}": 900}}']
    return arguments, {"PYTHONPATH": str(ROOT), _WHERE: str(where)}


class Middleware:
    """What Scrapy makes one by."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_spider_output(self, response: Any, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for each in result:
            yield each


class InCallback(Middleware):
    """A callback raises."""

    async def process_spider_output(self, response: Any, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for each in result:
            if os.environ[_WHERE] in response.url:
                raise ValueError(MESSAGE)
            yield each


class InStart(Middleware):
    """The spider's start raises."""

    async def process_start(self, start: AsyncIterator[Any]) -> AsyncIterator[Any]:
        raise ValueError(MESSAGE)
        yield


class InKeeping(Middleware):
    """The archive cannot make records of an exchange."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        records_of = archive.records_of

        def broken(exchange: Exchange, *others: Any) -> Any:
            if os.environ[_WHERE] in exchange.url:
                raise ValueError(MESSAGE)
            return records_of(exchange, *others)

        archive.records_of = broken


class InEnding(Middleware):
    """The rows cannot be settled when the run ends."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)

        def broken(_: Store) -> None:
            raise ValueError(MESSAGE)

        Store.settle = broken  # type: ignore[method-assign]


class Pausing(Middleware):
    """After three articles the run reads a file, which may be a pipe that is not written to yet."""

    async def process_spider_output(self, response: Any, result: AsyncIterator[Any]) -> AsyncIterator[Any]:
        count = 0
        async for each in result:
            yield each
            count += 1
            if count == 3:
                Path(os.environ[_WHERE]).read_bytes()


class Hasty(Middleware):
    """Progress is told all the time."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        crawling._REPEAT = 0.01
