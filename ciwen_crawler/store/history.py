"""An article's history: its versions, when it was not there, and what became of its images."""

from collections.abc import Iterator, Sequence

from sqlalchemy import RowMapping, select
from w3lib.url import safe_url_string

from ciwen_crawler.capture import ARTICLE
from ciwen_crawler.errors import UsageError
from ciwen_crawler.identity import absolute, is_first_page
from ciwen_crawler.revision import changed_fields, field_changes, image_changes
from ciwen_crawler.store import schema
from ciwen_crawler.store.database import Database
from ciwen_crawler.store.queries import Facts, all_rows, article_row
from ciwen_crawler.store.standing import is_absence, is_gone, leads_home

_ANSWERED = (None, 200, 304)  # None: a saved page
_c, _q, _v = schema.captures.c, schema.quarantine.c, schema.versions.c
_NOT_NOW = 429  # and whatever is above it: the server's trouble, which tells nothing of what was asked for
_MOST_STEPS = 8  # redirects that are followed


def history(database: Database, named: str) -> Facts:
    """The article's row, and in the order of their moments

    - `versions`: number, captured_at, title, minor, and against the one before the names of the `changed` fields and
      what became of its `images`;
    - `absences`: from its first look that did not find the article (`since`) to its last (`until`), in how many
      `crawls`, what was `found` in its place, when that made it gone (`gone_at`), when it was back (`returned_at`);
    - `images`: of the newest version, those that vanished (`vanished_at`) or had other bytes later (`changed`).

    Raises UsageError where there is no such article.
    """
    found = article_row(database, named)
    versions = _versions(database, found["id"])
    newest = versions[-1]["images"]
    return {
        **found,
        "versions": [_revised(each, before) for each, before in zip(versions, [None, *versions], strict=False)],
        "absences": _absences(database, found["id"]),
        "images": [each for each in (_fate(database, image) for image in newest) if _is_told(each)],
    }


def revision(database: Database, named: str, first: int | None = None, second: int | None = None) -> Facts:
    """What differs between two versions: the two newest unless told; of one number alone, it and the newest.

    `fields` and `images` hold what differs, `minor` tells whether that is nothing but punctuation or the date.
    Raises UsageError where there is no such article or version, or only one.
    """
    found = article_row(database, named)
    versions = {each["number"]: each for each in _versions(database, found["id"])}
    if len(versions) == 1:
        raise UsageError(f"article {named!r} has one version: there is nothing to compare it with")
    newest = max(versions)
    numbers = (newest - 1 if first is None else first, newest if second is None else second)
    for number in numbers:
        if number not in versions:
            raise UsageError(f"article {named!r} has versions 1 to {newest}, not {number}")
    if numbers[0] == numbers[1]:
        raise UsageError(f"version {numbers[0]} of article {named!r} cannot differ from itself: name another")
    before, after = (versions[number] for number in numbers)
    return {
        "id": found["id"],
        "url": found["url"],
        "before": _named(before),
        "after": _named(after),
        "minor": before["substance_hash"] == after["substance_hash"],
        "fields": {
            name: [piece._asdict() for piece in pieces] for name, pieces in field_changes(before, after).items()
        },
        "images": [
            change._asdict() | {"caption": [piece._asdict() for piece in change.caption]}
            for change in image_changes(before["images"], after["images"])
        ],
    }


def _named(version: Facts) -> Facts:
    return {"version": version["number"], "captured_at": version["captured_at"]}


def _versions(database: Database, article_id: str) -> list[Facts]:
    """The rows of `versions`, each with its rows of `images`."""
    i = schema.images.c
    versions = all_rows(database, select(schema.versions).where(_v.article_id == article_id).order_by(_v.number))
    images = all_rows(database, select(schema.images).where(i.article_id == article_id).order_by(i.position))
    return [
        version | {"images": [image for image in images if image["version"] == version["number"]]}
        for version in versions
    ]


