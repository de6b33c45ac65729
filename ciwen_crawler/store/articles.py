"""An article's rows: a fold over its complete looks in the order of their moments, whatever order they came in.

A look whose content differs from the one before it starts the next version (A, B, A are three). One that comes in order
is one step of the fold; one that comes late makes the fold start anew, from the records.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Select, bindparam, select

from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.content import content_hash
from ciwen_crawler.identity import is_twin
from ciwen_crawler.items import Article
from ciwen_crawler.pages import missing
from ciwen_crawler.store import schema
from ciwen_crawler.store.batch import Batch
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.fold import CHANGED, NEW, SAME, State, counted, is_secure, rank, step, verdict_of
from ciwen_crawler.store.rows import Row, image_rows, quarantine_row, version_capture_rows, version_row
from ciwen_crawler.store.standing import is_absence, standing

__all__ = ["CHANGED", "LATE", "NEW", "SAME", "TWIN", "Articles"]

LATE, TWIN = "late", "twin"


def _newest() -> Select[Any]:
    a, v = schema.articles, schema.versions
    fields = (v.c.content_hash, v.c.substance_hash, v.c.captured_url, v.c.minor)
    return select(a, *fields).join(v, schema.IS_NEWEST).where(a.c.id == bindparam("id"))


# Made once: making them costs more than asking them.
_NEWEST = _newest()
_DECIDED = (
    select(schema.decisions.c.capture_id, schema.decisions.c.reason)
    .join(schema.captures, schema.captures.c.id == schema.decisions.c.capture_id)
    .where(schema.captures.c.article_id == bindparam("id"))
)


class Articles:
    """The articles of an archive, as far as their looks have been seen.

    `looks_of` gives all looks of an article out of the records; it is asked only where the fold must tell.
    """

    def __init__(self, database: Database, batch: Batch, looks_of: Callable[[str], Iterable[Article]]) -> None:
        self._database = database
        self._batch = batch
        self._looks_of = looks_of
        self._states: dict[str, State | None] = {}  # of articles asked for since the batch was written
        self._hashes: dict[tuple[str, ...], str] = {}  # by captures: a look is judged, saved and taken
        self._late: set[str] = set()
        self._stirred: set[str] = set()  # had a look that may tell whether they are still there
        self._ever_stirred: set[str] = set()
        # Captures that a monitor has decided against; a decision may come before what it is on.
        self._decided = set(database.connection.execute(select(schema.decisions.c.capture_id)).scalars())
        # Of an archive that begins here all ids are known, and asking the database for others is saved.
        self._ids: set[str] | None = None if database.has_row(schema.articles.c.id.is_not(None)) else set()

    def judge(self, look: Article) -> str:
        """NEW, CHANGED or SAME; TWIN where it stands beside a canonical page; LATE where the fold must tell."""
        state = self._state(look.id)
        if look.id in self._late or look.captures[0] in self._decided:
            return LATE
        if state is None:
            return NEW
        if is_twin(look.captured_url) and not is_twin(state.captured_url):
            return TWIN
        # A better rendering than the one that the newest version came from, or an earlier moment.
        if rank(look.captured_url) < rank(state.captured_url) or look.captured_at <= state.row["looked_at"]:
            return LATE
        if is_secure(look.captured_url) and self._may_have_plain(look):
            return LATE
        return verdict_of(state, self._hash_of(look))

    def save(self, look: Article) -> str:
        """Make the rows that follow from a look; its verdict, as things stand now."""
        verdict = self.judge(look)
        if verdict == LATE:
            self._late.add(look.id)
        elif verdict != TWIN:
            self._take(self._state(look.id), look)
        if verdict == NEW and self._was_looked_at_after(look):
            self._stirred.add(look.id)
        return verdict

    def decide_against(self, captures: Iterable[str]) -> None:
        """Looks that begin with these captures are to make no version; the rows of `decisions` say why."""
        self._decided.update(captures)

    def reconsider(self, article_id: str) -> None:
        """Let the fold tell, out of all the records that there are."""
        self._late.add(article_id)

    def quarantine(self, look: Article, reasons: tuple[str, ...]) -> None:
        """Keep a look that must not become a version, with its reasons."""
        self._batch.add(schema.quarantine, [quarantine_row(look, reasons)])
        self._stirred.add(look.id)

    def note(self, capture: Row) -> None:
        """A row of `captures` has come, which may tell that an article is absent."""
        if capture["kind"] == ARTICLE and is_absence(capture):
            self._stirred.add(capture["article_id"])

    def settle(self) -> None:
        """Fold anew every article that had a late look, and see which are still there. The batch is written before and
        after.
        """
        for article_id in sorted(self._late):
            self._batch.flush()
            self.forget_states()
            self._fold(article_id)
        self._batch.flush()
        self.forget_states()
        for article_id in sorted(self._stirred | self._late):
            self._stand(article_id)
        self._ever_stirred |= self._stirred
        self._stirred.clear()
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

    def _take(self, before: State | None, look: Article) -> State:
        state = step(before, look, self._hash_of(look))
        self._states[look.id] = state
        if self._ids is not None:
            self._ids.add(look.id)
        self._batch.add(schema.articles, [state.row])
        if before is None or before.row["versions"] < state.row["versions"]:
            number = state.row["versions"]
            self._batch.add(schema.versions, [version_row(look, number) | state.of_version()])
            self._batch.add(schema.images, image_rows(look, number))
            self._batch.add(schema.version_captures, version_capture_rows(look, number))
        return state

    def _fold(self, article_id: str) -> None:
        state: State | None = None
        decided = self._reasons(article_id)
        looks = list(self._looks_of(article_id))
        for look in looks:
            reasons = missing(look) or decided.get(look.captures[0])
            if reasons:
                self.quarantine(look, reasons)
        self._batch.forget(article_id)
        for look in counted(look for look in looks if look.captures[0] not in decided):
            state = self._take(state, look)

    def _reasons(self, article_id: str) -> dict[str, tuple[str, ...]]:
        """The looks that a monitor has decided against, by their first captures, with its reasons."""
        rows = self._database.connection.execute(_DECIDED, {"id": article_id})
        return {capture_id: (reason,) for capture_id, reason in rows}

    def _was_looked_at_after(self, look: Article) -> bool:
        """Whether an article that is new may have been found absent later: its looks need not come in their order."""
        if self._ids is not None:
            return look.id in self._ever_stirred
        c = schema.captures.c
        return self._database.has_row(c.article_id == look.id, c.kind == ARTICLE, c.fetched_at > look.captured_at)

    def _stand(self, article_id: str) -> None:
        state = self._state(article_id)
        if state is not None:
            found = standing(self._database, article_id, state.row["last_captured_at"])
            if found != (state.row["state"], state.row["looked_at"]):
                self._batch.add(schema.articles, [state.row | found._asdict()])

    def _state(self, article_id: str) -> State | None:
        if article_id in self._states:
            return self._states[article_id]
        if self._ids is not None and article_id not in self._ids:
            return None
        found = self._database.connection.execute(_NEWEST, {"id": article_id}).mappings().first()
        state: State | None = None
        if found is not None:
            row = {column.name: found[column.name] for column in schema.articles.c}
            state = State(row, found["content_hash"], found["substance_hash"], found["captured_url"], found["minor"])
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
            if (row["article_id"], row["crawl_id"]) == (look.id, look.crawl_id) and not is_secure(row["url"])
        )
        return any(status in (None, 200, 304) for status in statuses)
