"""Crawls of one channel that follow one another, with what the server was asked and the tables after each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.log import Entry
from fixtures.markup import Article
from fixtures.page import Page
from fixtures.server import Channel
from tests.database import Rows, tables
from tests.program import ciwen
from tests.rebuilt import rebuilt
from tests.records import Found, found_in

# Every name that an article has in any of these channels.
_NAMES = (
    "steady edited stubborn retried unasked surprised turning turned foreign long doubled weak vague parted barred"
    " wavering pictured lost found zipped empty cut"
).split()
NUMBERS = dict(zip(_NAMES, range(43000001, 43000100), strict=False))


def url(name: str, page: int = 1) -> str:
    """Where a page of an article stands."""
    first = article(name).url
    return first if page == 1 else first.replace(".html", f"_{page}.html")


def article(name: str) -> Article:
    """One of the channel's articles."""
    return Article(NUMBERS[name], f"{name}: 开窑记", (f"{name}第一段，窑火未熄。", "第二段，匠人还在案前。"))


def identity(name: str) -> str:
    """An article's id."""
    return f"china.com.cn:{NUMBERS[name]}"


def conditions(entry: Entry) -> dict[str, str]:
    """What a request was made conditional by."""
    found = re.findall(rb"(?im)^(if-[a-z-]+): *([^\r]*)", entry.request)
    return {name.decode().lower(): value.decode("latin-1") for name, value in found}


@dataclass
class Crawls:
    """Crawls that are over."""

    archive: Path
    logs: list[list[Entry]] = field(default_factory=list)
    after: list[dict[str, Rows]] = field(default_factory=list)  # the tables after each
    again: list[dict[str, Rows]] = field(default_factory=list)  # and as they are when made again

    def asked(self, crawl: int, address: str) -> list[dict[str, str]]:
        """The conditions of each request for a URL."""
        return [conditions(entry) for entry in self.logs[crawl] if entry.url == address]

    def answered(self, crawl: int, address: str) -> list[int | None]:
        """The statuses of the answers."""
        return [entry.status for entry in self.logs[crawl] if entry.url == address]

    def captures(self, crawl: int, address: str) -> Rows:
        """The rows of a crawl's captures of a URL."""
        runs = [row["id"] for row in self.after[-1]["crawls"]]
        rows = [row for row in self.after[-1]["captures"] if (row["crawl_id"], row["url"]) == (runs[crawl], address)]
        return sorted(rows, key=lambda row: row["fetched_at"])

    def article(self, name: str, crawl: int = -1) -> dict[str, object]:
        """An article's row after a crawl."""
        (row,) = [row for row in self.after[crawl]["articles"] if row["id"] == identity(name)]
        return row

    def records(self) -> dict[str, Found]:
        """Every record of the archive, by the id that rows have."""
        return {(each.id or "").removeprefix("<urn:uuid:").removesuffix(">"): each for each in found_in(self.archive)}


def crawled(
    folder: Path,
    pages: Mapping[str, Page | bytes | str],
    before: Callable[[Channel, int], None],
    crawls: int,
    *options: str,
) -> Crawls:
    """Crawl a channel so often, with what `before` does to it before each crawl."""
    found = Crawls(folder / "archive")
    with Channel(pages) as channel:
        for number in range(crawls):
            before(channel, number)
            channel.log.clear()
            ciwen("crawl", "--full", *options, archive=found.archive, channel=channel)
            found.logs.append(channel.log.settled())
            found.after.append(tables(found.archive))
            found.again.append(rebuilt(found.archive, folder / str(number)))
    return found
