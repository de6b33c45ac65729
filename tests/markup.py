"""A judge of clean markup that shares no code with what writes it: the standard library's HTML tokenizer."""

from html.parser import HTMLParser

# What clean markup may be made of, each element with the attributes that it may have.
ALLOWED = {
    **{name: frozenset() for name in "p h2 h3 h4 ul ol li table tr td th figure figcaption strong em br".split()},
    "a": frozenset({"href"}),
    "img": frozenset({"src", "alt"}),
    "video": frozenset({"src", "poster"}),
}
_VOID = frozenset({"br", "img"})
_INLINE = frozenset({"strong", "em", "a", "br", "img"})
# Where an element may stand; '' is the outermost level.
_WITHIN = {
    "p": ("",),
    "h2": ("",),
    "h3": ("",),
    "h4": ("",),
    "table": ("", "li", "td", "th"),
    "ul": ("", "li", "td", "th"),
    "ol": ("", "li", "td", "th"),
    "li": ("ul", "ol"),
    "tr": ("table",),
    "td": ("tr",),
    "th": ("tr",),
    "figure": ("", "li", "td", "th"),
    "figcaption": ("figure",),
    "video": ("", "li", "td", "th", "figure"),
}


class Markup(HTMLParser):
    """What a piece of clean markup holds, and what is wrong with it."""

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.text = ""  # outside captions
        self.captions: list[str] = []
        self.pictures: list[str] = []  # addresses of images and posters
        self.rendering = ""  # alt texts, text and captions in the order of the page
        self._open: list[str] = []
        self.feed(markup)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        allowed = ALLOWED.get(tag)
        if allowed is None:
            self.faults.append(f"<{tag}> is not clean")
        elif not allowed.issuperset(name for name, _ in attrs):
            self.faults.append(f"<{tag}> has {attrs}")
        around = self._open[-1] if self._open else ""
        if tag in _WITHIN and around not in _WITHIN[tag]:
            self.faults.append(f"<{tag}> stands in <{around}>")
        if tag in _INLINE and around in ("", "ul", "ol", "table", "tr"):
            self.faults.append(f"<{tag}> stands in <{around}>")
        if tag == "figcaption":
            self.captions.append("")
        values = dict(attrs)
        self.pictures += [value for value in (values.get("src") if tag == "img" else values.get("poster"),) if value]
        self.rendering += values.get("alt") or ""
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes something else")

    def handle_data(self, data: str) -> None:
        self.rendering += data
        if "figcaption" in self._open:
            self.captions[-1] += data
        else:
            self.text += data
            if not self._open and data.strip():
                self.faults.append(f"{data!r} stands in no element")
            elif data.strip() and self._open and self._open[-1] in ("ul", "ol", "table", "tr", "figure", "video"):
                self.faults.append(f"{data!r} stands in <{self._open[-1]}>")

    def handle_comment(self, data: str) -> None:
        self.faults.append("a comment")

    def handle_decl(self, decl: str) -> None:
        self.faults.append("a declaration")
