"""Assets that are due: which of the stylesheets, scripts and images that pages name are to be asked for."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from w3lib.url import safe_url_string

from ciwen_crawler import clock
from ciwen_crawler.capture import Capture
from ciwen_crawler.identity import in_hosts
from ciwen_crawler.pages.assets import SCRIPT, STYLE, assets, excess
from ciwen_crawler.store.memory import Memory

# Once a month at most, whichever month.
_MONTH = timedelta(days=31)
_DEEPEST = 5  # stylesheets in stylesheets


class Wanted(NamedTuple):
    """An asset to ask for."""

    url: str
    via: str  # the page or the stylesheet that names it
    use: str  # of pages.assets
    depth: int  # how many stylesheets lie between the page and it


class Assets:
    """Gives each asset once a run, and only where it was not asked for within a month."""

    def __init__(
        self, memory: Memory, hosts: frozenset[str], with_images: bool, tell: Callable[[str, str], None]
    ) -> None:
        """`tell` is told of what names more than is taken, and why."""
        self._memory = memory
        self._hosts = hosts
        self._with_images = with_images
        self._tell = tell
        self._since = clock.written(clock.moment() - _MONTH)
        # What was answered is in the captures; what was not, in the reports of runs alone.
        self._failed = memory.failed_assets(self._since)
        self._met: set[str] = set()
        self._given: set[str] = set()

    def has_given(self, url: str) -> bool:
        """Whether a URL, as it is asked for, is among the assets that were to be asked for."""
        return url in self._given

    def named_by(self, page: Capture, besides: Iterable[str] = ()) -> Iterator[Wanted]:
        """What a page names, but for those URLs that are asked for as something else."""
        self._met.update(map(as_asked, besides))
        yield from self._wanted(page, None, 0)

    def named_by_asset(self, capture: Capture, use: str, depth: int) -> Iterator[Wanted]:
        """What an asset names, which only stylesheets do; the page's own assets have depth 0."""
        if use == STYLE and depth < _DEEPEST:
            yield from self._wanted(capture, STYLE, depth + 1)

    def _wanted(self, capture: Capture, use: str | None, depth: int) -> Iterator[Wanted]:
        found = assets(capture, use)
        beyond = excess(capture, use, found)
        if beyond:
            self._tell(capture.url, beyond)
        for asset in found:
            url = as_asked(asset.url)
            if url in self._met or not in_hosts(url, self._hosts):
                continue
            if not self._with_images and asset.use not in (STYLE, SCRIPT):
                continue
            self._met.add(url)
            if self._is_due(url):
                self._given.add(url)
                yield Wanted(url, capture.url, asset.use, depth)
            elif asset.use == STYLE:
                # A run that was cut short may have had the stylesheet and not what it names.
                held = self._memory.newest(url)
                stored = self._memory.read(held) if held else None
                if stored:
                    yield from self.named_by_asset(stored, STYLE, depth)

    def _is_due(self, url: str) -> bool:
        asked_at = self._memory.asked_at(url)
        return url not in self._failed and (asked_at is None or asked_at < self._since)


def as_asked(url: str) -> str:
    """The spelling that a request has, and so its capture: letters that are not ASCII percent-encoded."""
    return safe_url_string(url)
