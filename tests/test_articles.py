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
REDIRECT, ABSENT = "", "404"  # what is no content at all
EXAMPLES = 80


@dataclass(frozen=True)
class Look:
    """What a crawl saw of the article, or a redirect that it met there."""

    content: str  # one of a few; or what came in its place
    moment: int
    rendering: str
    crawl: int
    is_decided: bool  # whether a monitor decides against it

    @property
    def is_read(self) -> bool:
        """Whether there is a page."""
        return self.content not in (REDIRECT, ABSENT)

    def capture(self, number: int) -> Capture:
        """Its one capture, numbered as it arrives."""
        return Capture(
            id=f"capture-{number}",
            url=URLS[self.rendering],
            fetched_at=_moment(self.moment),
            status=200 if self.is_read else 404 if self.content == ABSENT else 301,
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
        st.sampled_from(["a", "b", "c", UNSOUND, REDIRECT, ABSENT, ABSENT, ABSENT]),
        st.integers(0, 5),
        st.sampled_from(sorted(URLS)),
        st.integers(0, 4),
        st.sampled_from([False, False, False, True]),
    ),
    min_size=1,
    max_size=8,
)
REASON = "body: halved"
PAUSES = st.lists(st.sampled_from(["none", "commit", "end"]), max_size=8)


class Store:
    """The looks that have arrived, and the articles that the real code makes of them."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / NAME)
        self._batch = Batch(self.database, lambda: None)
        self._arrived: list[Article] = []
        self.articles = Articles(self.database, self._batch, lambda _: iter(self._arrived))

    def take(self, look: Look, number: int) -> None:
        """A look arrives, as it does from a crawl, a replay or a rebuild; what is decided on it before it or after."""
        row = capture_row(look.capture(number))
        self._batch.add(schema.captures, [row])
        self.articles.note(row)
        if not look.is_read:
            return
        if look.is_decided and number % 2:
            self._decide(number)
        article = look.article(number)
        self._arrived.append(article)
        reasons = missing(article)
        if reasons:
            self.articles.quarantine(article, reasons)
        else:
            self.articles.save(article)
        if look.is_decided and not number % 2:
            self._decide(number)
            self.articles.reconsider(ID)

    def _decide(self, number: int) -> None:
        of_record = {"reason": REASON, "record_id": "decision", "warc_file": "a.warc.gz", "warc_offset": 0}
        self._batch.add(schema.decisions, [{"capture_id": f"capture-{number}", **of_record}])
        self.articles.decide_against([f"capture-{number}"])

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
    """The rule in a few lines, as (number of the look, its content) for each version: a look whose content differs from
    the one before it starts the next.
    """
    versions: list[tuple[int, str]] = []
    for number, look in believed(looks):
        if not versions or versions[-1][1] != look.content:
            versions.append((number, look.content))
    return versions


def believed(looks: Iterable[tuple[int, Look]]) -> list[tuple[int, Look]]:
    """The looks that count, in the order of their moments; twins do where there is nothing better."""
    sound = [
        (look.moment, f"capture-{number}", number, look)
        for number, look in looks
        if look.is_read and look.content != UNSOUND and not look.is_decided
    ]
    if any(look.rendering not in TWINS for *_, look in sound):
        sound = [each for each in sound if each[-1].rendering not in TWINS]
    plain = {look.crawl for *_, look in sound if look.rendering != "https"}
    sound = [each for each in sound if each[-1].rendering != "https" or each[-1].crawl not in plain]
    return [each[2:] for each in sorted(sound, key=lambda each: each[:2])]


def is_gone(looks: Iterable[tuple[int, Look]], last_seen: int) -> bool:
    """Three absences, each met by another run, over three days."""
    absent = [
        look for _, look in looks if look.content == ABSENT and look.rendering not in TWINS and look.moment > last_seen
    ]
    days = [look.moment for look in absent]
    return len({look.crawl for look in absent}) >= 3 and max(days) - min(days) >= 3


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


@settings(max_examples=EXAMPLES, deadline=None)
@given(looks=LOOKS, pauses=PAUSES, data=st.data())
def test_article_is_gone_when_three_looks_over_three_days_found_it_absent(
    looks: list[Look], pauses: list[str], data: st.DataObject
) -> None:
    arrival = arrivals(data, looks)
    seen = believed(arrival)
    states = [row["state"] for row in derived(arrival, pauses)["articles"]]
    assert states == ([("gone" if is_gone(arrival, seen[-1][1].moment) else "live")] if seen else [])


@settings(max_examples=EXAMPLES, deadline=None)
@given(looks=LOOKS, pauses=PAUSES, data=st.data())
def test_what_was_decided_against_is_in_quarantine(looks: list[Look], pauses: list[str], data: st.DataObject) -> None:
    found = {row["capture_id"]: row["reasons"] for row in derived(arrivals(data, looks), pauses)["quarantine"]}
    read = [(f"capture-{number}", look) for number, look in enumerate(looks) if look.is_read]
    expected = {name: ["title: absent"] for name, look in read if look.content == UNSOUND}
    assert found == {name: [REASON] for name, look in read if look.is_decided} | expected
