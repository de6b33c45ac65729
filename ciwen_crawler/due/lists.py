"""Lists of a run: which page of which is asked for, and what the report says of each walk."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from ciwen_crawler.due.articles import SLACK
from ciwen_crawler.due.walk import Earlier, Page, Place, Walk
from ciwen_crawler.identity import canonical_url, content_id, host_of, node_id
from ciwen_crawler.store.agenda import Walked

# What stands further down a list is seen so often.
WHOLE_EVERY = timedelta(days=7) * SLACK

_DAY = re.compile(r"/(\d{4}-\d{2}/\d{2})/", re.ASCII)


class Asked(NamedTuple):
    """A page of a list to ask for. What became of it is told with the list's name and the page's number."""

    list: str
    number: int
    url: str
    depth: int  # how many lists lead to it


class Lists:
    """The walks of one run, by list.

    A list is named by its host and number, one without a number by its URL. Such a one's pager tells its number, and
    what stands under that belongs to it, unless that list is walked by itself.
    """

    def __init__(self, earlier: Mapping[str, Earlier], most: int, longest: int, is_full: bool) -> None:
        self._earlier = earlier
        self._most = most  # lists
        self._longest = longest  # pages of one
        self._is_full = is_full
        self._walks: dict[str, Walk] = {}
        self._depths: dict[str, int] = {}
        self._also: dict[str, str] = {}  # name → that of the list whose pager names its pages

    def start(self, url: str) -> Asked | None:
        """A page to ask for in any case; None where it is asked for already, or there are too many lists."""
        name, page = self._named(url, 0), _page(url)
        if name is None or not self._walks[name].begin(page):
            return None
        return Asked(name, page.number, url, 0)

    def name(self, url: str, depth: int) -> Iterator[Asked]:
        """A list is named elsewhere: what is to be asked for at that."""
        name = self._named(url, depth)
        if name is not None:
            self._walks[name].name(_page(url))
            yield from self.next(name)

    def turn(self, name: str, urls: Iterable[str]) -> None:
        """The pager of one of a list's pages names further ones."""
        for url in urls:
            own = stem(url)
            if own not in self._walks:
                self._also.setdefault(own, name)
            found = self._named(url, self._depths[name])
            if found is not None:
                self._walks[found].name(_page(url))

    def next(self, name: str) -> Iterator[Asked]:
        """The page of a list to ask for now, if any."""
        page = self._walks[name].next()
        if page:
            yield Asked(name, page.number, page.url, self._depths[name])

    def walk(self, name: str) -> Walk:
        """The walk of a list."""
        return self._walks[name]

    def told(self, cut_off: str | None) -> dict[str, dict[str, Any]]:
        """What the run's report says of each."""
        return {name: walk.told(cut_off) for name, walk in self._walks.items()}

    def _named(self, url: str, depth: int) -> str | None:
        name = stem(url)
        name = self._also.get(name, name)
        if name not in self._walks:
            if len(self._walks) >= self._most:
                return None
            self._walks[name] = Walk(self._earlier.get(name, Earlier()), self._longest, self._is_full)
        self._depths[name] = min(depth, self._depths.get(name, depth))
        return name


def earlier(runs: Iterable[Walked]) -> dict[str, Earlier]:
    """What is known of each list by the reports of runs within `WHOLE_EVERY`, the newest first."""
    had_gap: dict[str, bool] = {}  # the last walk, by list
    newest: dict[str, Place] = {}
    whole: set[str] = set()
    for run in runs:
        for name, told in run.walks.items():
            if not isinstance(told, dict):
                continue
            had_gap.setdefault(name, told.get("gap") is not None)
            place_told = _place_told(told.get("newest"))
            if place_told and told.get("ended") is True:
                newest.setdefault(name, place_told)
            if told.get("whole") is True:
                whole.add(name)
    return {name: Earlier(newest.get(name), gap or name not in whole) for name, gap in had_gap.items()}


def _place_told(told: object) -> Place | None:
    match told:
        case [str(day), int(number)]:
            return day, number
    return None


def stem(url: str) -> str:
    """The name of the list that a URL is a page of."""
    node = node_id(url)
    return f"{host_of(url)} {node.number}" if node else canonical_url(url)


def place(url: str) -> Place:
    """Where an article stands in the order of time, by its URL alone."""
    day, number = _DAY.search(url), content_id(url)
    return day[1] if day else "", int(number.number) if number else 0


def _page(url: str) -> Page:
    node = node_id(url)
    return Page(node.page if node else 1, url)
