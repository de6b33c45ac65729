"""How fast `ciwen verify` reads records, against FastWARC reading the same files with their digests verified.

    python -m bench.verify [ARCHIVE] [--rounds N]

One process each, in turn, on an archive of pages and pictures that is written first unless one is named. The whole of
verify, with every row derived again, is told beside, which nobody else does.
"""

import argparse
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from fastwarc.warc import ArchiveIterator

from bench import WORK
from bench.channel import write_channel
from bench.rounds import spread
from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.store.upkeep import rebuild
from ciwen_crawler.verify.examination import examine
from ciwen_crawler.verify.verification import verify
from ciwen_crawler.warc.files import warc_files
from ciwen_crawler.warc.record import new_id

ARTICLES, PICTURES = 3000, 1000
_SMALLEST, _LARGEST = 10_000, 250_000  # bytes of a picture
_NAME = "ciwen, all of a record"
_LONGEST_HEADER = 64 * 1024 * 1024


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(prog="python -m bench.verify", description=__doc__)
    arguments.add_argument(
        "archive", nargs="?", type=Path, help="an archive of Ciwen's (one of its own where left out)"
    )
    arguments.add_argument("--rounds", type=int, default=5, help="readings by each, in turn (5)")
    given = arguments.parse_args()
    folder = given.archive or _written()
    files = warc_files(folder)
    size = sum(path.stat().st_size for path in files) / 1e6
    readers = {"FastWARC, block digests": _blocks, "FastWARC, both digests": _both, _NAME: _ours}
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(given.rounds):
        for name, read in readers.items():
            seconds[name].append(_timed(lambda read=read: [read(path, path is files[-1]) for path in files]))
    lines = ["|  | MB/s | ciwen's reading against it |", "| --- | --- | --- |"]
    for name, all_of in seconds.items():
        ratios = (theirs / mine for theirs, mine in zip(all_of, seconds[_NAME], strict=True))
        lines.append(f"| {name} | {spread(size / each for each in all_of)} | {spread(ratios, 2)} |")
    for jobs in (1, 2):
        took = _timed(lambda jobs=jobs: _prove(folder, jobs))
        lines.append(f"| `ciwen verify --jobs {jobs}`, every row derived again | {size / took:.0f} | |")
    print(f"{size:,.0f} MB in {len(files)} WARC files, {given.rounds} rounds:\n", *lines, sep="\n")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _prove(folder: Path, jobs: int) -> None:
    proof = verify(folder, jobs=jobs)
    if proof.findings:
        sys.exit(f"{folder} is damaged: {proof.findings[0]}")


def _blocks(path: Path, _: bool) -> None:
    with path.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=False, max_header_len=_LONGEST_HEADER):
            record.verify_block_digest()


def _both(path: Path, _: bool) -> None:
    with path.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=True, max_header_len=_LONGEST_HEADER):
            record.verify_block_digest()
            if "WARC-Payload-Digest" in record.headers:
                record.verify_payload_digest()


def _ours(path: Path, is_newest: bool) -> None:
    if examine(path, is_final=not is_newest).findings:
        sys.exit(f"{path} is damaged")


def _written() -> Path:
    """An archive of a generated channel's pages, and of as many bytes that nobody can squeeze as pictures have."""
    folder = WORK / "verify"
    shutil.rmtree(folder, ignore_errors=True)
    channel = write_channel(WORK / "channel", ARTICLES)
    archive = Archive(folder, begin(CRAWL, "ciwen", new_id()), {"robots": "obey"})
    chance = random.Random(ARTICLES)
    for url in channel.pages:
        page = (channel.folder / url.split("/", 3)[3]).read_bytes() if not url.endswith("/") else b""
        _keep(archive, url, "article" if "content_" in url else "list", "text/html", page)
    for number in range(PICTURES):
        picture = chance.randbytes(chance.randrange(_SMALLEST, _LARGEST))
        _keep(archive, f"http://ci.china.com.cn/pic/{number}.jpg", "image", "image/jpeg", picture)
    archive.finish("done", 0, archive.tally.as_dict())
    rebuild(folder)  # nobody has read the pages
    return folder


def _keep(archive: Archive, url: str, kind: str, mime: str, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {mime}\r\nContent-Length: {len(body)}\r\n\r\n"
    request = f"GET {url} HTTP/1.1\r\nHost: ci.china.com.cn\r\n\r\n"
    archive.keep(Exchange(url, clock.now(), request.encode(), head.encode() + body, kind=kind))


if __name__ == "__main__":
    main()
