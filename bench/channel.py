"""A generated channel: as many articles as wanted, in the markup of the bundled pages, as files for a web server.

The frames are those of `fixtures/html`; titles and bodies are phrases drawn from a chain over the characters of the
bundled articles, so that they compress about as real ones do and no two are alike. The same number of articles gives
the same channel.
"""

import json
import random
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path

from bench import ROOT

HOST = "ci.china.com.cn"
_FIXTURES = ROOT / "fixtures" / "html"
_NEAR = 10  # pages that a pager names before and behind its own
_ITEMS_A_PAGE, _PAGES_A_LIST = 20, 10  # the CMS lists no more, so a long channel has many lists
_PARAGRAPHS = (6, 32)  # an article's, from and to
_PHRASES_A_PARAGRAPH, _CHARACTERS_A_PHRASE = (3, 20), (5, 19)
_PHRASES = 20_000  # so many that two articles share hardly any
_FIRST_NODE, _FRAME_NODE = 8_020_001, "node_8010002"
# The CMS numbers articles in the order of their publication; these two points are known.
_FIRST_DAY, _FIRST_ID = datetime(2020, 2, 1, 8), 41_050_000
_LAST_DAY, _LAST_ID = datetime(2025, 2, 1, 8), 43_030_000
_PARAGRAPH = '<p style="text-indent: 2em; text-align: left; margin-bottom: 15px;">{}</p>'
_NAVIGATION = "<h2>新闻</h2>", '<div class="pcaddDom">'  # from and up to
ROBOTS = "User-agent: *\nDisallow: /private/\n"


@dataclass(frozen=True, slots=True)
class Channel:
    """What was written: the folder to serve, and every page that a crawl of it has to fetch."""

    folder: Path
    articles: tuple[str, ...]  # URLs
    lists: tuple[str, ...]  # the home page first

    @property
    def pages(self) -> tuple[str, ...]:
        """Every page, lists before articles."""
        return self.lists + self.articles


@dataclass(frozen=True, slots=True)
class _Article:
    number: int
    published: datetime
    title: str

    @property
    def url(self) -> str:
        return f"http://{HOST}/{self.published:%Y-%m/%d}/content_{self.number}.html"


def write_channel(folder: Path, count: int) -> Channel:
    """Write a channel of `count` articles into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    generated = Generated(count)
    for url, page in generated.article_pages():
        _write(folder, url, page)
    lists = dict(generated.list_pages())
    for url, page in lists.items():
        _write(folder, url, page)
    (folder / "robots.txt").write_text(ROBOTS)
    return Channel(folder, tuple(article.url for article in generated.articles), tuple(lists))


class Generated:
    """A channel's pages, made one by one as they are asked for: (URL, page)."""

    def __init__(self, count: int, pages_a_list: int = _PAGES_A_LIST) -> None:
        self._words = _Words(count)
        self._pages_a_list = pages_a_list
        self.articles = [_article(index, count, self._words) for index in range(count)]

    def article_pages(self) -> Iterator[tuple[str, str]]:
        """Every article, the oldest first. To be asked for once, as the words are drawn anew each time."""
        frame = _Frame()
        return ((article.url, frame.article(article, self._words)) for article in self.articles)

    def list_pages(self) -> Iterator[tuple[str, str]]:
        """The home page, then each list with its pages."""
        return _list_pages(self.articles[::-1], self._pages_a_list)


