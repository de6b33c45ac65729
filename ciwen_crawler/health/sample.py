"""Sample: what one look at an article says of the template that it was read from, small enough for a run's report."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ciwen_crawler.dates import in_url
from ciwen_crawler.health.writing import is_garbled
from ciwen_crawler.items import Article

QUARANTINED = "quarantined"
# Names of columns, but for `images` and `captions`, which are tables' and views'. In the order in which they are told.
FIELDS = (
    *("title", "published_at", "source", "author", "editor", "body"),
    *("keywords", "summary", "breadcrumb", "images", "captions"),
)
NAMES = ("source", "author", "editor")
PRECISIONS = ("day", "minute", "second")
_DIGEST = 16  # hexadecimal digits
_WHOLE = 100  # characters; of a body below that a half is no sign
_ERROR_PAGE_LACKS = 2  # fields at once


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. What it says in comparison with the article's newest version is here too, for that may change."""

    article_id: str
    capture_id: str  # of its first page
    url: str
    captured_at: str
    verdict: str  # new, changed, same or quarantined
    day: str = ""  # of publication, by the URL, else as printed
    published_at: str | None = None
    precision: str | None = None
    rules: Mapping[str, str] = field(default_factory=dict)  # field → the rule that gave it
    counts: Mapping[str, int] = field(default_factory=dict)  # characters of texts, number of what is counted
    names: Mapping[str, str] = field(default_factory=dict)  # title, source, author, editor
    body_digest: str | None = None
    garbled: bool = False  # its text is no language
    reasons: tuple[str, ...] = ()  # why it went to quarantine
    # Beside the article's newest version before the run:
    known: bool = False  # whether there was one
    lost: tuple[str, ...] = ()  # fields that it had
    turned: Mapping[str, str] = field(default_factory=dict)  # field → the rule that gave it, and another does now
    renamed: tuple[str, ...] = ()  # fields that held another name, or another day of publication
    swapped: Mapping[str, str] = field(default_factory=dict)  # field → the one that held its value then
    coarser: bool = False  # its date was more precise
    halved_from: int = 0  # characters of its body, where at most half are left
    error_page: bool = False  # another page in the article's place

    def has(self, name: str) -> bool:
        """Whether a field is filled."""
        if name == "published_at":
            return self.published_at is not None
        return name in self.rules if name in ("summary", "breadcrumb") else bool(self.counts.get(name))

    @property
    def published_day(self) -> str | None:
        """As the page prints it."""
        return self.published_at[:10] if self.published_at else None

    @property
    def tells(self) -> bool:
        """Whether it says anything of the template: a page that is as it was may have been written years ago."""
        return self.verdict != "same" or bool(self.turned or self.lost) or self.coarser

    @property
    def is_gallery(self) -> bool:
        """Whether the pictures are the article: its text may be of any length."""
        pictures = self.counts.get("images", 0)
        return pictures >= 4 and self.counts.get("body", 0) < 60 * pictures

    def lacks(self) -> frozenset[str]:
        """The columns that it went to quarantine for."""
        return frozenset(reason.partition(":")[0] for reason in self.reasons)

    def as_dict(self) -> dict[str, Any]:
        """For a report; what is empty is left out."""
        return {name: value for name, value in asdict(self).items() if value}


def sample_of(article: Article, verdict: str, reasons: tuple[str, ...] = (), before: Sample | None = None) -> Sample:
    """What a look says; `before` is its article's newest version, where there is one."""
    by_url = in_url(article.captured_url or article.url)
    written = [image.caption for image in article.images]
    body = article.body or ""
    names = {name: getattr(article, name) for name in ("title", *NAMES)}
    counts = {
        **{name: len(value or "") for name, value in names.items()},
        "body": len(body),
        "paragraphs": body.count("\n") + 1 if body else 0,
        "keywords": len(article.keywords),
        "images": len(article.images),
        "captions": sum(map(bool, written)),
    }
    found = Sample(
        article_id=article.id,
        capture_id=article.captures[0] if article.captures else "",
        url=article.url,
        captured_at=article.captured_at,
        verdict=verdict,
        day=by_url.day if by_url else (article.published_at or "")[:10],
        published_at=article.published_at,
        precision=article.published_precision,
        rules=dict(article.evidence),
        counts={name: count for name, count in counts.items() if count},
        names={name: value for name, value in names.items() if value},
        body_digest=hashlib.sha256(body.encode()).hexdigest()[:_DIGEST] if body else None,
        garbled=is_garbled("\n".join([*filter(None, names.values()), body, *filter(None, written)])),
        reasons=reasons,
    )
    return compared(found, before) if before else found


def compared(now: Sample, before: Sample) -> Sample:
    """A look beside the version before it."""
    told = asdict(now) | {"known": True}
    if now.verdict != QUARANTINED:
        lost = [name for name in FIELDS if before.has(name) and not now.has(name)]
        if not now.has("images") and "captions" in lost:
            lost.remove("captions")
        had, has = before.counts.get("body", 0), now.counts.get("body", 0)
        is_halved = had >= _WHOLE and has * 2 <= had
        others = before.names.get("title") != now.names.get("title")
        told |= {
            "lost": tuple(lost),
            "turned": {
                name: rule
                for name, rule in before.rules.items()
                if name in now.rules and _rule(now.rules[name]) != _rule(rule)
            },
            "renamed": tuple(name for name in now.names if before.names.get(name) != now.names[name])
            + (("published_at",) if now.published_day != before.published_day else ()),
            "swapped": dict(_swapped(now.names, before.names)),
            "coarser": _rank(now.precision) < _rank(before.precision),
            "halved_from": had if is_halved else 0,
            "error_page": is_halved and others and len(lost) >= _ERROR_PAGE_LACKS,
        }
    return Sample(**told)


def _rule(rule: str) -> str:
    """A field that the first page lacks is another page's by the same rule."""
    return rule.partition(": ")[2] if rule.startswith("page ") else rule


def _rank(precision: str | None) -> int:
    return PRECISIONS.index(precision) if precision in PRECISIONS else len(PRECISIONS)


def _swapped(now: Mapping[str, str], before: Mapping[str, str]) -> list[tuple[str, str]]:
    return [
        (name, other)
        for name, value in now.items()
        for other, held in before.items()
        if other != name and held == value and before.get(name) not in (None, value)
    ]


def read(told: object) -> Sample | None:
    """A sample out of a report; None where it is none."""
    known = {each.name for each in fields(Sample)}
    if not isinstance(told, dict) or not known.issuperset(told):
        return None
    try:
        found = Sample(**told | {name: tuple(told.get(name, ())) for name in ("reasons", "lost", "renamed")})
    except TypeError:
        return None
    maps = (found.rules, found.counts, found.names, found.turned, found.swapped)
    texts = (found.article_id, found.capture_id, found.url, found.captured_at, found.verdict, found.day)
    is_sound = all(isinstance(each, dict) for each in maps) and all(isinstance(each, str) for each in texts)
    return found if is_sound else None
