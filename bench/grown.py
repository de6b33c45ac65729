"""An archive of as many articles as wanted, as crawls of years would have left it, made without crawling them.

Its WARC files hold what one crawl of the generated channel would have written, by the program's own writer; `ciwen
rebuild` makes the rows. It takes minutes for 100,000 articles, so it stays for the next measurement.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.channel import HOST, ROBOTS, Generated
from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.capture import ARTICLE, LIST
from ciwen_crawler.capture import ROBOTS as ROBOTS_KIND
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.warc.exchanges import records_of
from ciwen_crawler.warc.record import new_id
from fixtures import nginx
from fixtures.page import Page, type_of
from fixtures.request import Request

# Of a channel of its own, as the bundled one is bounded to lists of a hundred pages.
CHANNEL = f"""
[grown]
name = "grown"
start = ["http://{HOST}/"]
hosts = ["{HOST}"]
delay = 0
list_pages = 100000
"""
_HEADERS = {"host": HOST, "accept-encoding": "gzip, deflate"}
_STAYS = 30 * 24 * 3600  # seconds; later its articles are due for another look, which is not what is measured
_ROBOTS_URL = f"http://{HOST}/robots.txt"


def lists(count: int) -> dict[str, Page]:
    """What a server must have for a crawl that looks at no article: robots.txt, home page and one long list."""
    found = Generated(count, pages_a_list=count).list_pages()
    return {_ROBOTS_URL: _page(_ROBOTS_URL, ROBOTS)} | {url: _page(url, text) for url, text in found}


def grown(folder: Path, count: int) -> Path:
    """The archive of `count` articles in a folder, as an earlier measurement left it or made anew."""
    made = folder / "made"
    if not made.exists() or time.time() - made.stat().st_mtime > _STAYS:
        shutil.rmtree(folder, ignore_errors=True)
        _write(folder / "archive", count)
        made.touch()
    if not (folder / "archive" / "ciwen.sqlite").exists():
        program = Path(sys.executable).with_name("ciwen")
        subprocess.run([program, "rebuild", "--quiet", "--archive", folder / "archive"], check=True)
    return folder / "archive"


def _write(folder: Path, count: int) -> None:
    archive = Archive(folder, begin(CRAWL, "grown", new_id()), {"robots": "obey"})
    for exchange in _exchanges(count):
        records = records_of(exchange, archive.ready())
        assert records.response
        archive.append(records.request)
        archive.append(records.response)
    archive.finish("done", 0, {})
    (folder / "ciwen.sqlite").unlink()


def _exchanges(count: int) -> Iterator[Exchange]:
    generated = Generated(count, pages_a_list=count)
    yield _exchange(_ROBOTS_URL, ROBOTS, ROBOTS_KIND, None)
    home, *listed = generated.list_pages()
    yield _exchange(*home, LIST, None)
    yield from (_exchange(*each, LIST, home[0]) for each in listed)
    yield from (_exchange(*each, ARTICLE, listed[0][0]) for each in generated.article_pages())


def _exchange(url: str, text: str, kind: str, via: str | None) -> Exchange:
    path = url.removeprefix(f"http://{HOST}")
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in _HEADERS.items())]
    raw = "\r\n".join(lines).encode() + b"\r\n\r\n"
    reply = nginx.reply(Request(raw, "GET", url, headers=_HEADERS), _page(url, text))
    return Exchange(url, clock.now(), raw, reply.head + reply.body, ip="127.0.0.1", kind=kind, via=via)


def _page(url: str, text: str) -> Page:
    return Page(text.encode(), type_of(url))
