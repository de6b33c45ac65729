"""Walks: how far a run goes into a list, page after page, by what the archive knew of it before. Pure.

A page is the overlap where all that it names was known, and lies before the newest item of the last walk that came to
its end. The walk goes one page further, for order is editorial, and ends. What a run names that is killed is known to
the next one too, so being known is not enough: such a run leaves no report, and what it did not reach is not before.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ciwen_crawler.identity import canonical_url

# The day in an article's URL, `2025-06/04`, '' where it names none; and its content number. Both rise in time.
Place = tuple[str, int]

MISSED = "more is new than the list shows"
_CUT_OFF = "the run ended before its end"


class Item(NamedTuple):
    """An article of the channel that a list page names."""

    place: Place
    is_known: bool  # to the archive, before this run


class Earlier(NamedTuple):
    """What the reports of earlier runs say of a list."""

    newest: Place | None = None  # of the last walk that came to its end
    is_whole_due: bool = True  # it is long since all its pages were read, or something may have been missed since


class Page(NamedTuple):
    """A page of a list, to be asked for."""

    number: int
    url: str


class Walk:
    """One list in one run. Pages are asked for one after another, the lowest number first."""

    def __init__(self, earlier: Earlier, longest: int, is_full: bool = False) -> None:
        self._earlier = earlier
        self._longest = longest  # pages
        self._is_whole = is_full or earlier.is_whole_due or earlier.newest is None
        self._known: dict[str, Page] = {}  # by canonical URL; not yet asked for
        self._asked: dict[str, Page] = {}
        self._answered = 0
        self._read: set[int] = set()
        self._overlap: int | None = None  # the lowest number of a page that is it
        self._newest: Place | None = None
        self._touches = False  # something is named that the last walk knew, or that is older
        self._error: str | None = None

    def name(self, page: Page) -> None:
        """A page of the list is known of. One may have several addresses, of which one is enough."""
        key = canonical_url(page.url)
        if key not in self._asked and page.number not in self._read:
            self._known.setdefault(key, page)

    def begin(self, page: Page) -> bool:
        """A page is to be asked for, whatever the rule says of it; False where it is already."""
        key = canonical_url(page.url)
        self._known.pop(key, None)
        return self._asked.setdefault(key, page) is page

    def next(self) -> Page | None:
        """The page to ask for now, which counts as asked for; None while one is under way, and at the end."""
        if self._answered < len(self._asked) or not self._goes_on():
            return None
        page = min(self._known.values())
        self.begin(page)
        return page

    def read(self, number: int, items: Sequence[Item]) -> None:
        """A page has been read. One that names nothing is no overlap: what it was to name may not have been found."""
        self._answered += 1
        self._read.add(number)
        self._known = {key: page for key, page in self._known.items() if page.number != number}
        places = [item.place for item in items]
        self._newest = max([*places, self._newest] if self._newest else places, default=None)
        newest = self._earlier.newest
        if newest is None or not items:
            return
        self._touches = self._touches or any(item.is_known and item.place <= newest for item in items)
        if all(item.is_known and item.place < newest for item in items):
            self._overlap = number if self._overlap is None else min(self._overlap, number)

    def passed(self) -> None:
        """A page is not to be had, and nothing is missed by that."""
        self._answered += 1

    def failed(self, number: int, reason: str) -> None:
        """A page could not be had."""
        self._answered += 1
        self._error = self._error or f"page {number}: {reason}"

    def _goes_on(self) -> bool:
        if not self._known or len(self._asked) >= self._longest:
            return False
        if self._is_whole or self._overlap is None:
            return True
        lies_before = min(self._known.values()).number < self._overlap
        return lies_before or all(page.number <= self._overlap for page in self._asked.values())

    def told(self, cut_off: str | None = None) -> dict[str, Any]:
        """For the run's report, once it is over. `cut_off` is why it ended, if by a limit.

        `pages` is how many were read; `whole`: all that the list has, as far as its pages name each other; `ended`: the
        walk came to its end; `newest`: the place of the newest item; `gap`: why something may have been missed.
        """
        is_over = self._answered == len(self._asked) and not self._goes_on()
        gap = self._error or (None if is_over else cut_off or _CUT_OFF)
        ended = gap is None
        has_all = ended and (not self._known or len(self._asked) >= self._longest)
        if ended and self._earlier.newest and self._newest and not self._touches:
            gap = MISSED
        newest = list(self._newest) if self._newest else None
        return {"pages": len(self._read), "whole": has_all, "ended": ended, "newest": newest, "gap": gap}
