"""Overrides: the Scrapy settings that a user gives on the command line, which win over everything."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ciwen_crawler.errors import UsageError

_ARCHIVE = "CIWEN_ARCHIVE"


def parsed(given: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE, as `-s` takes it, by name; UsageError for what is none."""
    return dict(map(_setting, given))


def archive_of(overrides: Mapping[str, str], archive: Path) -> Path:
    """Where the run's archive lies: `--archive` is but a setting, too."""
    return Path(overrides.get(_ARCHIVE, archive))


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"-s takes NAME=VALUE, not {text!r}")
    return name.strip(), value
