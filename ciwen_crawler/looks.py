"""Looks: the pages of one article in one crawl, gathered until all that its pager names are there."""

from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ciwen_crawler.capture import Capture
from ciwen_crawler.identity import article_id, is_twin
from ciwen_crawler.items import Article, ArticlePage
from ciwen_crawler.pages import merge


@dataclass(slots=True)
class _Look:
    pages: dict[int, tuple[Capture, ArticlePage]] = field(default_factory=dict)

    def lacks(self) -> frozenset[int]:
        """The pages that a pager names and that are not there; the whole on one page (0) lacks none."""
        if 0 in self.pages:
            return frozenset()
        named = {number for _, page in self.pages.values() for number in page.pages}
        return frozenset(named | {1}) - self.pages.keys()

    def merged(self) -> Article:
        """The article that its pages make."""
        captures, pages = zip(*self.pages.values(), strict=True)
        return merge(captures, pages)


class Looks:
    """Takes pages as they come, gives an article when its look is complete."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str, str], _Look] = {}

    def add(self, capture: Capture, page: ArticlePage) -> Article | None:
        """The article, where this page completes its look. A page that comes again begins the next look."""
        # The body has been read, and a look may wait for its further pages for long.
        light = replace(capture, body=b"") if capture.body else capture
        key = (capture.crawl_id, article_id(capture.url), _rendering(capture.url, page))
        look = self._open.setdefault(key, _Look())
        if page.number in look.pages:
            look = self._open[key] = _Look()
        look.pages[page.number] = (light, page)
        if look.lacks():
            return None
        del self._open[key]
        return look.merged()

    def lacking(self, crawl_id: str) -> dict[str, frozenset[int]]:
        """The articles of a crawl whose looks are incomplete, with the pages that they lack."""
        return {key[1]: look.lacks() for key, look in self._open.items() if key[0] == crawl_id}

    def forget(self, crawl_id: str) -> None:
        """A crawl has ended: what is incomplete stays so."""
        for key in [key for key in self._open if key[0] == crawl_id]:
            del self._open[key]


def _rendering(url: str, page: ArticlePage) -> str:
    """Of which rendering a page is: the mobile one and the mirror never complete a look at the canonical one."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{'/twin' if is_twin(url) else ''}{'/whole' if page.number == 0 else ''}"