def _revised(version: Facts, before: Facts | None) -> Facts:
    changes = image_changes(before["images"], version["images"]) if before else []
    return {
        **{name: version[name] for name in ("number", "captured_at", "title")},
        "minor": bool(version["minor"]),
        "changed": changed_fields(before, version) if before else [],
        "images": [
            {"what": each.what, "url": each.url, "before": each.before, "after": each.after} for each in changes
        ],
    }


# Where it was not


def _absences(database: Database, article_id: str) -> list[Facts]:
    looks = (
        select(_c.url, _c.fetched_at, _c.crawl_id, _c.status, _c.location, _c.truncated, _q.capture_id)
        .outerjoin(schema.quarantine, _q.capture_id == _c.id)
        .where(_c.article_id == article_id, _c.kind == ARTICLE)
        .order_by(_c.fetched_at, _c.id)
    )
    found: list[Facts] = []
    absent: list[RowMapping] = []
    for look in database.connection.execute(looks).mappings():
        if is_absence(look):
            absent.append(look)
        elif absent and _is_sight(look):
            found.append(_absence(absent, look["fetched_at"]))
            absent = []
    return found + ([_absence(absent, None)] if absent else [])


def _is_sight(look: RowMapping) -> bool:
    """Whether a capture shows the article: its first page, sound and whole."""
    is_sound = look["capture_id"] is None and look["truncated"] is None
    return is_first_page(look["url"]) and is_sound and look["status"] in _ANSWERED


def _absence(looks: Sequence[RowMapping], returned_at: str | None) -> Facts:
    told = ("home page" if look["location"] else str(look["status"]) for look in looks)
    gone = (look["fetched_at"] for count, look in enumerate(looks, 1) if is_gone(looks[:count]))
    return {
        "since": looks[0]["fetched_at"],
        "until": looks[-1]["fetched_at"],
        "crawls": len({look["crawl_id"] for look in looks}),
        "found": list(dict.fromkeys(told)),
        "gone_at": next(gone, None),
        "returned_at": returned_at,
    }


# What became of its images


def _fate(database: Database, image: Facts) -> Facts:
    vanished: RowMapping | None = None
    changes: list[Facts] = []
    digest: str | None = None
    for capture in _captures_of(database, safe_url_string(image["url"])):
        is_had = _is_had(capture)
        if is_had is None:
            continue
        vanished = None if is_had else vanished or capture
        if is_had and capture["status"] == 200 and capture["truncated"] is None:
            if digest not in (None, capture["payload_digest"]):
                changes.append({"at": capture["fetched_at"], "payload_digest": capture["payload_digest"]})
            digest = capture["payload_digest"]
    return {
        **{name: image[name] for name in ("position", "url", "caption")},
        "vanished_at": vanished["fetched_at"] if vanished and digest else None,
        "status": vanished["status"] if vanished else None,
        "changed": changes,
    }


def _is_told(image: Facts) -> bool:
    return bool(image["vanished_at"] or image["changed"])


def _captures_of(database: Database, url: str) -> Iterator[RowMapping]:
    """What was answered to who asked for a URL and followed the redirects, in the order of the moments."""
    urls = {url}
    for _ in range(_MOST_STEPS):
        moved = select(_c.url, _c.status, _c.location).where(_c.url.in_(urls), _c.location.is_not(None)).distinct()
        rows = database.connection.execute(moved).mappings().all()
        led_to = {absolute(row["url"], row["location"]) for row in rows if not leads_home(row)}
        new = {safe_url_string(each) for each in led_to if each} - urls
        if not new:
            break
        urls |= new
    fields = (_c.url, _c.fetched_at, _c.status, _c.location, _c.mime, _c.truncated, _c.payload_digest)
    query = select(*fields).where(_c.url.in_(urls)).order_by(_c.fetched_at, _c.id)
    yield from database.connection.execute(query).mappings()


def _is_had(capture: RowMapping) -> bool | None:
    """Whether an image was there; None where that cannot be told."""
    status: int | None = capture["status"]
    if leads_home(capture):
        return False
    if status is None or status in (200, 304):
        # Some send a page that says so, and call that a success.
        return bool(capture["mime"] != "text/html")
    return None if status >= _NOT_NOW or capture["location"] else False
