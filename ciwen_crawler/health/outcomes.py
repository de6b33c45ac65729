"""Outcomes: whether one look deviates in one respect from what is usual, None where it says nothing of that.

An article that is new is held against the others; one that was known against its own newest version, which may be of
an older template: there only what has changed counts.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property

from ciwen_crawler.health.course import Outcome
from ciwen_crawler.health.sample import NAMES, PRECISIONS, QUARANTINED, Sample

_USUAL = 0.75  # the share of looks that makes a rule or a precision the usual one
_ENOUGH = 5
_SAME = 3  # articles of one text; two are an article and its reprint
_LABEL = re.compile(r"(?:来\s*源|作\s*者|责\s*任\s*编\s*辑|责\s*编|编\s*辑|发布时间)\s*[:：]|https?:|[<>{}]")
_DATE = re.compile(r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]|^[\d\s.:/-]+$")
_MUCH_LONGER = 2
_DAYS_APART = 1
_OLDEST = 20  # of so many looks that are usual one may be older than what is compared


class Outcomes:
    """What is usual, out of looks that are settled, and what deviates from it."""

    def __init__(self, settled: Sequence[Sample], all_: Sequence[Sample]) -> None:
        self._settled = [look for look in settled if look.verdict != QUARANTINED]
        days = sorted(look.day for look in self._settled if look.day)
        # What the lists show anew may have been written years ago, by another template.
        self._since = days[len(days) // _OLDEST] if days else ""
        self._bodies = _repeated((look.body_digest, look) for look in all_)
        self._titles = _repeated((look.names.get("title"), look) for look in all_)

    def _is_comparable(self, look: Sample) -> bool:
        return look.verdict != QUARANTINED and not look.known and look.day >= self._since

    # Whole pages

    @staticmethod
    def garbled(look: Sample) -> bool | None:
        """Its text is mojibake."""
        return None if look.verdict == QUARANTINED else look.garbled

    def same_body(self, look: Sample) -> bool | None:
        """Its body is that of several other articles."""
        return look.body_digest in self._bodies if look.body_digest else None

    def same_title(self, look: Sample) -> bool | None:
        """Its title is that of several other articles."""
        title = look.names.get("title")
        return title in self._titles if title else None

    # Fields

    def empty(self, field: str) -> Outcome:
        """The field is not filled."""

        def outcome(look: Sample) -> bool | None:
            if look.verdict == QUARANTINED:
                return field in look.lacks() if field in ("title", "body", "published_at") else None
            if field == "captions" and not look.has("images"):
                return None
            if look.known:
                return True if field in look.lost else None if look.verdict == "same" else _unless(not look.has(field))
            if not self._is_comparable(look) or (field == "body" and look.is_gallery):
                return None
            return not look.has(field)

        return outcome

    def other_rule(self, field: str) -> Outcome:
        """Another rule gave it than the usual one."""
        usual = self.usual_rule(field)

        def outcome(look: Sample) -> bool | None:
            rule = look.rules.get(field)
            if usual is None or rule is None or look.verdict == QUARANTINED:
                return None
            if look.known:
                return look.turned.get(field) == usual or _unless(rule != usual or look.verdict == "same")
            return rule != usual if self._is_comparable(look) else None

        return outcome

    def usual_rule(self, field: str) -> str | None:
        """The rule that gives a field in nearly all articles that have it."""
        return _usual(rule for look in self._settled if (rule := look.rules.get(field)))

    def coarser(self, look: Sample) -> bool | None:
        """Its date is less precise than is usual."""
        usual = self.usual_precision
        if usual is None or look.precision not in PRECISIONS or look.verdict == QUARANTINED:
            return None
        is_less = PRECISIONS.index(look.precision) < PRECISIONS.index(usual)
        if look.known:
            return look.coarser or _unless(is_less or look.verdict == "same")
        return is_less if self._is_comparable(look) else None

    @cached_property
    def usual_precision(self) -> str | None:
        """How precise nearly all dates are."""
        return _usual(look.precision for look in self._settled if look.precision in PRECISIONS)

    # Values that stand in the wrong place

    def swapped(self, field: str) -> Outcome:
        """It holds what another field used to hold, or what is no such value by its form."""

        def outcome(look: Sample) -> bool | None:
            value = look.names.get(field)
            if look.verdict == QUARANTINED or value is None:
                return None
            if field in look.swapped:
                return True
            if field not in look.renamed if look.known else not self._is_comparable(look):
                return _unless(not look.known or look.verdict == "same")
            is_usual = value in self._values[field]
            return not is_usual and (self.holder(field, value) is not None or self._is_misshapen(field, value))

        return outcome

    def holder(self, field: str, value: str) -> str | None:
        """The other field that used to hold a value."""
        return next((other for other in NAMES if other != field and value in self._values[other]), None)

    def misdated(self, look: Sample) -> bool | None:
        """It names another day than its address does."""
        day = look.published_day
        if look.verdict == QUARANTINED or not day or not look.day:
            return None
        if look.known and "published_at" not in look.renamed:
            return _unless(look.verdict == "same")
        try:
            apart = date.fromisoformat(day) - date.fromisoformat(look.day)
        except ValueError:
            return None
        return abs(apart.days) > _DAYS_APART

    @cached_property
    def _values(self) -> dict[str, frozenset[str]]:
        return {
            name: frozenset(look.names[name] for look in self._settled if name in look.names)
            for name in ("title", *NAMES)
        }

    @cached_property
    def _longest(self) -> dict[str, int]:
        return {name: max(map(len, values), default=0) for name, values in self._values.items()}

    def _is_misshapen(self, field: str, value: str) -> bool:
        if _LABEL.search(value) or (field != "title" and _DATE.search(value)):
            return True
        longest = self._longest[field]
        return longest > 0 and len(value) > _MUCH_LONGER * longest + 2

    # Lengths

    @staticmethod
    def body_length(look: Sample) -> int | None:
        """Characters of the body, where it is the article."""
        return None if look.known or look.is_gallery or not look.has("body") else look.counts["body"]

    @staticmethod
    def paragraphs(look: Sample) -> int | None:
        """Its paragraphs."""
        return None if Outcomes.body_length(look) is None else look.counts.get("paragraphs", 0)

    @staticmethod
    def title_length(look: Sample) -> int | None:
        """Characters of the title."""
        return None if look.known else look.counts.get("title")


def _unless(says_nothing: bool) -> bool | None:
    """Regular, unless the look says nothing."""
    return None if says_nothing else False


def _usual(values: Iterable[str | None]) -> str | None:
    counted = Counter(values)
    total = counted.total()
    if total < _ENOUGH:
        return None
    value, count = counted.most_common(1)[0]
    return value if count >= _USUAL * total else None


def _repeated(texts: Iterable[tuple[str | None, Sample]]) -> frozenset[str]:
    articles: dict[str, set[str]] = {}
    for text, look in texts:
        if text:
            articles.setdefault(text, set()).add(look.article_id)
    return frozenset(text for text, ids in articles.items() if len(ids) >= _SAME)
