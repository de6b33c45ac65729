"""An article's rows: a fold over its complete looks in the order of their moments, whatever order they came in.

A look whose content differs from the one before it starts the next version (A, B, A are three). One that comes in order
is one step of the fold; one that comes late makes the fold start anew, from the records.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select

from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.content import content_hash
from ciwen_crawler.identity import is_twin
from ciwen_crawler.items import Article
from ciwen_crawler.pages import missing
from ciwen_crawler.store import schema
from ciwen_crawler.store.batch import Batch
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.rows import Row, image_rows, quarantine_row, version_capture_rows, version_row

NEW, CHANGED, SAME, LATE, TWIN = "new", "changed", "same", "late", "twin"
LIVE = "live"


@dataclass(frozen=True, slots=True)
class _State:
    """What the next look of an article is compared with."""

    row: Row  # of `articles`
    content_hash: str  # of its newest version
    captured_url: str


class Step(NamedTuple):
    """One step of the fold: what the look is, and the article's state after it."""

    verdict: str
    state: _State


def _step(state: _State | None, look: Article, found: str) -> Step:
    """`found` is the look's content hash."""
    versions = state.row["versions"] if state else 0
    verdict = NEW if state is None else SAME if state.content_hash == found else CHANGED
    row = {
        "id": look.id,
        "url": look.url,
        "channel": look.channel,
        "state": LIVE,
        "first_captured_at": state.row["first_captured_at"] if state else look.captured_at,
        "last_captured_at": look.captured_at,
        "versions": versions if verdict == SAME else versions + 1,
        "same_as": state.row["same_as"] if state else None,
    }
    captured_url = state.captured_url if state and verdict == SAME else look.captured_url
    return Step(verdict, _State(row, found, captured_url))


def _newest() -> Select[Any]:
    a, v = schema.articles, schema.versions
    newest = (v.c.article_id == a.c.id) & (v.c.number == a.c.versions)
    return select(a, v.c.content_hash, v.c.captured_url).join(v, newest).where(a.c.id == bindparam("id"))


# Made once: making it costs more than asking it.
_NEWEST = _newest()


class Articles:
    """The articles of an archive, as far as their looks have been seen.

    `looks_of` gives all looks of an article out of the records; it is asked only where the fold must tell.
    """

    def __init__(self, database: Database, batch: Batch, looks_of: Callable[[str], Iterable[Article]]) -> None:
        self._database = database
        self._batch = batch
        self._looks_of = looks_of
        self._states: dict[str, _State | None] = {}  # of articles asked for since the batch was written
        self._hashes: dict[tuple[str, ...], str] = {}  # by captures: a look is judged, saved and taken
        self._late: set[str] = set()
        # Of an archive that begins here all ids are known, and asking the database for others is saved.
        self._ids: set[str] | None = None if database.has_row(schema.articles.c.id.is_not(None)) else set()

    def judge(self, look: Article) -> str:
        """NEW, CHANGED or SAME; TWIN where it stands beside a canonical page; LATE where the fold must tell."""
        state = self._state(look.id)
        if state is None or look.id in self._late:
            return LATE if look.id in self._late else NEW
        if is_twin(look.captured_url) and not is_twin(state.captured_url):
            return TWIN
        # A better rendering than the one that the newest version came from, or an earlier moment.
        if _rank(look.captured_url) < _rank(state.captured_url) or look.captured_at <= state.row["last_captured_at"]:
            return LATE
        if _is_secure(look.captured_url) and self._may_have_plain(look):
            return LATE
        return _step(state, look, self._hash_of(look)).verdict

    def save(self, look: Article) -> str:
        """Make the rows that follow from a look; its verdict, as things stand now."""
        verdict = self.judge(look)
        if verdict == LATE:
            self._late.add(look.id)
        elif verdict != TWIN:
            self._take(self._state(look.id), look)
        return verdict

    def reconsider(self, article_id: str) -> None:
        """Let the fold tell, out of all the records that there are."""
        self._late.add(article_id)

    def quarantine(self, look: Article, reasons: tuple[str, ...]) -> None:
        """Keep a look that must not become a version, with its reasons."""
        self._batch.add(schema.quarantine, [quarantine_row(look, reasons)])

    def settle(self) -> None:
        """Fold anew every article that had a late look. The batch is written before and after."""
        for article_id in sorted(self._late):
            self._batch.flush()
            self.forget_states()
            self._fold(article_id)
        self._late.clear()
        self._batch.flush()
        self.forget_states()

    def forget_states(self) -> None:
        """The batch has been written: states are read from the database again."""
        self._states.clear()
        self._hashes.clear()

    def _hash_of(self, look: Article) -> str:
        if look.captures not in self._hashes:
            self._hashes[look.captures] = content_hash(look)
        return self._hashes[look.captures]

    def _take(self, before: _State | None, look: Article) -> _State:
        verdict, state = _step(before, look, self._hash_of(look))
        self._states[look.id] = state
        if self._ids is not None:
            self._ids.add(look.id)
        self._batch.add(schema.articles, [state.row])
        if verdict != SAME:
            number = state.row["versions"]
            self._batch.add(schema.versions, [version_row(look, number, state.content_hash)])
            self._batch.add(schema.images, image_rows(look, number))
            self._batch.add(schema.version_captures, version_capture_rows(look, number))
        return state

    def _fold(self, article_id: str) -> None:
        state: _State | None = None
        looks = list(self._looks_of(article_id))
        for look in looks:
            reasons = missing(look)
            if reasons:
                self.quarantine(look, reasons)
        self._batch.forget(article_id)
        for look in counted(looks):
            state = self._take(state, look)

    def _state(self, article_id: str) -> _State | None:
        if article_id in self._states:
            return self._states[article_id]
        if self._ids is not None and article_id not in self._ids:
            return None
        found = self._database.connection.execute(_NEWEST, {"id": article_id}).mappings().first()
        state: _State | None = None
        if found is not None:
            row = {column.name: found[column.name] for column in schema.articles.c}
            state = _State(row, found["content_hash"], found["captured_url"])
        self._states[article_id] = state
        return state

    def _may_have_plain(self, look: Article) -> bool:
        """Whether the look's crawl had a page of the article by http too. A redirect to https is no page."""
        c = schema.captures.c
        by_http = select(c.status).where(
            c.article_id == look.id, c.crawl_id == look.crawl_id, c.kind == ARTICLE, c.url.startswith("http://")
        )
        statuses = list(self._database.connection.execute(by_http).scalars())
        statuses += (
            row["status"]
            for row in self._batch.waiting(schema.captures)
            if (row["article_id"], row["crawl_id"]) == (look.id, look.crawl_id) and not _is_secure(row["url"])
        )
        return any(status in (None, 200, 304) for status in statuses)


def _is_secure(url: str) -> bool:
    return url.startswith("https:")


def _rank(url: str) -> int:
    """How far a rendering is from the canonical one."""
    return 2 if is_twin(url) else 1 if _is_secure(url) else 0


def counted(looks: Iterable[Article]) -> Iterator[Article]:
    """The looks that make versions, in the order of their moments: sound ones, twins where there is nothing better."""
    sound = (look for look in looks if not missing(look))
    ordered = sorted(sound, key=lambda look: (look.captured_at, look.captures[0]))
    if any(not is_twin(look.captured_url) for look in ordered):
        ordered = [look for look in ordered if not is_twin(look.captured_url)]
    plain = {look.crawl_id for look in ordered if not _is_secure(look.captured_url)}
    for look in ordered:
        if not (_is_secure(look.captured_url) and look.crawl_id in plain):
            yield look
