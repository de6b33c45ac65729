"""Saved pages: `.html` files that become records, with the URL and the moment that they are archived under."""

import hashlib
import json
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from ciwen_crawler import clock
from ciwen_crawler.capture import Capture
from ciwen_crawler.errors import UnreadableInput
from ciwen_crawler.identity import absolute
from ciwen_crawler.pages import is_page, read_article
from ciwen_crawler.warc.record import RESOURCE, Record, build, digest, urn

HTML = (".html", ".htm", ".shtml")
_SIDECAR = ".json"


class _Sidecar(NamedTuple):
    url: str | None = None
    fetched_at: str | None = None


def resource(path: Path, warcinfo_id: str) -> Record:
    """A saved page as a `resource` record; its id follows from URL, moment and payload, so a repeat adds nothing.

    URL and moment come from `page.json` beside `page.html`, else from the page itself and the file's mtime. Raises
    UnreadableInput where the file holds no page.
    """
    body = _page(path)
    sidecar = _sidecar(path.with_suffix(_SIDECAR))
    url = sidecar.url or _own_url(path, body)
    moment = sidecar.fetched_at or clock.written(datetime.fromtimestamp(path.stat().st_mtime, UTC))
    if moment > clock.now():
        raise UnreadableInput(f"{path} is of a moment still to come, {moment}: is the clock right?")
    payload = digest(body)
    record_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{url} {moment} {payload}"))
    more = {"WARC-Target-URI": url, "WARC-Warcinfo-ID": urn(warcinfo_id), "WARC-Payload-Digest": payload}
    return build(RESOURCE, record_id, moment, body, "text/html", more)


def _page(path: Path) -> bytes:
    try:
        body = path.read_bytes()
    except OSError as error:
        raise UnreadableInput(f"cannot read {path}: {error.strerror}") from error
    if not body.strip():
        raise UnreadableInput(f"{path} is empty")
    if not is_page(_as_capture("file:", body)) or b"<" not in body:
        raise UnreadableInput(f"{path} is no HTML page")
    return body


def _sidecar(path: Path) -> _Sidecar:
    """What stands beside a page. Its other keys are its owner's business."""
    if not path.exists():
        return _Sidecar()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("no object")
        url, moment = content.get("url"), content.get("fetched_at")
        if url is not None and absolute(str(url), str(url)) is None:
            raise ValueError(f"no http URL: {url!r}")
        str(url).encode()  # a lone surrogate is no character of an address
        return _Sidecar(url and absolute(url, url), moment and clock.written(clock.read(moment)))
    except (OSError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise UnreadableInput(f"cannot read {path}: {error}") from error


def _own_url(path: Path, body: bytes) -> str:
    """What the page says of itself; a page that says nothing is named after its file and its bytes."""
    # A file's name may be no text at all: Windows' archives give names in GBK.
    anonymous = f"file:///{quote(os.fsencode(path.name))}?sha256={hashlib.sha256(body).hexdigest()}"
    return read_article(_as_capture(anonymous, body)).url


def _as_capture(url: str, body: bytes) -> Capture:
    return Capture("", url, "", None, (("content-type", "text/html"),), body, record_type=RESOURCE)
