"""Tally: what a run did, counted as it goes; its report, its summary and the judgement of its health come from it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ciwen_crawler.items import Article
from ciwen_crawler.message import without_userinfo

# Columns of `versions` that a page may or may not fill, and whose loss tells that the template changed.
COLUMNS = ("title", "published_at", "source", "author", "editor", "body", "keywords", "summary", "breadcrumb")
# So many are told of one by one; a run in which more fail has one cause.
_MOST_TOLD = 1000
# These the next run lets rest, so it must know them; those beyond are met again by it, and told of then.
_MOST_ASSETS_TOLD = 10_000
# What became of each attempt at a request: `at`, and its `status` or `error`.
Attempts: TypeAlias = Iterable[Mapping[str, Any]]


@dataclass(slots=True)
class Refused:
    """URLs that led where nothing is asked for, each told of once."""

    count: int = 0
    urls: dict[str, None] = field(default_factory=dict)  # in the order in which they were met, up to a bound

    def add(self, url: str) -> None:
        """A URL that was not asked for."""
        url = without_userinfo(url)
        if url not in self.urls:
            self.count += 1
            if len(self.urls) < _MOST_TOLD:
                self.urls[url] = None

    def __bool__(self) -> bool:
        return bool(self.count)

    def as_dict(self) -> dict[str, Any]:
        """For the run's report."""
        return {"count": self.count, "urls": list(self.urls)}


@dataclass(slots=True)
class Tally:
    """Counts of one run. What went wrong is told of one by one, up to a bound; what is beyond it is counted."""

    exchanges: int = 0  # requests that went over the wire, retries and redirects included
    received: int = 0  # bytes of responses, as on the wire
    revisits: int = 0  # of those exchanges, kept as a reference to an earlier answer
    starts_asked: int = 0
    starts_answered: int = 0
    lists: int = 0  # list pages read
    listed: int = 0  # links to articles on them
    pages: int = 0  # article pages read
    found: int = 0  # articles in scope that lists name
    due: int = 0  # articles asked for
    resting: int = 0  # of those that lists name, not asked for: it is too soon for another look
    off_list: int = 0  # of those asked for, named by no list that was read
    retried: int = 0  # of those asked for, such as earlier runs could not have
    absent: int = 0  # of those asked for, known ones that are not there; no failures
    verdicts: Counter[str] = field(default_factory=Counter)  # new, changed, same, late, twin → articles
    read: int = 0  # articles read whole, quarantined ones included
    filled: Counter[str] = field(default_factory=Counter)  # column → articles read that have it
    images: int = 0  # image files fetched
    asked: int = 0  # pages and images asked for, each once
    failed: int = 0  # of those, for good
    assets: int = 0  # stylesheets, scripts and images of pages fetched, which are in none of the counts above
    assets_failed: int = 0  # not had, whether for a failure or for robots.txt
    failures: list[dict[str, Any]] = field(default_factory=list)  # pages and images not had, with the attempts at them
    failures_untold: int = 0
    asset_failures: list[dict[str, Any]] = field(default_factory=list)  # in the same form
    asset_failures_untold: int = 0
    quarantined: int = 0
    quarantines: list[dict[str, Any]] = field(default_factory=list)
    quarantines_untold: int = 0
    incomplete: dict[str, list[int]] = field(default_factory=dict)  # article → pages that it lacks
    disallowed: int = 0  # by robots.txt
    off_hosts: Refused = field(default_factory=Refused)  # that the channel is not archived from
    private: Refused = field(default_factory=Refused)  # addresses that are none of the public internet's
    slowed: Counter[str] = field(default_factory=Counter)  # host → answers 429 and 503
    given_up: dict[str, str] = field(default_factory=dict)  # host → why nothing more was asked of it
    oversized: int = 0  # too long to be fetched or unpacked, or too much to be read
    excesses: list[dict[str, str]] = field(default_factory=list)  # those, and what else was beyond a bound: url, reason
    excesses_untold: int = 0
    without_id: int = 0  # links like articles' that name no content id
    walks: dict[str, dict[str, Any]] = field(default_factory=dict)  # list → how far it was walked (`due.walk`)
    pending: dict[str, list[Any]] = field(default_factory=dict)  # URL of an article not had → [tries, the last one]
    pending_untold: int = 0
    skipped: int = 0  # records that the archive holds already
    records: int = 0  # taken in by a replay
    repaired: dict[str, int] = field(default_factory=dict)  # WARC files of runs that were killed → bytes cut off
    budget: str | None = None  # the limit that ended the run

    def read_article(self, article: Article) -> None:
        """An article was read whole."""
        self.read += 1
        self.filled.update(name for name in COLUMNS if getattr(article, name))
        self.filled.update(["images"] if article.images else [])

    def failure(self, url: str, reason: str, attempts: Attempts = ()) -> None:
        """A page or an image could not be had."""
        self.failed += 1
        self._tell("failures", _told(url, reason, attempts))

    def refusal(self, url: str, reason: str) -> None:
        """A page or an image may not be asked for."""
        self.disallowed += 1
        self._tell("failures", _told(url, reason, ()))

    def asset_failure(self, url: str, reason: str, attempts: Attempts = ()) -> None:
        """What a page needs to be seen as it was could not be had; no run is the worse for it."""
        self.assets_failed += 1
        self._tell("asset_failures", _told(url, reason, attempts), _MOST_ASSETS_TOLD)

    def too_large(self, url: str, reason: str) -> None:
        """A page or an image is archived as far as it came, and was not read."""
        self.oversized += 1
        self.excess(url, reason)

    def excess(self, url: str, reason: str) -> None:
        """Something of a page is beyond a bound, and was left out."""
        self._tell("excesses", {"url": without_userinfo(url), "reason": reason})

    def quarantine(self, url: str, reasons: tuple[str, ...]) -> None:
        """An article was read that must not be stored."""
        self.quarantined += 1
        self._tell("quarantines", {"url": url, "reasons": list(reasons)})

    def _tell(self, name: str, told: dict[str, Any], most: int = _MOST_TOLD) -> None:
        """Tell of one more by its list; beyond the bound it is counted in `<name>_untold`."""
        if len(getattr(self, name)) < most:
            getattr(self, name).append(told)
        else:
            setattr(self, f"{name}_untold", getattr(self, f"{name}_untold") + 1)

    @property
    def stored(self) -> int:
        """Articles that the archive holds as this run saw them."""
        return sum(self.verdicts.values())

    def as_dict(self) -> dict[str, Any]:
        """For the run's report; what is zero or empty is left out."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: _plain(value) for name, value in values.items() if value}


def _plain(value: Any) -> Any:
    if isinstance(value, Refused):
        return value.as_dict()
    return dict(value) if isinstance(value, Counter) else value


def _told(url: str, reason: str, attempts: Attempts) -> dict[str, Any]:
    """A failure as the report has it: without what somebody put into a URL to log in."""
    told: dict[str, Any] = {"url": without_userinfo(url), "reason": without_userinfo(reason)}
    if attempts:
        told["attempts"] = [
            {name: without_userinfo(value) if isinstance(value, str) else value for name, value in attempt.items()}
            for attempt in attempts
        ]
    return told
