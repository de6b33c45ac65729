"""Changes of template, each made out of an ordinary page by replacing text, and ordinary pages of great variety.

`Watch` shows pages to the code that judges a run without a network or a disk; `changes()` are told by name, each with
the field that a finding is to name first.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import escape

from ciwen_crawler import clock
from ciwen_crawler.capture import ARTICLE, Capture
from ciwen_crawler.content import content_hash
from ciwen_crawler.health.finding import Finding
from ciwen_crawler.health.judgement import judged
from ciwen_crawler.health.looked import Looked, told
from ciwen_crawler.health.past import Earlier, Past
from ciwen_crawler.health.sample import QUARANTINED, Sample, sample_of
from ciwen_crawler.items import Article as Read
from ciwen_crawler.pages import merge, missing, read_article
from ciwen_crawler.tally import Tally
from fixtures.markup import Article, picture

_WORDS = (
    "的 是 在 了 和 有 人 这 为 上 个 国 我 以 要 他 来 用 们 生 到 作 地 于 就 分 对 会 可 年 窑火 瓷器 青花 白瓷 釉色"
    " 匠人 作坊 博物馆 展览 龙泉 景德镇 醴陵 德化 泥料 拉坯 开窑 学徒 非遗 传承 市场 出口 海关 古道 码头 碎片"
    " 考古 发掘 修复 工艺 设计 学生 老师 一个 我们 他们 记者 介绍 认为 表示 目前 已经 正在 今年 去年 以来 其中"
    " 通过 进行 发展 文化 中国 世界 历史 时代 生活"
).split()
_ENGLISH = "the kiln was opened at dawn and every bowl of celadon came out whole as the old master had hoped".split()
_SOURCES = ["中国网·瓷闻天下"] * 6 + [
    "中国网",
    "新华社",
    "人民日报",
    "景德镇日报",
    "光明网",
    "中国文化报",
    "央视新闻客户端",
]
_EDITORS = ["宋砚台"] * 5 + ["郭旭", "刘峻凌", "王晓 李明", "欧阳青"]
_AUTHORS = ["周瓷", "陈小满", "林一 何青", "新华社记者 李白瓷", "高岭"]


@dataclass(frozen=True)
class Page:
    """A page that is served, and the article that is on it."""

    article: Article
    html: str

    @property
    def url(self) -> str:
        """Where."""
        return self.article.url


class Ordinary:
    """An endless channel: authors, lengths, galleries, lacking fields, texts in English, bursts of a kind."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._number = 43000000
        self._moment = datetime(2025, 1, 6, 8, 0, 0)
        self._burst: list[str] = []

    def pages(self, count: int) -> list[Page]:
        """The next articles."""
        return [self.page() for _ in range(count)]

    def texts(self, count: int) -> list[Page]:
        """The next articles that are no galleries: a change of the text, these show."""
        found: list[Page] = []
        while len(found) < count:
            page = self.page()
            found += [] if page.article.paragraphs[0].startswith("<") else [page]
        return found

    def page(self) -> Page:
        """The next article."""
        chance = self._random
        self._number += chance.randint(1, 40)
        self._moment += timedelta(minutes=chance.expovariate(1 / 300))
        if not self._burst and chance.random() < 0.01:
            self._burst = chance.choice([["gallery"] * 10, ["agency"] * 8, ["short"] * 4])
        kind = self._burst.pop() if self._burst else "gallery" if chance.random() < 0.05 else ""
        article = Article(
            self._number,
            self._sentence(chance.randint(3, 12)),
            tuple(self._paragraphs(kind)),
            day=f"{self._moment:%Y-%m-%d}",
            time=f"{self._moment:%H:%M:%S}",
            source="新华社" if kind == "agency" else chance.choice(_SOURCES),
            editor=chance.choice(_EDITORS),
            keywords=",".join(chance.sample(_WORDS[30:], chance.randint(1, 6))),
        )
        return Page(article, self._dressed(article))

    def _dressed(self, article: Article) -> str:
        """With the fields that the CMS fills in some articles, and without those that it lacks in some."""
        chance, html = self._random, article.page()
        if chance.random() < 0.9:
            html = html.replace("<author></author>", f"<author>{chance.choice(_AUTHORS)}</author>")
        if chance.random() < 0.85:
            html = html.replace("<abstract></abstract>", f"<abstract>{self._sentence(20)}</abstract>")
        if chance.random() < 0.03:
            html = html.replace(article.editor, "")
        if chance.random() < 0.02:
            html = html.replace(article.source, "")
        if chance.random() < 0.03:
            html = html.replace(article.keywords, "")
        return html

    def _paragraphs(self, kind: str) -> Iterator[str]:
        chance = self._random
        if kind == "gallery":
            for number in range(chance.randint(5, 12)):
                yield picture(f"/pic/{self._number}/{number}.jpg", self._sentence(4) if chance.random() < 0.8 else None)
            return
        if chance.random() < 0.02:
            yield from (" ".join(chance.choices(_ENGLISH, k=60)) + "." for _ in range(4))
            return
        count = 2 if kind == "short" else max(2, round(chance.lognormvariate(2.1, 0.45)))
        # Most have a picture; where none is, none is missed by chance alone.
        for number in range(count):
            yield self._sentence(chance.randint(15, 70)) + "。"
            if (number == 0 and chance.random() < 0.85) or chance.random() < 0.1:
                yield picture(f"/pic/{self._number}/{number}.jpg", self._sentence(4) if chance.random() < 0.9 else None)

    def _sentence(self, words: int) -> str:
        return "".join(self._random.choices(_WORDS, k=words))


