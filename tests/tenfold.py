"""A small channel through ten crawls and one that is killed, with all that makes an answer a revisit, or keeps it from
being one.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scrapy.crawler import Crawler

from fixtures.log import Entry
from fixtures.markup import Article, channel_pages, picture
from fixtures.page import WRITTEN, Page
from fixtures.server import Channel
from tests import faults
from tests.faults import put_in
from tests.program import ciwen, started

NAMES = ("steady wavering edited gone parted pictured twinned retagged untagged dated moved renamed kept late").split()
NUMBERS = dict(zip(NAMES, range(43000001, 43000100), strict=False))
PARTS = 3
KILLED = 5  # the crawl that is killed, counted from 0
CRAWLS = 11  # with that one
FILE = 30_000  # bytes; a WARC file of this size is full, so that there are several
SITE = "http://ci.china.com.cn"
ROBOTS = f"{SITE}/robots.txt"
RULES = "User-agent: *\nDisallow: /private/\n"
REPLACED, TWIN, OTHER_TWIN, LACKING, ELSEWHERE = (
    f"{SITE}/pic/replaced.jpg",
    f"{SITE}/pic/twin.jpg",
    f"{SITE}/pic/2025-06/04/other-twin.jpg",
    f"{SITE}/pic/lacking.jpg",
    "http://images.china.cn/site1000/elsewhere.png",  # whose host has no robots.txt
)


def url(name: str, page: int = 1) -> str:
    """Where a page of an article stands."""
    first = _article(name).url
    return first if page == 1 else first.replace(".html", f"_{page}.html")


def identity(name: str) -> str:
    """An article's id."""
    return f"china.com.cn:{NUMBERS[name]}"


class SmallFiles(faults.Middleware):
    """The run's WARC files are full early."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        crawler.archive._series._most = FILE


@dataclass
class Tenfold:
    """The archive, and what the server had and sent while each crawl went on."""

    archive: Path
    served: list[Mapping[str, Page]] = field(default_factory=list)
    logs: list[list[Entry]] = field(default_factory=list)


def lived_through(folder: Path) -> Tenfold:
    """Crawl, change, crawl again, until everything has happened."""
    found = Tenfold(folder / "archive")
    arguments, environment = put_in(SmallFiles)
    with Channel(_pages()) as channel:
        for number in range(CRAWLS):
            for change in _CHANGES.get(number, ()):
                change(channel)
            _retag(channel, number)
            channel.log.clear()
            found.served.append(dict(channel.pages))
            if number == KILLED:
                _kill(found.archive, channel, arguments, environment)
            else:
                ciwen("crawl", "--full", *arguments, archive=found.archive, channel=channel, env=environment)
            found.logs.append(channel.log.settled())
    return found


def _kill(archive: Path, channel: Channel, arguments: list[str], environment: Mapping[str, str]) -> None:
    """A crawl that dies once the first part of an article over several has come, before the others have."""
    hold = channel.hold(url("parted", 2))
    with started("crawl", "--full", *arguments, archive=archive, channel=channel, env=environment) as run:
        hold.arrived()
        run.kill()
    channel.restore(url("parted", 2))


def _article(name: str) -> Article:
    return Article(NUMBERS[name], f"{name}: 开窑记", (f"{name}第一段，窑火未熄。", "第二段，匠人还在案前。"))


def _pages() -> dict[str, Page | bytes | str]:
    pages: dict[str, Page | bytes | str] = dict(channel_pages([_article(name) for name in NAMES], size=6))
    pages[ROBOTS] = RULES
    pages |= {url("parted", number): _part(number) for number in range(1, PARTS + 1)}
    for name, pictures in {"pictured": (REPLACED, LACKING, ELSEWHERE), "twinned": (TWIN, OTHER_TWIN)}.items():
        shown = tuple(picture(each, "窑口") for each in pictures)
        pages[url(name)] = dataclasses.replace(_article(name), paragraphs=("看图。", *shown)).page()
    pages |= {REPLACED: _image(b"first"), TWIN: _image(b"twin"), OTHER_TWIN: _image(b"twin")}
    pages[ELSEWHERE] = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    pages[url("untagged")] = _page("untagged", modified=None)
    pages[url("dated")] = _page("dated", tagged=False)
    pages[url("moved")] = Page(b"", modified=None, status=301, headers=(("Location", url("renamed")),))
    del pages[url("late")]  # lists name it before it is there
    return pages


def _page(name: str, **more: object) -> Page:
    return dataclasses.replace(Page(_article(name).page().encode()), **more)  # type: ignore[arg-type]


def _part(number: int) -> str:
    links = "".join(f'<li><a href="{url("parted", each)}">{each}</a></li>' for each in range(1, PARTS + 1))
    pager = f"<ul pages='{PARTS}' current='{number}' class='pages'>{links}</ul>"
    return dataclasses.replace(_article("parted"), paragraphs=(f"之{number}，初稿。", pager)).page()


def _image(seed: bytes) -> bytes:
    return b"\xff\xd8\xff\xe0" + seed * 200


def _retag(channel: Channel, number: int) -> None:
    """Another machine of a farm answers each time: another tag for the same bytes."""
    tag = (("ETag", f'"machine-{number}"'),)
    channel.pages[url("retagged")] = _page("retagged", headers=tag, modified=WRITTEN + number)


def _edit(name: str, old: str, new: str, page: int = 1) -> Callable[[Channel], None]:
    return lambda channel: channel.edit(url(name, page), old, new)


def _put(address: str, content: Page | bytes | str) -> Callable[[Channel], None]:
    return lambda channel: channel.pages.__setitem__(address, content)


def _vanish(channel: Channel) -> None:
    del channel.pages[url("gone")]


_CHANGES: dict[int, tuple[Callable[[Channel], None], ...]] = {
    # Nothing changes before the second crawl.
    2: (_edit("wavering", "第二段", "次段"), _edit("edited", "窑火未熄", "窑火已熄"), _vanish),
    3: (
        _edit("wavering", "次段", "第二段"),
        _edit("pictured", "看图", "再看图"),
        _put(REPLACED, _image(b"second")),
        _put(url("late"), _article("late").page()),
    ),
    4: (_put(ROBOTS, RULES + "Disallow: /2025-06/04/content_43000013\n"), _edit("parted", "初稿", "定稿", page=2)),
    5: (_edit("edited", "窑火已熄", "窑火复燃"), _edit("parted", "初稿", "终稿", page=3)),
    7: (_put(ROBOTS, RULES), _edit("wavering", "第二段", "次段"), _edit("untagged", "第二段", "末段")),
    8: (_edit("dated", "第二段", "末段"), _edit("pictured", "再看图", "看图"), _put(REPLACED, _image(b"first"))),
    9: (_edit("kept", "第二段", "末段"),),
}
