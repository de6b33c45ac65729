"""An article's rows are a fold over its looks, whatever order they arrive in."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ciwen_crawler.capture import ARTICLE, Capture
from ciwen_crawler.items import Article
from ciwen_crawler.pages import missing
from ciwen_crawler.store import schema
from ciwen_crawler.store.articles import Articles
from ciwen_crawler.store.batch import Batch
from ciwen_crawler.store.database import NAME, Database
from ciwen_crawler.store.rows import Row, capture_row

ID = "china.com.cn:43000001"
PATH = "2025-06/04/content_43000001.html"
URLS = {
    "http": f"http://ci.china.com.cn/{PATH}",
    "https": f"https://ci.china.com.cn/{PATH}",
    "mobile": f"http://ci.china.com.cn/m/{PATH}",
    "whole": f"http://ci.china.com.cn/{PATH.replace('.html', '_0.html')}",
}
TWINS = ("mobile", "whole")
UNSOUND = "?"  # content that goes to quarantine
EXAMPLES = 80


@dataclass(frozen=True)
class Look:
    """What a crawl saw of the article, or a redirect that it met there."""

    content: str  # one of a few; '' for a redirect, of which nothing can be read
    moment: int
    rendering: str
    crawl: int

    def capture(self, number: int) -> Capture:
        """Its one capture, numbered as it arrives."""
        return Capture(
            id=f"capture-{number}",
            url=URLS[self.rendering],
            fetched_at=_moment(self.moment),
            status=200 if self.content else 301,
            headers=(),
            body=b"",
            kind=ARTICLE,
            crawl_id=f"crawl-{self.crawl}",
        )

    def article(self, number: int) -> Article:
        """The article as this look has it."""
        capture = self.capture(number)
        return Article(
            id=ID,
            url=URLS["http"],
            channel=f"频道{self.crawl}",
            captured_at=capture.fetched_at,
            title=None if self.content == UNSOUND else f"题{self.content}",
            published_at="2025-06-04T16:35:12+08:00",
            published_precision="second",
            source=None,
            author=None,
            editor=None,
            body="窑火未熄。",
            body_html=None,
            breadcrumb=(),
            keywords=(),
            summary=None,
            images=(),
            extractor="enp/1",
            captures=(capture.id,),
            pages=(1,),
            captured_url=capture.url,
            crawl_id=capture.crawl_id,
        )


def _moment(number: int) -> str:
    return f"2025-06-{number + 5:02}T00:00:00.000000Z"


LOOKS = st.lists(
    st.builds(
        Look,
        st.sampled_from(["a", "b", "c", UNSOUND, ""]),
        st.integers(0, 5),
        st.sampled_from(sorted(URLS)),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=8,
)
PAUSES = st.lists(st.sampled_from(["none", "commit", "end"]), max_size=8)


class Store:
    """The looks that have arrived, and the articles that the real code makes of them."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / NAME)
        self._batch = Batch(self.database, lambda: None)
        self._arrived: list[Article] = []
        self.articles = Articles(self.database, self._batch, lambda _: iter(self._arrived))

    def take(self, look: Look, number: int) -> None:
        """A look arrives, as it does from a crawl, a replay or a rebuild."""
        self._batch.add(schema.captures, [capture_row(look.capture(number))])
        if not look.content:
            return
        article = look.article(number)
        self._arrived.append(article)
        reasons = missing(article)
        if reasons:
            self.articles.quarantine(article, reasons)
        else:
            self.articles.save(article)

    def commit(self) -> None:
        self._batch.flush()
        self.articles.forget_states()

    def rows(self) -> dict[str, list[Row]]:
        tables = (schema.articles, schema.versions, schema.version_captures, schema.quarantine)
        return {
            table.name: [
                dict(row)
                for row in self.database.connection.execute(select(table).order_by(*table.primary_key)).mappings()
            ]
            for table in tables
        }


@contextmanager
def store() -> Iterator[Store]:
    with TemporaryDirectory() as folder:
        opened = Store(Path(folder))
        try:
            yield opened
        finally:
            opened.database.close()


def derived(looks: Iterable[tuple[int, Look]], pauses: Sequence[str] = ()) -> dict[str, list[Row]]:
    """The rows after looks have arrived in this order; between them a batch may be written, or a run end."""
    with store() as opened:
        for place, (number, look) in enumerate(looks):
            opened.take(look, number)
            pause = pauses[place] if place < len(pauses) else "none"
            if pause == "commit":
                opened.commit()
            elif pause == "end":
                opened.articles.settle()
        opened.articles.settle()
        return opened.rows()


def folded(looks: Iterable[tuple[int, Look]]) -> list[tuple[int, str]]:
    """The rule in a few lines, as (number of the look, its content) for each version: in the order of their moments, a
    look whose content differs from the one before it starts the next; twins count where there is nothing better.
    """
    sound = [
        (look.moment, f"capture-{number}", number, look) for number, look in looks if look.content not in ("", UNSOUND)
    ]
    if any(look.rendering not in TWINS for *_, look in sound):
        sound = [each for each in sound if each[-1].rendering not in TWINS]
    plain = {look.crawl for *_, look in sound if look.rendering != "https"}
    sound = [each for each in sound if each[-1].rendering != "https" or each[-1].crawl not in plain]
    versions: list[tuple[int, str]] = []
    for _, _, number, look in sorted(sound, key=lambda each: each[:2]):
        if not versions or versions[-1][1] != look.content:
            versions.append((number, look.content))
    return versions


def arrivals(data: st.DataObject, looks: list[Look]) -> list[tuple[int, Look]]:
    """The looks, numbered, in some order."""
    return data.draw(st.permutations(list(enumerate(looks))))


@settings(max_examples=EXAMPLES, deadline=None)
@given(looks=LOOKS, pauses=PAUSES, data=st.data())
def test_rows_do_not_depend_on_the_order_of_arrival(looks: list[Look], pauses: list[str], data: st.DataObject) -> None:
    arrival = arrivals(data, looks)
    in_order = sorted(arrival, key=lambda pair: (pair[1].moment, f"capture-{pair[0]}"))
    assert derived(arrival, pauses) == derived(in_order)


@settings(max_examples=EXAMPLES, deadline=None)
@given(looks=LOOKS, pauses=PAUSES, data=st.data())
def test_versions_are_the_changes_of_content(looks: list[Look], pauses: list[str], data: st.DataObject) -> None:
    arrival = arrivals(data, looks)
    found, expected = derived(arrival, pauses), folded(arrival)
    assert [row["capture_id"] for row in found["version_captures"]] == [f"capture-{number}" for number, _ in expected]
    assert [(row["number"], row["title"]) for row in found["versions"]] == [
        (place, f"题{content}") for place, (_, content) in enumerate(expected, 1)
    ]
    assert [row["versions"] for row in found["articles"]] == ([len(expected)] if expected else [])
