"""Channels: where a crawl begins, how far it goes, and what it must at least find."""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_config_path

from ciwen_crawler.errors import UsageError
from ciwen_crawler.identity import absolute
from ciwen_crawler.text import clean

_BUNDLED = Path(__file__).with_name("channels.toml")

# What a table may have.
_TEXT, _LIST, _COUNT, _NUMBER = "text", "list of texts", "whole number from 0", "number from 0"
_SHAPES = {
    "name": _TEXT,
    "start": _LIST,
    "hosts": _LIST,
    "minimum_articles": _COUNT,
    "delay": _NUMBER,
    "list_depth": _COUNT,
    "list_pages": _COUNT,
    "lists": _COUNT,
    "assets": _LIST,
}
_NEEDED = {"name", "start", "hosts"}
# A scheme in a host's place is a URL pasted behind another's beginning.
_HOST = re.compile(r"(?!https?$)[^\s.]+(?:\.[^\s.]+)*\.?")


@dataclass(frozen=True, slots=True)
class Channel:
    """One table of channels.toml."""

    name: str
    start: tuple[str, ...]  # pages that a crawl begins at
    hosts: tuple[str, ...]  # whose lists and articles are the channel's; `www.` is understood, `*.` any below
    minimum_articles: int = 1  # fewer found on its lists is no healthy crawl
    delay: float | None = None  # seconds between two requests to a host, give or take half; else settings.py's
    list_depth: int = 2  # how many lists may lead to another; the start page is the first
    list_pages: int = 100  # of one list at most
    lists: int = 200  # different ones in one run at most
    assets: tuple[str, ...] = ()  # hosts beside those that its pages' stylesheets, scripts and images lie on

    @property
    def scope(self) -> frozenset[str]:
        """The hosts without `www.`."""
        return _bare(self.hosts)

    @property
    def asset_scope(self) -> frozenset[str]:
        """The hosts that may be asked for what its pages need to be seen as they were, without `www.`."""
        return _bare(self.hosts + self.assets)


def _bare(hosts: Iterable[str]) -> frozenset[str]:
    return frozenset(host.removeprefix("www.") for host in hosts)


def own_file() -> Path:
    """Where a user's channels are read from, beside those that come with Ciwen."""
    return user_config_path("ciwen") / "channels.toml"


def channel(key: str) -> Channel:
    """The channel of that key; UsageError where there is none, or where its table cannot be understood."""
    tables = _tables(_BUNDLED)
    if os.path.exists(own_file()):  # noqa: PTH110 - False too where a service may not look into its home
        tables |= _tables(own_file())
    if key not in tables:
        raise UsageError(f"unknown channel {key!r}: known are {', '.join(sorted(tables))} (add yours to {own_file()})")
    return _channel(key, tables[key])


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}") from error


def _channel(key: str, table: Any) -> Channel:
    if not isinstance(table, Mapping) or not _NEEDED <= set(table) <= set(_SHAPES):
        raise UsageError(f"channel {key!r} needs name, start and hosts, and may have {', '.join(sorted(_SHAPES))}")
    for name, value in table.items():
        if not _fits(value, _SHAPES[name]):
            raise UsageError(f"channel {key!r}: {name} is {value!r}, which is no {_SHAPES[name]}")
    name = clean(table["name"])
    if name is None:
        raise UsageError(f"channel {key!r}: name is empty")
    start = tuple(map(start_url, table["start"]))
    hosts = {key: tuple(host.lower() for host in table[key]) for key in ("hosts", "assets") if key in table}
    return Channel(**(dict(table) | {"name": name, "start": start} | hosts))


def _fits(value: Any, shape: str) -> bool:
    if shape == _LIST:
        return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
    if shape == _TEXT:
        return isinstance(value, str)
    return isinstance(value, int if shape == _COUNT else (int, float)) and not isinstance(value, bool) and value >= 0


def start_url(text: str) -> str:
    """A start page's URL; UsageError where it is none that can be asked for."""
    url = absolute(text, text)
    if (
        url is None
        or not text.strip().isprintable()
        or any(c.isspace() for c in text.strip())
        or not _HOST.fullmatch(urlsplit(url).hostname or "")
    ):
        # Before an at sign may stand a password, which nobody else is to read.
        told = f" {text!r}" if "@" not in text else ""
        raise UsageError(f"malformed start URL{told}: it must be like http://ci.china.com.cn/")
    if "@" in urlsplit(text.strip().replace("\\", "/")).netloc:
        raise UsageError("a start URL must not hold a user name or password: they would go into the archive")
    return url
