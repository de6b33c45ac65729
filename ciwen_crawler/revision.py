"""A revision: what two versions of an article do not have in common, field by field, and in its images."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rapidfuzz.distance import Indel

from ciwen_crawler.differences import DELETE, EQUAL, INSERT, Piece, differences
from ciwen_crawler.text import content_form

Facts = Mapping[str, Any]

FIELDS = "title published_at source author editor breadcrumb keywords summary body".split()
CAME, WENT, MOVED, CHANGED, STAYED = "came", "went", "moved", "changed", "stayed"


class ImageChange(NamedTuple):
    """What became of an image."""

    what: str  # came, went, moved (to another place among the others) or changed (its caption)
    url: str
    before: int | None  # its positions
    after: int | None
    caption: tuple[Piece, ...]  # none where neither version has one


def changed_fields(before: Facts, after: Facts) -> list[str]:
    """The fields of two rows of `versions` that say something else: width and white space do not count."""
    return [name for name in FIELDS if content_form(_text(before, name)) != content_form(_text(after, name))]


def field_changes(before: Facts, after: Facts) -> dict[str, tuple[Piece, ...]]:
    """The same, each with what differs."""
    return {name: _pieces(name, _text(before, name), _text(after, name)) for name in changed_fields(before, after)}


def _text(version: Facts, name: str) -> str:
    value = version[name]
    if name == "keywords":
        return ", ".join(value or ())
    if name == "breadcrumb":
        return " > ".join(text for _, text in value or ())
    return value or ""


def _pieces(name: str, before: str, after: str) -> tuple[Piece, ...]:
    # A moment is read as a whole.
    return _exchanged(before, after) if name == "published_at" else differences(before, after)


def _exchanged(before: str, after: str) -> tuple[Piece, ...]:
    return tuple(piece for piece in (Piece(DELETE, before), Piece(INSERT, after)) if piece.text)


def image_changes(before: Sequence[Facts], after: Sequence[Facts]) -> list[ImageChange]:
    """What became of the images, rows of `images` in the order of their positions; those that stayed are left out."""
    was, now = _named(before), _named(after)
    ours, theirs = list(was), list(now)
    equal = [code for code in Indel.opcodes(ours, theirs) if code.tag == EQUAL]
    stayed = {name for code in equal for name in ours[code.src_start : code.src_end]}
    went = [_change(name, image, None) for name, image in was.items() if name not in now]
    changed = (
        _change(name, was.get(name), image, moved=name in was and name not in stayed) for name, image in now.items()
    )
    return went + [change for change in changed if change.what != STAYED]


def _named(images: Sequence[Facts]) -> dict[tuple[str, int], Facts]:
    """Each by its URL and how many of the same come before it."""
    found: dict[tuple[str, int], Facts] = {}
    met: Counter[str] = Counter()
    for image in images:
        found[image["url"], met[image["url"]]] = image
        met[image["url"]] += 1
    return found


def _change(name: tuple[str, int], was: Facts | None, now: Facts | None, moved: bool = False) -> ImageChange:
    former, caption = ((image["caption"] or "") if image else "" for image in (was, now))
    if was is None or now is None:
        what = CAME if was is None else WENT
    elif moved:
        what = MOVED
    else:
        what = STAYED if content_form(former) == content_form(caption) else CHANGED
    before, after = (image["position"] if image else None for image in (was, now))
    return ImageChange(what, name[0], before, after, differences(former, caption))
