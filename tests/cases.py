"""The bundled channel's pages as captures, each with what is to be read from it (fixtures/html/README.md)."""

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ciwen_crawler.capture import Capture
from ciwen_crawler.items import Article, ArticlePage
from ciwen_crawler.pages import merge, read_article

PROJECT = Path(__file__).parent.parent
# Real pages, which cannot be part of the project.
CORPUS = Path(os.environ.get("CIWEN_CORPUS") or PROJECT.parent / "shared" / "corpus")
_HTML = PROJECT / "fixtures" / "html"


@dataclass(frozen=True)
class Case:
    """One page of the bundled channel."""

    name: str
    url: str
    fetched_at: str
    kind: str  # article, list or home
    expected: dict[str, Any] | None = None
    pages: tuple[str, ...] = ()
    part_of: str | None = None
    whole: bool = False
    twin_of: str | None = None

    @property
    def capture(self) -> Capture:
        """The page as a server without a charset in its header sends it."""
        return page(self.url, (_HTML / f"{self.name}.html").read_bytes(), id=self.name, fetched_at=self.fetched_at)


def page(url: str, body: bytes, *, id: str = "page", fetched_at: str = "2026-01-10T00:00:00Z") -> Capture:
    """A capture of a page that was asked for and came."""
    return Capture(
        id=id, url=url, fetched_at=fetched_at, status=200, headers=(("Content-Type", "text/html"),), body=body
    )


def html(markup: str, url: str = "http://ci.china.com.cn/2025-06/04/content_43135627.html") -> Capture:
    """A capture of a page written out in a test."""
    return page(url, f"<!DOCTYPE html><html><head><meta charset=utf-8></head><body>{markup}</body></html>".encode())


@cache
def cases() -> dict[str, Case]:
    """Every page of the bundled channel by its name."""
    found = {}
    for file in sorted(_HTML.glob("*.json")):
        told = json.loads(file.read_text("utf-8"))
        told["pages"] = tuple(told.get("pages", ()))
        found[file.stem] = Case(name=file.stem, **told)
    return found


def articles() -> list[Case]:
    """The first pages of the articles, twins left out."""
    return [case for case in cases().values() if case.kind == "article" and not case.part_of and not case.twin_of]


def lists() -> list[Case]:
    """The list pages and the home page."""
    return [case for case in cases().values() if case.kind != "article"]


@cache
def page_of(name: str) -> ArticlePage:
    """One page of an article, read."""
    return read_article(cases()[name].capture)


@cache
def article_of(name: str) -> Article:
    """A case's article with all its pages, read and merged."""
    names = (name, *cases()[name].pages)
    return merge([cases()[each].capture for each in names], [page_of(each) for each in names])


def field_of(article: Article, field: str) -> Any:
    """A field in the shape that the expectations have in JSON."""
    if field == "images":
        return [
            {"position": position, "url": image.url, "alt": image.alt, "caption": image.caption}
            for position, image in enumerate(article.images, 1)
        ]
    value = getattr(article, field)
    if isinstance(value, tuple):
        return [list(part) if isinstance(part, tuple) else part for part in value]
    return value
