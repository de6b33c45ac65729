"""`python -m bench.wacz`: packing an archive of 1 GB as WACZ, and what memory that takes, beside py-wacz.

The archive is generated: pictures of noise, which nothing squeezes, and articles of the bundled markup. Each export is
a process of its own. py-wacz (of the test extra) packs the same WARC files, once as it does by itself and once with the
pages and texts that ours always has.
"""

import argparse
import random
import shutil
import sys
import zipfile
from pathlib import Path

from bench import WORK
from bench.process import Run, measure
from bench.rounds import spread
from ciwen_crawler import clock
from ciwen_crawler.archive import Archive
from ciwen_crawler.capture import ARTICLE, IMAGE
from ciwen_crawler.crawl import CRAWL, begin
from ciwen_crawler.exchange import Exchange
from ciwen_crawler.store import upkeep
from ciwen_crawler.warc.record import new_id
from fixtures.markup import Article

GOAL_MB = 150
_PICTURE = 100_000  # bytes
_PICTURES_AN_ARTICLE = 2
_PARAGRAPH = "窑火未熄，匠人还在案前，把一方泥坯修了又修。" * 12
_BIN = Path(sys.executable).parent


def main() -> int:
    """Print the table, and where it stands to the goal; 1 where that is missed."""
    arguments = argparse.ArgumentParser(prog="python -m bench.wacz", description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=1000, help="of the archive (1000)")
    arguments.add_argument("--rounds", type=int, default=1, help="of ours; py-wacz runs once (1)")
    given = arguments.parse_args()
    folder = WORK / "wacz"
    shutil.rmtree(folder, ignore_errors=True)
    archive = folder / "archive"
    captures = generate(archive, given.megabytes * 1_000_000)
    files = sorted((archive / "warc").glob("*.warc.gz"))
    size = sum(path.stat().st_size for path in files) / 1e6
    lines = ["|  | seconds | MB/s | peak MB |", "| --- | --- | --- | --- |"]
    peak = 0.0
    ours = [str(_BIN / "ciwen"), "export", "wacz", "--archive", str(archive), "--quiet", "-o"]
    contestants = {"all of it": [], "a period of it": ["--since", "2000-01-01"]}
    for name, options in contestants.items():
        command = [*ours, str(folder / "ours.wacz"), *options]
        runs = [measure(command, folder / "run") for _ in range(given.rounds)]
        peak = max(peak, *(run.peak_mb for run in runs))
        lines.append(line(f"`ciwen export wacz`, {name}", runs, size))
        assert captures_of(folder / "ours.wacz") == captures
    for name, options in {"py-wacz": [], "py-wacz, pages and texts": ["--detect-pages", "--text"]}.items():
        theirs = [str(_BIN / "wacz"), "create", *options, "-o", str(folder / "theirs.wacz"), "-f", *map(str, files)]
        if Path(theirs[0]).exists():
            lines.append(line(name, [measure(theirs, folder / "run")], size))
    shutil.rmtree(folder)
    print(f"{size:,.0f} MB in {len(files)} WARC files, {captures:,} captures:\n", *lines, sep="\n")
    print(f"\nPeak memory below {GOAL_MB} MB: {'met' if peak < GOAL_MB else '**missed**'}, {peak:.0f} MB.")
    return int(peak >= GOAL_MB)


def line(name: str, runs: list[Run], size: float) -> str:
    """A line of the table."""
    seconds, speeds = spread((run.seconds for run in runs), 1), spread(size / run.seconds for run in runs)
    return f"| {name} | {seconds} | {speeds} | {max(run.peak_mb for run in runs):.0f} |"


def generate(folder: Path, size: int) -> int:
    """Make an archive of about as many bytes; how many captures it holds."""
    noise = random.Random(3)
    archive = Archive(folder, begin(CRAWL, None, new_id()), {})
    articles = size // (_PICTURES_AN_ARTICLE * _PICTURE)
    for number in range(43_000_000, 43_000_000 + articles):
        article = Article(number, f"第{number}篇", (f"第{number}篇的开头。", *[_PARAGRAPH] * 8))
        archive.keep(exchange(article.url, ARTICLE, b"text/html", article.page().encode()))
        for picture in range(_PICTURES_AN_ARTICLE):
            url = f"http://ci.china.com.cn/pic/{number}-{picture}.jpg"
            archive.keep(exchange(url, IMAGE, b"image/jpeg", noise.randbytes(_PICTURE)))
    archive.finish("done", 0, {})
    upkeep.rebuild(folder, 2)
    return articles * (1 + _PICTURES_AN_ARTICLE)


def exchange(url: str, kind: str, mime: bytes, body: bytes) -> Exchange:
    """A page or picture, asked for and answered."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (mime, len(body))
    request = f"GET {url} HTTP/1.1\r\nHost: ci.china.com.cn\r\n\r\n".encode()
    return Exchange(url=url, sent_at=clock.now(), request=request, response=head + body, kind=kind)


def captures_of(wacz: Path) -> int:
    """How many captures a WACZ of ours says it holds, all of whose parts are whole."""
    with zipfile.ZipFile(wacz) as package:
        assert package.testzip() is None
        description = package.read("datapackage.json").decode()
    return int(description.partition(" versions of articles in ")[2].partition(" ")[0])


if __name__ == "__main__":
    sys.exit(main())
