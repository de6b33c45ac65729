"""What each HTML element is to an article's body. Those not named here are transparent, as span and font are."""

from collections.abc import Mapping

SKIP = "skip"  # holds nothing of the article
BLOCK, HEADING, FIGURE, FIGCAPTION = "block", "heading", "figure", "figcaption"
LIST, ITEM, TABLE, ROW, CELL = "list", "item", "table", "row", "cell"
BREAK, IMAGE, VIDEO, MARK = "break", "image", "video", "mark"

KINDS: Mapping[str, str] = {
    **dict.fromkeys(
        "script style noscript iframe frame object embed applet template textarea select option button input "
        "svg math canvas map area audio head title meta link base".split(),
        SKIP,
    ),
    **dict.fromkeys(
        "html body p div section article main header footer aside nav address blockquote center pre form fieldset "
        "legend details summary dl dt dd hr caption marquee".split(),
        BLOCK,
    ),
    **dict.fromkeys("h1 h2 h3 h4 h5 h6".split(), HEADING),
    **dict.fromkeys("ul ol menu dir".split(), LIST),
    **dict.fromkeys("strong b em i a".split(), MARK),
    "br": BREAK,
    "img": IMAGE,
    "video": VIDEO,
    "li": ITEM,
    "table": TABLE,
    "tr": ROW,
    "td": CELL,
    "th": CELL,
    "figure": FIGURE,
    "figcaption": FIGCAPTION,
}

# The clean element that stands for each mark and each heading; h1 is the article's title alone.
MARKS: Mapping[str, str] = {"strong": "strong", "b": "strong", "em": "em", "i": "em", "a": "a"}
HEADINGS: Mapping[str, str] = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}

# Which clean element may stand in which; '' is the body itself.
_FLOW = frozenset({"", "li", "td", "th"})
_LISTS = frozenset({"ul", "ol"})
CONTAINERS: Mapping[str, frozenset[str]] = {
    LIST: _FLOW,
    ITEM: _LISTS,
    TABLE: _FLOW,
    ROW: frozenset({"table"}),
    CELL: frozenset({"tr"}),
}
