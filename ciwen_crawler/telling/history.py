"""An article's history: a line for each thing that happened to it, in the order of the moments."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from ciwen_crawler.legible import legible
from ciwen_crawler.telling.amounts import counted
from ciwen_crawler.terminal import rendered

Facts = Mapping[str, Any]

_STYLES = {"absent": "yellow", "gone": "red", "back": "green"}
_OF_IMAGES = {"came": "came", "went": "went", "moved": "moved", "changed": "with another caption"}


class Event(NamedTuple):
    """What happened."""

    at: str  # UTC
    what: str
    told: str


def as_text(history: Facts) -> str:
    """For whatever is no terminal: plain lines."""
    events = _events(history)
    width = max(len(each.what) for each in events)
    lines = [f"  {_moment(each.at)}  {each.what:<{width}}  {each.told}".rstrip() for each in events]
    return legible("\n".join([*_head(history), *lines]))


def as_table(history: Facts) -> str:
    """For a terminal."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("at", "what"):
        table.add_column(name, no_wrap=True)
    table.add_column("told", overflow="fold")
    for each in _events(history):
        style = _STYLES.get(each.what, "")
        table.add_row(_moment(each.at), Text(each.what, style), Text(legible(each.told)))
    return rendered(*(Text(legible(line)) for line in _head(history)), table)


def _head(history: Facts) -> list[str]:
    seen = f"seen {_moment(history['first_captured_at'])} to {_moment(history['last_captured_at'])}"
    versions = counted(len(history["versions"]), "version")
    return [f"{history['id']}  {history['url']}", f"{history['state']}, {versions}, {seen}"]


def _events(history: Facts) -> list[Event]:
    found: list[Event] = []
    for absence in history["absences"]:
        found += _absence(absence)
    found += map(_version, history["versions"])
    for image in history["images"]:
        found += _image(image)
    return sorted(found, key=lambda each: each.at)


def _version(version: Facts) -> Event:
    told = ", ".join([*version["changed"], *_of_images(version["images"])])
    if version["number"] == 1:
        told = version["title"]
    return Event(
        version["captured_at"], f"version {version['number']}", told + (" (minor)" if version["minor"] else "")
    )


def _of_images(changes: Iterable[Facts]) -> Iterator[str]:
    kinds = [change["what"] for change in changes]
    for kind, told in _OF_IMAGES.items():
        if kind in kinds:
            yield f"{counted(kinds.count(kind), 'image')} {told}"


def _absence(absence: Facts) -> Iterator[Event]:
    found = ", ".join(absence["found"])
    yield Event(
        absence["since"], "absent", f"{found} in {counted(absence['crawls'], 'run')}, to {_moment(absence['until'])}"
    )
    if absence["gone_at"]:
        yield Event(absence["gone_at"], "gone", "")
    if absence["returned_at"]:
        yield Event(absence["returned_at"], "back", "")


def _image(image: Facts) -> Iterator[Event]:
    what = f"image {image['position']}"
    for change in image["changed"]:
        yield Event(change["at"], what, f"other bytes: {image['url']}")
    if image["vanished_at"]:
        yield Event(image["vanished_at"], what, f"vanished (status {image['status']}): {image['url']}")


def _moment(at: str) -> str:
    return f"{at[:19]}Z"
