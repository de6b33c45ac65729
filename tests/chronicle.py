"""A small channel through five crawls, with every kind of change that an article can go through."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from fixtures.markup import Article, channel_pages, picture
from fixtures.page import Page
from fixtures.server import Channel
from tests.database import Rows, tables
from tests.program import ciwen

NAMES = (
    "steady titled reworded spaced widened recoded deleted moved pictured parted bare undated mobile copied"
).split()
_NUMBER = dict(zip(NAMES, range(43000001, 43000100), strict=False))
PARTS = 3


def article(name: str) -> Article:
    """One of the channel's articles as it is in the beginning."""
    return Article(_NUMBER[name], f"{name}: 开窑记 No.1", (f"{name}第一段, 窑火未熄.", "第二段。"))


def url(name: str, page: int = 1) -> str:
    """Where a page of an article stands."""
    first = article(name).url
    return first if page == 1 else first.replace(".html", f"_{page}.html")


def identity(name: str) -> str:
    """An article's id."""
    return f"china.com.cn:{_NUMBER[name]}"


@dataclass
class Chronicle:
    """The archive, and what each crawl left in it."""

    archive: Path
    after: list[dict[str, Rows]]  # the tables after each crawl
    logs: list[list[str]]  # the URLs that each asked for

    def versions(self, name: str, crawl: int = -1) -> Rows:
        """An article's versions after a crawl."""
        return [row for row in self.after[crawl]["versions"] if row["article_id"] == identity(name)]


def lived_through(folder: Path) -> Chronicle:
    """Crawl, change, crawl again, until everything has happened."""
    archive = folder / "archive"
    chronicle = Chronicle(archive, [], [])
    with Channel(_pages()) as channel:
        for change in (_begun, _changed, _restored, _taken_back, _nothing):
            change(channel)
            channel.log.clear()
            ciwen("crawl", archive=archive, channel=channel)
            chronicle.after.append(tables(archive))
            chronicle.logs.append(channel.requested())
    return chronicle


def copy(archive: Path, folder: Path) -> Path:
    """The archive once more, to be done with as one likes."""
    return Path(shutil.copytree(archive, folder / "copy"))


def _pages() -> dict[str, Page | bytes | str]:
    articles = [article(name) for name in _NUMBER]
    pages: dict[str, Page | bytes | str] = dict(channel_pages(articles))
    illustrated = replace(article("pictured"), paragraphs=("看图。", picture("/pic/2025-06/04/a.jpg", "窑口")))
    pages[illustrated.url] = illustrated.page()
    pages["http://ci.china.com.cn/pic/2025-06/04/a.jpg"] = b"\xff\xd8\xff\xe0"
    pages |= {url("parted", number): _part(number) for number in range(1, PARTS + 1)}
    pages[url("bare")] = replace(article("bare"), title="bare: 待补", paragraphs=()).page()
    pages[url("undated")] = replace(article("undated"), day="1970-01-01", time="08:00:00").page()
    pages[_mobile(url("mobile"))] = article("mobile").page()
    pages[url("copied")] = article("steady").page()
    return pages


def _mobile(address: str) -> str:
    """The twin for telephones."""
    return address.replace("/2025-06/", "/m/2025-06/")


def _part(number: int) -> str:
    """A page of an article over several, with the pager that the CMS writes."""
    links = "".join(f'<li><a href="{url("parted", each)}">{each}</a></li>' for each in range(1, PARTS + 1))
    pager = f"<ul pages='{PARTS}' current='{number}' class='pages'>{links}</ul>"
    return replace(article("parted"), paragraphs=(f"之{number}，初稿。", pager)).page()


def _begun(channel: Channel) -> None:
    channel.redirect(url("mobile"), _mobile(url("mobile")))


def _changed(channel: Channel) -> None:
    channel.edit(url("titled"), "开窑记", "封窑记")
    channel.edit(url("reworded"), "第二段。", "第二段，改过。")
    channel.edit(url("spaced"), "窑火未熄", "\u3000窑火 \n\u00a0未熄 ")
    channel.edit(url("widened"), "第一段, 窑火未熄.", "第一段， 窑火未熄．")
    channel.edit(url("widened"), "No.1", "Ｎｏ．１")
    page = channel.pages[url("recoded")]
    recoded = page.body.decode().replace('charset="UTF-8"', 'charset="gb2312"').encode("gb18030")
    channel.pages[url("recoded")] = replace(page, body=recoded, content_type="text/html; charset=gb2312")
    del channel.pages[url("deleted")]
    channel.redirect(url("moved"), "http://ci.china.com.cn/")
    channel.edit(url("pictured"), "窑口", "老窑口")
    for number in range(1, PARTS + 1):
        channel.edit(url("parted", number), "初稿", "定稿")
    channel.answer(url("parted", 2), 500)


def _restored(channel: Channel) -> None:
    channel.restore(url("parted", 2))
    channel.restore(url("mobile"))
    channel.edit(url("titled"), "封窑记", "开窑记")


def _taken_back(channel: Channel) -> None:
    channel.edit(url("titled"), "开窑记", "封窑记")
    channel.pages[url("bare")] = article("bare").page()
    channel.restore(url("moved"))


def _nothing(channel: Channel) -> None:
    """The channel stays as it is."""
