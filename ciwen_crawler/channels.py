"""Channels: where a crawl begins, how far it goes, and what it must at least find."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from platformdirs import user_config_path

from ciwen_crawler.errors import UsageError
from ciwen_crawler.identity import absolute

_BUNDLED = Path(__file__).with_name("channels.toml")


@dataclass(frozen=True, slots=True)
class Channel:
    """One table of channels.toml."""

    name: str
    start: tuple[str, ...]  # pages that a crawl begins at
    hosts: tuple[str, ...]  # whose lists and articles are the channel's; `www.` is understood
    minimum_articles: int = 1  # fewer found on its lists is no healthy crawl
    delay: float = 1.0  # seconds between two requests to a host, give or take half
    list_depth: int = 2  # how many lists may lead to another; the start page is the first
    list_pages: int = 100  # of one list at most

    @property
    def scope(self) -> frozenset[str]:
        """The hosts without `www.`."""
        return frozenset(host.removeprefix("www.") for host in self.hosts)


def own_file() -> Path:
    """Where a user's channels are read from, beside those that come with Ciwen."""
    return user_config_path("ciwen") / "channels.toml"


def channel(key: str) -> Channel:
    """The channel of that key; UsageError where there is none, or where its table cannot be understood."""
    tables = _tables(_BUNDLED)
    if own_file().exists():
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
    known = {field.name for field in fields(Channel)}
    if not isinstance(table, Mapping) or not {"name", "start", "hosts"} <= set(table) <= known:
        raise UsageError(f"channel {key!r} needs name, start and hosts, and may have {', '.join(sorted(known))}")
    lists = {name: tuple(table[name]) for name in ("start", "hosts")}
    return Channel(**(dict(table) | {"start": tuple(map(start_url, lists["start"])), "hosts": lists["hosts"]}))


def start_url(text: str) -> str:
    """A start page's URL; UsageError where it is none that can be asked for."""
    url = absolute(text, text)
    if url is None or any(c.isspace() for c in text.strip()) or "." not in (urlsplit(url).hostname or ""):
        raise UsageError(f"malformed start URL {text!r}: it must be like http://ci.china.com.cn/")
    return url
