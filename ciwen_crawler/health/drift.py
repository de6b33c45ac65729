"""Drift: what a change of template does to articles, each fault told once and by the field that it began with.

Monitors are asked from the gravest to the earliest sign. What loses the body of a page loses its pictures too, and what
swaps two fields makes both of another length: of such a fault the first is told.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from statistics import median

from ciwen_crawler.health.course import Course, Outcome, Rise, Shift
from ciwen_crawler.health.finding import Finding, examples
from ciwen_crawler.health.outcomes import Outcomes
from ciwen_crawler.health.sample import Sample
from ciwen_crawler.health.statistics import rank_tail

_SWAPPABLE = ("title", "source", "author", "editor")
_EMPTIABLE = ("source", "author", "editor", "keywords", "summary", "breadcrumb", "images", "captions")
_RULED = (
    *("title", "published_at", "source", "author", "editor", "body"),
    *("keywords", "summary", "breadcrumb", "channel", "url"),
)
_WITH_THE_BODY = frozenset({"body", "images", "captions"})
_COMMON = frozenset({"enpproperty"})  # what gives many fields, and is lost for all of them at once
_CUT_OFF = 0.01
_HALVED = 3  # known articles of which half is gone; one may have been edited


class Drift:
    """The findings of one course of looks."""

    def __init__(self, course: Course, unwatched: Collection[str] = ()) -> None:
        self._course = course
        self._usual = Outcomes(course.settled, [*course.before, *course.run])
        self._told: set[str] = set(unwatched)
        self.explained: set[str] = set()  # captures of looks whose page as a whole is told of
        self._findings: list[Finding] = []

    def findings(self) -> list[Finding]:
        """What has changed, the root of each change first."""
        for step in (self._whole_pages, self._misplaced, self._bodies, self._emptied, self._titles, self._rules):
            for finding in step():
                self._findings.append(finding)
        return self._findings

    # What is another page altogether

    def _whole_pages(self) -> Iterator[Finding]:
        usual = self._usual
        yield from self._whole("writing", "body", usual.garbled, "not readable")
        yield from self._whole("same", "body", usual.same_body, "one text")
        for field in ("body", "title", "published_at"):
            yield from self._whole("filled", field, usual.empty(field), None)

    def _whole(self, monitor: str, field: str, outcome: Outcome, what: str | None) -> Iterator[Finding]:
        rise = None if field in self._told else self._course.rise(outcome)
        if rise:
            yield _damage(monitor, field, rise, _filled(rise) if what is None else _so_many(rise, what))
            self.explained.update(look.capture_id for look in rise.looks)
            self._course = self._course.without(rise.looks)

    # What stands in the wrong place

    def _misplaced(self) -> Iterator[Finding]:
        for field in _SWAPPABLE:
            rise = self._rise(field, self._usual.swapped(field))
            if rise:
                other = self._held_by(field, rise)
                what = f"what used to be {other}" if other else f"no {field} by its form"
                yield _damage("swapped", field, rise, _so_many(rise, what))
                self._told.update({field, other} if other else {field})
        rise = self._rise("published_at", self._usual.misdated)
        if rise:
            yield _damage("swapped", "published_at", rise, _so_many(rise, "another day than in the address"))
            self._told.add("published_at")

    def _held_by(self, field: str, rise: Rise) -> str | None:
        others = (look.swapped.get(field) or self._usual.holder(field, look.names[field]) for look in rise.looks)
        found = Counter(other for other in others if other).most_common(1)
        return found[0][0] if found else None

    # Bodies

    def _bodies(self) -> Iterator[Finding]:
        if "body" in self._told:
            return
        for finding in self._shortened():
            yield finding
            self._told |= _WITH_THE_BODY
            return

    def _shortened(self) -> Iterator[Finding]:
        halved = [look for look in self._course.in_question if look.halved_from and not look.error_page]
        if len(halved) >= _HALVED and any(look.halved_from for look in self._course.run):
            yield _halved(halved, len(self._course.in_question))
        for measure, unit in ((self._usual.body_length, "characters"), (self._usual.paragraphs, "paragraphs")):
            shift = self._course.drop(measure)
            if shift and (unit == "characters" or not self._grew(shift)):
                yield _shorter("body", shift, unit, damages=True)

    def _grew(self, shift: Shift) -> bool:
        """Fewer paragraphs are no loss where each holds as much more."""
        lengths = [look.counts.get("body", 0) for look in self._course.settled if look.has("body")]
        now = [look.counts.get("body", 0) for look in shift.looks]
        return bool(lengths and now) and sum(now) / len(now) >= sum(lengths) / len(lengths)

    # Other fields

    def _emptied(self) -> Iterator[Finding]:
        rises: dict[str, Rise] = {}
        for field in _EMPTIABLE:
            rise = self._rise(field, self._usual.empty(field))
            if rise and field in _WITH_THE_BODY and (finding := self._cut_off(rise)):
                yield finding
                self._told |= _WITH_THE_BODY
            elif rise:
                rises[field] = rise
                self._told.update({"images", "captions"} if field == "images" else {field})
        while rises:
            field = next(iter(rises))
            origin = self._origin(self._usual.usual_rule(field))
            likewise = [
                other for other in rises if other != field and origin == self._origin(self._usual.usual_rule(other))
            ]
            same = likewise if origin in _COMMON else []
            looks = [look for name in (field, *same) for look in rises[name].looks]
            yield _damage("filled", field, rises[field], _filled(rises[field]) + _also(same), looks)
            for name in (field, *same):
                del rises[name]

    def _cut_off(self, rise: Rise) -> Finding | None:
        """What has lost its pictures has lost them with the text around them where so little of that is left."""
        if "body" in self._told:
            return None
        usual = [look.counts["body"] for look in self._course.settled if look.has("body") and not look.is_gallery]
        now = [look.counts["body"] for look in rise.looks if look.has("body")]
        if len(now) < _HALVED or not usual or median(now) * 2 > median(usual) or rank_tail(now, usual) > _CUT_OFF:
            return None
        return _shorter("body", Shift(rise.looks, len(now), median(usual), median(now)), "characters", damages=True)

    def _titles(self) -> Iterator[Finding]:
        if "title" in self._told:
            return
        rise = self._rise("title", self._usual.same_title)
        shift = None if rise else self._course.drop(self._usual.title_length)
        if rise:
            yield _damage("same", "title", rise, _so_many(rise, "one text"))
        elif shift:
            yield _shorter("title", shift, "characters", damages=False)
        if rise or shift:
            self._told.add("title")

    # The earliest signs

    def _rules(self) -> Iterator[Finding]:
        turned = [
            (field, usual, rise)
            for field in _RULED
            if (usual := self._usual.usual_rule(field)) and (rise := self._rise(field, self._usual.other_rule(field)))
        ]
        lost = {self._origin(self._usual.usual_rule(each.field or "")) for each in self._findings}
        origins = dict.fromkeys(_origin(usual) for _, usual, _ in turned)
        for origin in origins:
            fields = [field for field, usual, _ in turned if _origin(usual) == origin]
            self._told.update(fields)
            if origin not in lost:  # else the same fault has emptied a field
                _, usual, rise = next(each for each in turned if each[0] == fields[0])
                yield _other_rule(fields, usual, rise)
        precision = self._usual.usual_precision
        rise = self._rise("published_at", self._usual.coarser) if precision else None
        if rise:
            said = f"to the {precision} in {_of(rise)}, before in {1 - rise.before:.0%} of them"
            yield _sign("precision", "published_at", rise, said)

    @staticmethod
    def _origin(rule: str | None) -> str | None:
        return _origin(rule) if rule else None

    def _rise(self, field: str, outcome: Outcome) -> Rise | None:
        return None if field in self._told else self._course.rise(outcome)


def _also(fields: list[str]) -> str:
    return f"; likewise {', '.join(fields)}" if fields else ""


def _origin(rule: str) -> str:
    """What a rule reads, a comment or an element, without what it reads of that."""
    head, dot, _ = rule.partition(".")
    return head if head and dot else rule


def _damage(monitor: str, field: str, rise: Rise, said: str, looks: Iterable[Sample] | None = None) -> Finding:
    return _finding(monitor, field, rise, said, _made_versions(rise.looks if looks is None else looks))


def _made_versions(looks: Iterable[Sample]) -> tuple[str, ...]:
    """What is in quarantine already, and what is as it was, needs no decision."""
    return tuple(sorted({look.capture_id for look in looks if look.verdict in ("new", "changed")}))


def _sign(monitor: str, field: str, rise: Rise, said: str) -> Finding:
    return _finding(monitor, field, rise, said, ())


def _finding(monitor: str, field: str, rise: Rise, said: str, captures: tuple[str, ...]) -> Finding:
    before, after = round(1 - rise.before, 4), round(rise.regular / rise.counted, 4)
    return Finding(monitor, field, before, after, said, examples(look.url for look in rise.looks), captures)


def _other_rule(fields: list[str], usual: str, rise: Rise) -> Finding:
    now = Counter(look.rules[fields[0]] for look in rise.looks).most_common(1)[0][0]
    said = f"by {usual} in {_of(rise)}, before in {1 - rise.before:.0%} of them, now by {now}{_also(fields[1:])}"
    return _sign("rule", fields[0], rise, said)


def _shorter(field: str, shift: Shift, unit: str, *, damages: bool) -> Finding:
    said = f"{shift.after:.0f} {unit} in the middle of {shift.counted} articles, before {shift.before:.0f}"
    captures = _made_versions(shift.looks) if damages else ()
    return Finding(
        "length", field, shift.before, shift.after, said, examples(look.url for look in shift.looks), captures
    )


def _halved(looks: list[Sample], counted: int) -> Finding:
    before = sum(look.halved_from for look in looks) / len(looks)
    after = sum(look.counts.get("body", 0) for look in looks) / len(looks)
    said = (
        f"half or less is left in {len(looks)} of {counted} articles, {after:.0f} of {before:.0f} characters on average"
    )
    urls = examples(look.url for look in reversed(looks))
    return Finding("length", "body", before, after, said, urls, _made_versions(looks))


def _filled(rise: Rise) -> str:
    return f"filled in {_of(rise)}, before in {1 - rise.before:.0%} of them"


def _so_many(rise: Rise, what: str) -> str:
    return f"{what} in {rise.deviating} of {rise.counted} articles, before in {rise.before:.0%} of them"


def _of(rise: Rise) -> str:
    return f"{rise.regular} of {rise.counted} articles"