class Watch:
    """A channel's archive as far as the judgement of runs needs one, in memory."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[Sample, str]] = {}  # newest of each article, with its content hash
        self._looks: list[Sample] = []
        self._reports: list[object] = []
        self._decided: set[str] = set()
        self._captures = 0
        self._moment = datetime.fromisoformat("2025-06-01T00:00:00+00:00")

    def run(self, pages: Iterable[Page]) -> list[Finding]:
        """A run over pages, and what is wrong with it."""
        looked, new, self._moment = Looked(), [], self._moment + timedelta(hours=1)
        tally = Tally(starts_asked=1, starts_answered=1, asked=10, lists=1)
        past = self._past()
        for page in pages:
            article = self._read(page)
            tally.read_article(article)
            reasons, held = missing(article), self._versions.get(article.id)
            content = content_hash(article)
            verdict = QUARANTINED if reasons else "new" if not held else "same" if held[1] == content else "changed"
            tally.quarantined += bool(reasons)
            looked.add(sample_of(article, verdict, reasons, held[0] if held else None))
            if verdict in ("new", "changed"):
                new.append((sample_of(article, "new"), content))
        found = judged(tally, looked.samples, past, self._moment)
        self._decided.update(capture for finding in found for capture in finding.captures)
        for sample, content in new:
            if sample.capture_id not in self._decided:
                self._versions[sample.article_id] = sample, content
                self._looks.append(sample)
        self._reports.append(looked.as_dict("digest").get("samples"))
        return found

    def _past(self) -> Past:
        reported = [look for report in self._reports[-60:] for look in told(report, "digest")][-60:]
        ids = {look.capture_id for look in reported}
        looks = [*(look for look in self._looks[-300:] if look.capture_id not in ids), *reported]
        looks.sort(key=lambda look: (look.captured_at, look.capture_id))
        runs = (Earlier(clock.written(self._moment), 10, 0, 1, 0),) if self._reports else ()
        return Past(tuple(looks), frozenset(self._decided), runs)

    def _read(self, page: Page) -> Read:
        self._captures += 1
        self._moment += timedelta(seconds=1)
        capture = Capture(
            id=f"{self._captures:08}",
            url=page.url,
            fetched_at=clock.written(self._moment),
            status=200,
            headers=(("Content-Type", "text/html"),),
            body=page.html.encode("utf-8", "surrogateescape"),
            kind=ARTICLE,
        )
        return merge([capture], [read_article(capture)])


# --- Changes --------------------------------------------------------------------------------------------------------

Change = Callable[[Page], str]
_CONTENT = re.compile(r"(?<=<!--enpcontent-->).*?(?=<!--/enpcontent-->)", re.S)
_PROPERTY = re.compile(r"<!--enpproperty.*?/enpproperty-->", re.S)
_PARAGRAPH = re.compile(r"<p\b.*?</p>", re.S)
_CAPTION = re.compile(r'<p style="text-align: center;"><span style="font-size: 14px;">(.*?)</span></p>')
_WALL = (
    "<p>为了给您提供更好的服务，本站使用必要的技术手段。请阅读并同意用户协议和隐私政策，然后再继续浏览本站的内容。</p>"
)


@dataclass(frozen=True)
class Drift:
    """A change, and what is to be found of it.

    Lengths vary by themselves, so that it takes more new pages to show that they are halved; a known page does at once.
    """

    name: str
    field: str  # where either is right, blank-separated
    monitor: str
    change: Change = field(compare=False)
    pages: int = 10  # that show it

    def is_named_by(self, finding: Finding) -> bool:
        """Whether a finding is of it."""
        return finding.field in self.field.split() and finding.monitor in self.monitor.split()

    def __call__(self, pages: Iterable[Page]) -> list[Page]:
        """Pages as the changed template has them."""
        return [Page(page.article, self.change(page)) for page in pages]


def _sub(pattern: str, text: str) -> Change:
    compiled = re.compile(pattern, re.S)
    return lambda page: compiled.sub(lambda _: text, page.html)


def _content(make: Callable[[str], str]) -> Change:
    return lambda page: _CONTENT.sub(lambda found: make(found[0]), page.html, count=1)


def _first_paragraph(content: str) -> str:
    texts = [each for each in _PARAGRAPH.findall(content) if "center" not in each]
    return texts[0] if texts else content


def _first_half(content: str) -> str:
    parts = _PARAGRAPH.findall(content)
    return "".join(parts[: max(1, len(parts) * 2 // 5)])


def _swapped(page: Page, one: str, other: str) -> str:
    return page.html.replace(one, "\0").replace(other, one).replace("\0", other)


def _title_and_source(page: Page) -> str:
    html = page.html.replace(f"<h1>{escape(page.article.title)}</h1>", f"<h1>{page.article.source}</h1>")
    return html.replace(f"来源：{page.article.source}", f"来源：{escape(page.article.title)}")


def _mojibake(page: Page) -> str:
    """What a proxy makes that takes UTF-8 for gb2312 and sends it on as UTF-8."""
    return page.html.encode().decode("gb18030", "replace")


def _one_title(page: Page) -> str:
    return page.html.replace(escape(page.article.title), "瓷闻天下")


def _dated_by_day(page: Page) -> str:
    return page.html.replace(f"{page.article.day} {page.article.time}:104", page.article.day).replace(
        f"{page.article.day} {page.article.time[:5]}", page.article.day
    )


def _dated_by_update(page: Page) -> str:
    return page.html.replace(f"{page.article.day} {page.article.time}:104", "2025-05-31 09:00:00:104").replace(
        f"<p>{page.article.day} {page.article.time[:5]}", "<p>2025-05-31 09:00"
    )


def changes() -> Sequence[Drift]:
    """All of them."""
    return [
        Drift("inform renamed", "source", "rule", _sub(r'class="inform"', 'class="info"')),
        Drift("title wrapped", "title", "rule", lambda p: re.sub(r"(<h1>.*?</h1>)", r"<div>\1</div>", p.html)),
        Drift("editor renamed", "editor", "rule", _sub(r'class="editor"', 'class="bianji"')),
        Drift("source emptied", "source", "filled", lambda p: p.html.replace(p.article.source, "")),
        Drift("editor emptied", "editor", "filled", lambda p: p.html.replace(p.article.editor, "")),
        Drift("author emptied", "author", "filled", _sub(r"<author>.*?</author>", "<author></author>")),
        Drift("summary emptied", "summary", "filled", _sub(r"<abstract>.*?</abstract>", "<abstract></abstract>")),
        Drift("keywords emptied", "keywords", "filled", lambda p: p.html.replace(p.article.keywords, "")),
        Drift("crumbs gone", "breadcrumb", "filled", _sub(r'class="(?:m_local|local|crumb)"|当前位置:', "")),
        Drift(
            "source and editor swapped", "source", "swapped", lambda p: _swapped(p, p.article.source, p.article.editor)
        ),
        Drift("title and source swapped", "title", "swapped same", _title_and_source),
        Drift(
            "editor holds a date",
            "editor",
            "swapped",
            lambda p: p.html.replace(f"责任编辑：{p.article.editor}", p.article.day),
        ),
        Drift("one title", "title", "same", _one_title),
        Drift("markers emptied", "body", "filled", _content(lambda _: "")),
        Drift("markers gone", "body", "rule", _sub(r"<!--/?enpcontent-->", "")),
        Drift("first paragraph alone", "body", "length", _content(_first_paragraph)),
        Drift("less than half of the body", "body", "length", _content(_first_half), pages=20),
        Drift("property gone", "published_at author summary", "rule filled", lambda p: _PROPERTY.sub("", p.html)),
        Drift("date to the day", "published_at", "precision", _dated_by_day),
        Drift("date of the update", "published_at", "swapped", _dated_by_update),
        Drift("captions gone", "captions", "filled", _content(lambda text: _CAPTION.sub("", text))),
        Drift("captions set left", "captions", "filled", _content(lambda text: _CAPTION.sub(r"<p>\1</p>", text))),
        Drift(
            "images drawn by script", "images", "filled", _content(lambda text: re.sub(r"<img[^>]*>", "<i></i>", text))
        ),
        Drift("charset lie", "body", "writing", _mojibake),
        Drift(
            "error page",
            "body",
            "filled",
            lambda p: "<html><title>404</title><body><p>您访问的页面不存在</p></body></html>",
        ),
        Drift("consent wall", "body", "same", _content(lambda _: _WALL)),
    ]
