"""A page parsed once: its text, its tree, and a parsel selector over that tree."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TypeAlias

from lxml import etree
from parsel import Selector

from ciwen_crawler.capture import Capture
from ciwen_crawler.charset import UTF_8, Decoded, decode
from ciwen_crawler.identity import absolute
from ciwen_crawler.text import clean

Element: TypeAlias = etree._Element
_TEXTLESS = frozenset({"script", "style", "noscript", "iframe", "textarea", "select", "br"})
DEEPEST = 2048  # elements in each other, which libxml2 knows no more of


class Document:
    """What the rules of every page class look at."""

    def __init__(self, url: str, decoded: Decoded, root: Element, is_cut: bool = False) -> None:
        self.url = url  # as requested
        self.text = decoded.text
        self.charset = decoded.charset
        self.charset_evidence = decoded.evidence
        self.root = root
        self.is_cut = is_cut  # where elements lie deeper in each other than a tree can have them
        self.page = Selector(root=root, type="html")

    @cached_property
    def base(self) -> str:
        """What relative links of the page are relative to."""
        declared = next(self.root.iter("base"), None)
        href = declared.get("href") if declared is not None else None
        return (absolute(self.url, href) if href else None) or self.url

    @cached_property
    def comments(self) -> tuple[Element, ...]:
        """The comments, in the page's order."""
        return tuple(self.root.iter(etree.Comment))

    def having(self, selector: str) -> list[Element]:
        """The elements with a class (`.inform`) or an id (`#source_baidu`), in the page's order.

        One search through the whole tree by CSS costs a tenth of parsing the page. So names are looked up: among the
        div elements, which the templates use throughout, and only where those lack one among all.
        """
        return self._divs.get(selector) or self._all.get(selector, [])

    @cached_property
    def _divs(self) -> dict[str, list[Element]]:
        return _by_name(self.root.iter("div"))

    @cached_property
    def _all(self) -> dict[str, list[Element]]:
        return _by_name(self.root.iter(etree.Element))


def document_of(capture: Capture) -> Document:
    """Decode and parse a capture; bytes that are no page at all give an empty tree."""
    decoded = decode(capture.body, capture.header("content-type"))
    return Document(capture.url, decoded, *_tree(capture.body, decoded))


def outermost(elements: Iterable[Element]) -> Iterator[Element]:
    """The elements that lie in no other one of them, which come in the page's order."""
    within: set[Element] = set()
    for element in elements:
        if element not in within:
            yield element
            # Asked for its ancestors each, elements that lie deep would cost their number times that depth.
            within.update(element.iterdescendants(etree.Element))


def line_of(element: Element) -> str | None:
    """An element's text as one line, a `<br>` being a blank; scripts and styles have none."""
    if not len(element):
        return clean(element.text)
    parts: list[str] = []
    walk = etree.iterwalk(element, events=("start", "end", "comment"))
    for event, node in walk:
        if event == "start":
            if node.tag in _TEXTLESS:
                parts.append(" " if node.tag == "br" else "")
                walk.skip_subtree()
            elif node.text:
                parts.append(node.text)
        elif node.tail and node is not element:
            parts.append(node.tail)
    return clean("".join(parts))


def _by_name(elements: Iterable[Element]) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for element in elements:
        classes, name = element.get("class"), element.get("id")
        if classes:
            for each in classes.split():
                found.setdefault("." + each, []).append(element)
        if name:
            found.setdefault("#" + name, []).append(element)
    return found


def _tree(body: bytes, decoded: Decoded) -> tuple[Element, bool]:
    """The root, and whether the tree ends before the page does."""
    # libxml2 reads UTF-8 natively, and handing the bytes on saves a copy where they are sound.
    sound = decoded.charset == UTF_8 and not decoded.evidence["replacements"] and not decoded.evidence["bom"]
    data = body if sound else decoded.text.encode(UTF_8, "replace")
    # huge_tree: 2,048 levels instead of 256, which unclosed <font> of the old editors can reach. Beyond them the parser
    # stops where it is.
    parser = etree.HTMLParser(encoding=UTF_8, huge_tree=True, collect_ids=False, remove_pis=True, no_network=True)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:  # nothing but blanks
        root = None
    last = parser.error_log.last_error
    is_cut = last is not None and last.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT
    return (etree.Element("html") if root is None else root), is_cut
