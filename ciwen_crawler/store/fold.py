"""One step of the fold that makes an article's rows out of its looks: pure, and the same whoever takes it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ciwen_crawler import clock
from ciwen_crawler.content import substance_hash
from ciwen_crawler.identity import is_twin
from ciwen_crawler.items import Article
from ciwen_crawler.pages import missing
from ciwen_crawler.store.rows import Row
from ciwen_crawler.store.standing import LIVE

NEW, CHANGED, SAME = "new", "changed", "same"


@dataclass(frozen=True, slots=True)
class State:
    """What the next look of an article is compared with."""

    row: Row  # of `articles`
    content_hash: str  # of its newest version
    substance_hash: str
    captured_url: str
    minor: int = 0  # whether that version differs from the one before in nothing that matters

    def of_version(self) -> Row:
        """What the row of its newest version has by comparison with others."""
        return {"content_hash": self.content_hash, "substance_hash": self.substance_hash, "minor": self.minor}


def verdict_of(state: State | None, content_hash: str) -> str:
    """What a look with that content is to an article in that state."""
    return NEW if state is None else SAME if state.content_hash == content_hash else CHANGED


def step(state: State | None, look: Article, content_hash: str) -> State:
    """The article's state after a look."""
    row: Row = {
        "id": look.id,
        "url": look.url,
        "channel": look.channel,
        "state": LIVE,
        "first_captured_at": state.row["first_captured_at"] if state else look.captured_at,
        "last_captured_at": look.captured_at,
        "looked_at": look.captured_at,
        "dated_at": _dated_at(look),
        "versions": state.row["versions"] if state else 0,
        "same_as": state.row["same_as"] if state else None,
    }
    if state and state.content_hash == content_hash:
        return State(row, content_hash, state.substance_hash, state.captured_url, state.minor)
    row["versions"] += 1
    substance = substance_hash(look)
    minor = int(state is not None and state.substance_hash == substance)
    return State(row, content_hash, substance, look.captured_url, minor)


def _dated_at(look: Article) -> str:
    assert look.published_at  # what has none is no version
    return clock.written(clock.read(look.published_at))


def rank(url: str) -> int:
    """How far a rendering is from the canonical one."""
    return 2 if is_twin(url) else 1 if is_secure(url) else 0


def is_secure(url: str) -> bool:
    """Whether a page came by https."""
    return url.startswith("https:")


def counted(looks: Iterable[Article]) -> Iterator[Article]:
    """The looks that make versions, in the order of their moments: sound ones, twins where there is nothing better."""
    sound = (look for look in looks if not missing(look))
    ordered = sorted(sound, key=lambda look: (look.captured_at, look.captures[0]))
    if any(not is_twin(look.captured_url) for look in ordered):
        ordered = [look for look in ordered if not is_twin(look.captured_url)]
    plain = {look.crawl_id for look in ordered if not is_secure(look.captured_url)}
    for look in ordered:
        if not (is_secure(look.captured_url) and look.crawl_id in plain):
            yield look
