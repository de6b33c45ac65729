"""A real Scrapy crawl over the download handler under test, as a program of its own: a reactor runs once a process."""

import pickle
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response

from ciwen_crawler import crawl, message
from ciwen_crawler.archive import Archive
from ciwen_crawler.capture import Capture
from ciwen_crawler.errors import CannotWrite
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.warc.record import new_id

HANDLER = "ciwen_crawler.wire.WireDownloadHandler"
REFUSED = "/refused"  # the notebook's disk is full for paths that begin so
ROOT = Path(__file__).resolve().parent.parent
_PROGRAM = "from tests.wire_crawl import main; main()"
_SETTINGS = {
    "DOWNLOAD_HANDLERS": {"http": HANDLER, "https": HANDLER},
    "HTTPERROR_ALLOW_ALL": True,
    "CONCURRENT_REQUESTS": 16,
    "CONCURRENT_REQUESTS_PER_DOMAIN": 16,
    "DOWNLOAD_DELAY": 0,
    "COOKIES_ENABLED": False,
    "TELNETCONSOLE_ENABLED": False,
    "REMOTE_CONTROL_ENABLED": False,
    "LOG_LEVEL": "INFO",
}


@dataclass(frozen=True)
class Fetch:
    """A request to make."""

    url: str
    method: str = "GET"
    body: bytes = b""
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """What to crawl: chains run side by side, the fetches of one chain one after the other."""

    chains: list[list[Fetch]]
    archive: Path | None = None  # where the exchanges go; None for a notebook


@dataclass(frozen=True)
class Outcome:
    """What became of a fetch, as its callback or errback saw it."""

    url: str  # of the fetch
    capture: Capture | None
    error: str = ""  # name of the exception's class
    status: int = 0
    headers: dict[bytes, list[bytes]] = field(default_factory=dict)
    body: bytes = b""
    kind: str = ""  # name of the response's class


@dataclass
class Notebook:
    """An archive that only remembers."""

    exchanges: list[Exchange] = field(default_factory=list)

    def keep(self, exchange: Exchange) -> Capture | None:
        """As `Archive.keep`."""
        if REFUSED in exchange.url:
            raise CannotWrite("the disk is full")
        self.exchanges.append(exchange)
        parsed = message.response(exchange.response)
        if parsed is None:
            return None
        return Capture(
            id=str(len(self.exchanges)),
            url=exchange.url,
            fetched_at=exchange.sent_at,
            status=parsed.status,
            headers=parsed.headers,
            body=parsed.content()[0],
            kind=exchange.kind,
            via=exchange.via,
            truncated=exchange.truncated,
        )


class ChainSpider(Spider):
    """Makes the fetches of a job and notes their outcomes."""

    name = "chains"
    chains: list[list[Fetch]]
    outcomes: list[Outcome]

    async def start(self) -> AsyncIterator[Request]:
        """The first fetch of every chain."""
        for chain in self.chains:
            yield self.ask(chain, 0)

    def ask(self, chain: list[Fetch], place: int) -> Request:
        """One fetch of a chain."""
        fetch = chain[place]
        return Request(
            fetch.url,
            self.answered,
            fetch.method,
            body=fetch.body,
            meta={**fetch.meta, "chain": chain, "place": place},
            errback=self.failed,
            dont_filter=True,
        )

    def answered(self, response: Response) -> Request | None:
        """Note a response."""
        return self.note(
            response.request,
            status=response.status,
            headers=dict(response.headers),
            body=response.body,
            kind=type(response).__name__,
        )

    def failed(self, failure: Any) -> Request | None:
        """Note an exception."""
        return self.note(failure.request, error=type(failure.value).__name__)

    def note(self, request: Request, **seen: Any) -> Request | None:
        """Note an outcome and go on with the chain."""
        chain, place = request.meta["chain"], request.meta["place"]
        self.outcomes.append(Outcome(chain[place].url, request.meta.get("capture"), **seen))
        return self.ask(chain, place + 1) if place + 1 < len(chain) else None


def main() -> None:
    """Run the job in the file named first; its outcomes and exchanges go into the file named second."""
    job = pickle.loads(Path(sys.argv[1]).read_bytes())
    outcomes: list[Outcome] = []
    archive = Archive(job.archive, crawl.begin(crawl.CRAWL, None, new_id()), {}) if job.archive else Notebook()
    process = AsyncCrawlerProcess(_SETTINGS)
    crawler = process.create_crawler(ChainSpider)
    crawler.archive = archive
    process.crawl(crawler, chains=job.chains, outcomes=outcomes)
    process.start()
    if isinstance(archive, Archive):
        archive.finish("finished", 0, {})
    exchanges = archive.exchanges if isinstance(archive, Notebook) else []
    Path(sys.argv[2]).write_bytes(pickle.dumps((outcomes, exchanges)))


def begin(job: Job, folder: Path) -> subprocess.Popen[str]:
    """The crawl as a running program; its log comes through stderr."""
    (folder / "job").write_bytes(pickle.dumps(job))
    command = [sys.executable, "-c", _PROGRAM, str(folder / "job"), str(folder / "result")]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def run(job: Job, folder: Path) -> tuple[list[Outcome], list[Exchange]]:
    """The crawl from begin to end: its outcomes, and the notebook's exchanges."""
    program = begin(job, folder)
    _, log = program.communicate(timeout=120)
    assert program.returncode == 0, log
    assert "Traceback" not in log, log
    return pickle.loads((folder / "result").read_bytes())
