"""Regions of a list page: in which of them a link lies decides what it means.

The CMS's list markup varies by channel and year, so nothing here knows it. What is known is what the main block is not:
navigation, footers, boxes of related articles. All else is the main block.
"""

import re
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import NamedTuple

from ciwen_crawler.pages.document import Document, Element, line_of

MAIN, NAVIGATION, PAGER = "main", "navigation", "pager"
NOWHERE = "nowhere"  # a part whose links say nothing of the channel

_NEVER = frozenset("script style noscript iframe template head select textarea svg object footer".split())
# On every page of the site: links to other channels and to the site's own notices.
_SITE_WIDE = frozenset(
    "headInclude footInclude pushNav topNav topNav_menu footer pc_footer m_footer foot copyright".split()
)
_BOXES = frozenset("relevant related relatedNews related_news hotNews hot_news friendLink friend_link".split())
_ASIDE = _SITE_WIDE | _BOXES
# Navigation that may be the channel's own: no articles in it, but the only links to its lists on some home pages.
_NAVIGATION = frozenset(
    "nav navbar navigation menu header top local m_local crumb crumbs artLink cNav breadcrumb breadcrumbs".split()
)
_NAVIGATION_TAGS = frozenset({"nav", "header"})
_ITEMS = frozenset({"li", "article", "dd", "td"})  # a <header> in one of these is an item's, not the page's
_PAGERS = frozenset({"autopage", "displaypagenum", "pages", "pager", "pagination"})

_BOX_TITLE = re.compile(
    r"(?:相关|延伸|推荐|热门)(?:阅读|新闻|文章|报道|推荐|链接|稿件)|热点(?:推荐|新闻|排行|文章)|猜你喜欢|大家都在看"
    r"|[为给][您你]推荐|(?:点击|阅读|新闻|热门|文章)排行榜?|排行榜|友情链接"
)
_BOX_WORD = re.compile("相关|延伸|推荐|热点|热门|猜你|大家都在|排行|友情链接")
_BULLETS = "·•●○▪■◆ "
_MORE = re.compile(r"[\s·:：>»|]*(?:更多|more)?[\s>»…]*$", re.IGNORECASE)
_LONGEST_TITLE = 40
_MOST_BOXES = 64
_MOST_IN_TITLE = 32  # elements
_BOX_TITLE_TAGS = ("h2", "h3", "h4", "h5", "strong", "b", "span", "div", "p", "dt")
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


class _Place(NamedTuple):
    region: str
    in_item: bool


class Regions:
    """The regions of one page. Only the elements around the links that are asked about are looked at."""

    def __init__(self, document: Document) -> None:
        self._boxes = _boxes(document)
        self._places: dict[Element | None, _Place] = {None: _Place(MAIN, False)}

    def of(self, link: Element) -> str:
        """The region that a link lies in."""
        path = []
        node: Element | None = link
        while node is not None and node not in self._places:
            path.append(node)
            node = node.getparent()
        place = self._places[node]
        for node in reversed(path):
            place = self._places[node] = self._within(place, node)
        return place.region

    def _within(self, around: _Place, node: Element) -> _Place:
        if around.region == NOWHERE:
            return around
        tag, names = node.tag, _names(node)
        in_item = around.in_item or tag in _ITEMS
        if tag in _NEVER or node in self._boxes or not names.isdisjoint(_ASIDE):
            return _Place(NOWHERE, in_item)
        if not names.isdisjoint(_PAGERS):
            return _Place(PAGER, in_item)
        if not in_item and (tag in _NAVIGATION_TAGS or not names.isdisjoint(_NAVIGATION)):
            return _Place(NAVIGATION, in_item)
        return _Place(around.region, in_item)


def _names(node: Element) -> set[str]:
    """An element's classes and its id."""
    names = set((node.get("class") or "").split())
    names.add(node.get("id") or "")
    return names


def _boxes(document: Document) -> frozenset[Element]:
    """The parts below a title such as 相关阅读, up to the next title."""
    titles = filter(_is_box_title, document.root.iter(*_BOX_TITLE_TAGS))
    return frozenset(part for title in islice(titles, _MOST_BOXES) for part in _below(title))


def _is_box_title(node: Element) -> bool:
    text = node.text
    if not text or len(text) > _LONGEST_TITLE or not _BOX_WORD.search(text):
        return False
    if next(islice(node.iterdescendants(), _MOST_IN_TITLE, None), None) is not None:
        return False
    line = (line_of(node) or "").strip(_BULLETS)
    if len(line) > _LONGEST_TITLE or not _BOX_TITLE.fullmatch(_MORE.sub("", line)):
        return False
    return not any("content_" in (anchor.get("href") or "") for anchor in node.iterancestors("a"))


def _below(title: Element) -> Iterator[Element]:
    """The siblings after a title, or after what encloses it, that hold its links."""
    node = title
    for _ in range(4):
        parts = list(_up_to_the_next_title(node))
        if any("content_" in (link.get("href") or "") for part in parts for link in part.iter("a")):
            yield from parts
            return
        parent = node.getparent()
        if parent is None or parent.tag in ("body", "html"):
            return
        node = parent


def _up_to_the_next_title(title: Element) -> Iterator[Element]:
    mark = (title.tag, title.get("class"))
    return takewhile(
        lambda part: part.tag not in _HEADINGS and (part.tag, part.get("class")) != mark, title.itersiblings()
    )