def _article(index: int, count: int, words: "_Words") -> _Article:
    share = index / count
    published = _FIRST_DAY + timedelta(minutes=(_LAST_DAY - _FIRST_DAY) // timedelta(minutes=1) * share)
    return _Article(int(_FIRST_ID + (_LAST_ID - _FIRST_ID) * share), published, words.title())


def _write(folder: Path, url: str, page: str) -> None:
    path = folder / (url.removeprefix(f"http://{HOST}/") or "index.html")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


class _Words:
    """Chinese that is none: phrases in which each character follows one that it follows in the bundled articles."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        chain = _chain()
        starts = sorted(chain)
        self._phrases = [self._phrase(chain, self._random.choice(starts)) for _ in range(_PHRASES)]

    def title(self) -> str:
        return "".join(self._random.choices(self._phrases, k=2))

    def paragraphs(self) -> Iterator[str]:
        """As many as an article has, of varied length."""
        for _ in range(self._random.randint(*_PARAGRAPHS)):
            count = self._random.randint(*_PHRASES_A_PARAGRAPH)
            yield "，".join(self._random.choices(self._phrases, k=count)) + "。"

    def _phrase(self, chain: dict[str, list[str]], character: str) -> str:
        text = [character]
        for _ in range(self._random.randint(*_CHARACTERS_A_PHRASE)):
            character = self._random.choice(chain[character])
            text.append(character)
        return "".join(text)


@cache
def _chain() -> dict[str, list[str]]:
    """Which ideographs follow which, as often as they do."""
    text = ""
    for path in sorted(_FIXTURES.glob("*.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        text += case.get("expected", {}).get("body") or ""
    ideographs = "".join(character for character in text if "\u4e00" <= character <= "\u9fff")
    chain = defaultdict(list)
    for here, there in pairwise(ideographs + ideographs[0]):
        chain[here].append(there)
    return dict(chain)


class _Frame:
    """A bundled article whose title, address, times and body are replaced.

    The bundled pages have half the links of a real page (86 of 160), so a part of their navigation stands four times.
    """

    def __init__(self) -> None:
        expected = json.loads((_FIXTURES / "plain.json").read_text(encoding="utf-8"))["expected"]
        page = (_FIXTURES / "plain.html").read_text(encoding="utf-8")
        head, navigation, rest = _parted(page, *_NAVIGATION)
        self._page = head + navigation * 4 + rest
        self._title = expected["title"]
        self._number = expected["id"].partition(":")[2]
        self._published = datetime.fromisoformat(expected["published_at"])

    def article(self, article: _Article, words: _Words) -> str:
        body = "".join(map(_PARAGRAPH.format, words.paragraphs()))
        page = self._page.replace(self._title, article.title).replace(self._number, str(article.number))
        for form in ("%Y-%m/%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"):
            page = page.replace(f"{self._published:{form}}", f"{article.published:{form}}")
        return _between(page, "<!--enpcontent-->", "<!--/enpcontent-->", body)


def _between(page: str, opening: str, closing: str, text: str) -> str:
    """The page with what lies between two marks replaced."""
    head, _, rest = _parted(page, opening, closing)
    return f"{head}{opening}{text}{rest}"


def _parted(page: str, opening: str, closing: str) -> tuple[str, str, str]:
    """What comes before a mark; from it up to another; from that on. ValueError where the page lacks one."""
    start = page.index(opening)
    end = page.index(closing, start)
    return page[:start], page[start:end], page[end:]


def _list_pages(articles: list[_Article], pages_a_list: int) -> Iterator[tuple[str, str]]:
    frame = (_FIXTURES / "list_cq.html").read_text(encoding="utf-8")
    size = _ITEMS_A_PAGE * pages_a_list
    nodes = {
        _FIRST_NODE + index: articles[start : start + size] for index, start in enumerate(range(0, len(articles), size))
    }
    yield f"http://{HOST}/", _home(nodes)
    for node, held in nodes.items():
        parts = [held[start : start + _ITEMS_A_PAGE] for start in range(0, len(held), _ITEMS_A_PAGE)]
        for page, part in enumerate(parts, 1):
            text = "".join(map(_item, part)) + _pager(node, page, len(parts))
            yield _node_url(node, page), _block(frame, text).replace(_FRAME_NODE, f"node_{node}")


def _node_url(node: int, page: int = 1) -> str:
    return f"http://{HOST}/node_{node}{f'_{page}' if page > 1 else ''}.html"


def _block(frame: str, text: str) -> str:
    return _between(frame, '<div class="content_left">', '</div>\n        <div class="content_right">', text)


def _home(nodes: dict[int, list[_Article]]) -> str:
    frame = re.sub(
        r'<div class="nav"><ul>.*?</ul></div>', "", (_FIXTURES / "home.html").read_text(encoding="utf-8"), flags=re.S
    )
    return _block(
        frame,
        "".join(
            f'<div class="section"><h2><a href="{_node_url(node)}" target="_blank">瓷闻 {node}</a></h2><ul>'
            f'<li>·<a href="{held[0].url}" >{held[0].title}</a></li></ul></div>'
            for node, held in nodes.items()
        ),
    )


def _item(article: _Article) -> str:
    return (
        f'<div class="item"><h2><a href="{article.url}" target="_blank">{article.title}</a></h2>'
        f'<div class="time">{article.published:%Y-%m-%d %H:%M}</div></div>'
    )


def _pager(node: int, page: int, last: int) -> str:
    numbers = "".join(
        f'<li class="page-active"><span>{number}</span></li>'
        if number == page
        else f'<li><a href="{_node_url(node, number)}">{number}</a></li>'
        for number in sorted({1, last, *range(max(1, page - _NEAR), min(last, page + _NEAR) + 1)})
    )
    return f"<ul pages='{last}' current='{page}' class='pages'>{numbers}</ul>"
