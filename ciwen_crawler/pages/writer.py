"""Writes paragraphs out of a walk over elements: text and clean markup together, so that the two cannot disagree."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import cast

from ciwen_crawler.identity import absolute
from ciwen_crawler.pages import captions
from ciwen_crawler.pages.document import Element
from ciwen_crawler.pages.furniture import image_source, is_furniture, is_icon
from ciwen_crawler.text import clean, visible

# What an element is to the body. Elements not named here are transparent and inline, as span and font are.
_SKIP, _BREAK, _IMAGE, _VIDEO, _MARK = "skip", "break", "image", "video", "mark"
_BLOCK, _HEADING, _FIGURE, _FIGCAPTION = "block", "heading", "figure", "figcaption"
_LIST, _ITEM, _TABLE, _ROW, _CELL = "list", "item", "table", "row", "cell"
# A row of several cells is one line of text, and what its cells hold only breaks lines within it.
_LINE_ROW, _LINE_CELL = "line row", "line cell"
_KINDS: Mapping[str, str] = {
    **dict.fromkeys(
        "script style noscript iframe frame object embed applet template textarea select option button input "
        "svg math canvas map area audio head title meta link base".split(),
        _SKIP,
    ),
    **dict.fromkeys(
        "html body p div section article main header footer aside nav address blockquote center pre form fieldset "
        "legend details summary dl dt dd hr caption marquee".split(),
        _BLOCK,
    ),
    **dict.fromkeys("h1 h2 h3 h4 h5 h6".split(), _HEADING),
    **dict.fromkeys("ul ol menu dir".split(), _LIST),
    **dict.fromkeys("strong b em i a".split(), _MARK),
    "br": _BREAK,
    "img": _IMAGE,
    "video": _VIDEO,
    "li": _ITEM,
    "table": _TABLE,
    "tr": _ROW,
    "td": _CELL,
    "th": _CELL,
    "figure": _FIGURE,
    "figcaption": _FIGCAPTION,
}
_MARKS: Mapping[str, str] = {"b": "strong", "i": "em"}
_HEADINGS: Mapping[str, str] = {"h1": "h2", "h2": "h2", "h3": "h3", "h4": "h4", "h5": "h4", "h6": "h4"}
_ALIGNED = re.compile(r"text-align\s*:\s*(\w+)")
_NOTHING: Mapping[str, str] = {}


@dataclass(slots=True)
class Picture:
    """An image, or a video's poster, while its caption is still looked for."""

    url: str
    alt: str | None
    caption: str | None
    markup: str
    is_video: bool = False


@dataclass(slots=True)
class Block:
    """A paragraph, a heading, a part of an item or a cell, or a whole row of a table."""

    wrap: str  # the element around it; '' within an item or a cell
    text: str
    html: list[str | int]  # markup, and numbers of pictures
    pictures: list[int]
    centred: bool
    marked: bool  # a class says that it is a caption
    pictures_first: bool  # no text stands before its pictures


@dataclass(slots=True)
class _Frame:
    """An open element: how it ends, and the state it goes back to."""

    kind: str | None
    wrap: str = ""
    centred: bool = False
    marked: bool = False
    closing: str = ""
    since: int = 0  # pictures before a figure


@dataclass(slots=True)
class _Mark:
    """An open strong, em or a: written only when text comes, and again in each paragraph that it spans."""

    name: str
    opening: str
    written: bool = False


_SKIPPED = _Frame(None)
_PASSED = _Frame(None)


@dataclass(slots=True)
class Writer:
    """Takes elements and text in document order; leaves blocks, markup between them, and pictures."""

    base: str
    out: list[Block | str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    _frames: list[_Frame] = field(default_factory=list)
    _marks: list[_Mark] = field(default_factory=list)
    # The paragraph being written.
    _text: list[str] = field(default_factory=list)
    _html: list[str | int] = field(default_factory=list)
    _shown: list[int] = field(default_factory=list)
    _blank: bool = False
    _line_break: bool = False
    _pictures_first: bool = True
    # What blocks inherit.
    _wrap: str = "p"
    _centred: bool = False
    _marked: bool = False
    _soft: bool = False  # paragraphs do not end, they break the line: in a row of cells, in a caption
    _figures: int = 0
    _lists: int = 0
    _tables: int = 0
    _figcaption: str = ""

    # Events

    def pass_by(self) -> None:
        """An element begins that encloses the body's first marker."""
        self._frames.append(_PASSED)

    def open(self, element: Element) -> bool:
        """An element begins; False where nothing in it belongs to the body."""
        tag = element.tag
        kind = _KINDS.get(tag)
        # lxml's stubs allow for bytes, which a parsed tree never holds.
        items = cast("list[tuple[str, str]]", element.items())
        attributes = dict(items) if items else _NOTHING
        if kind == _VIDEO or (items and attributes.get("id") == "videofile"):
            self.video(element)
            kind = _SKIP
        if kind == _SKIP or (items and is_furniture(tag, attributes)):
            self._frames.append(_SKIPPED)
            return False
        if kind is None:
            self._frames.append(_PASSED)
        elif kind == _MARK:
            self._frames.append(self._open_mark(tag, attributes))
        elif kind == _IMAGE:
            self._image(attributes)
            self._frames.append(_PASSED)
        elif kind == _BREAK:
            self._flush()
            self._frames.append(_PASSED)
        else:
            self._open_block(element, tag, kind, attributes)
        return True

    def close(self) -> None:
        """The element that was opened last ends."""
        frame = self._frames.pop()
        if frame.kind == _MARK:
            mark = self._marks.pop()
            if mark.written:
                self._html.append(f"</{mark.name}>")
        elif frame.kind is not None:
            self._close_block(frame)

    def write(self, chunk: str) -> None:
        """Text, its white space folded across the inline elements that it comes in."""
        shown = visible(chunk)
        words = shown.split()
        if not words:
            self._blank = self._blank or bool(shown)
            return
        if self._line_break:
            self._break_line()
        elif self._text and (self._blank or shown[0].isspace()):
            self._text.append(" ")
            if self._html[-1] not in _CELL_MARKUP:
                self._html.append(" ")
        self._blank = shown[-1].isspace()
        for mark in self._marks:
            if not mark.written:
                self._html.append(mark.opening)
                mark.written = True
        line = " ".join(words)
        self._text.append(line)
        self._html.append(escape(line, quote=False))

    def finish(self) -> None:
        """Close what the end marker left open."""
        while self._frames:
            self.close()
        self._flush()

    # Inline

    def _open_mark(self, tag: str, attributes: Mapping[str, str]) -> _Frame:
        name = _MARKS.get(tag, tag)
        opening = f"<{name}>"
        if name == "a":
            target = absolute(self.base, attributes.get("href", "#")) if "href" in attributes else None
            opening = f'<a href="{escape(target)}">' if target else ""
        if not opening or any(mark.name == name for mark in self._marks):
            return _PASSED
        self._marks.append(_Mark(name, opening))
        return _Frame(_MARK)

    def _suspend_marks(self) -> None:
        for mark in reversed(self._marks):
            if mark.written:
                self._html.append(f"</{mark.name}>")
                mark.written = False

    def _break_line(self) -> None:
        self._suspend_marks()
        self._html.append("<br>")
        if self._text:
            self._text.append(" ")
        self._line_break = self._blank = False

    # Pictures

    def _image(self, attributes: Mapping[str, str]) -> None:
        source = image_source(attributes)
        url = absolute(self.base, source) if source else None
        if url is None or is_icon(url, attributes):
            return
        alt = clean(attributes.get("alt"))
        markup = f'<img src="{escape(url)}"' + (f' alt="{escape(alt)}">' if alt else ">")
        self._show(Picture(url, alt, captions.from_attribute(attributes), markup))

    def video(self, element: Element) -> None:
        """A video; its poster counts as a picture without alt and caption, and stands for it."""
        sources = (element.get("src"), *(source.get("src") for source in element.iterchildren("source")))
        url = next((absolute(self.base, source) for source in sources if source), None)
        poster = absolute(self.base, element.get("poster") or "") if element.get("poster") else None
        if url is None:
            return
        self._flush()
        if poster:
            markup = f'<video src="{escape(url)}" poster="{escape(poster)}"></video>'
            self._show(Picture(poster, None, None, markup, is_video=True))
            self._flush()
        else:
            self.out.append(f'<video src="{escape(url)}"></video>')

    def _show(self, picture: Picture) -> None:
        if self._line_break:
            self._break_line()
        self._suspend_marks()
        if self._text:
            self._pictures_first = False
        self._shown.append(len(self.pictures))
        self._html.append(len(self.pictures))
        self.pictures.append(picture)

    # Blocks

    def _open_block(self, element: Element, tag: str, kind: str, attributes: Mapping[str, str]) -> None:
        self._flush()
        frame = _Frame(kind, self._wrap, self._centred, self._marked)
        self._frames.append(frame)
        if attributes or tag == "center":
            self._centred = _is_centred(tag, attributes, self._centred)
            if "class" in attributes:
                self._marked = self._marked or captions.is_marked(attributes["class"])
        if self._soft:
            self._open_in_line(tag, frame)
        elif kind == _HEADING:
            self._wrap = _HEADINGS[tag] if self._wrap == "p" else self._wrap
        elif kind == _FIGURE:
            self._figures += 1
            frame.since = len(self.pictures)
        elif kind == _FIGCAPTION:
            self._soft = self._figures > 0
            self._marked = True
        elif kind == _ROW and self._tables:
            self._open_row(element, frame)
        elif kind in _ENCLOSING:
            self._enclose(frame, tag)

    def _open_in_line(self, tag: str, frame: _Frame) -> None:
        # A table within a cell is flattened: its rows part lines, its cells words.
        frame.kind = _BLOCK
        if tag in ("td", "th") and self._wrap == "tr":
            frame.kind = _LINE_CELL
            self._part_cells(f"<{tag}>")
            frame.closing = tag
            self._wrap = ""

    def _open_row(self, element: Element, frame: _Frame) -> None:
        """A row of several cells is one line; a row of one only lays out what is in it."""
        self._wrap = "tr"
        if sum(child.tag in ("td", "th") for child in element) > 1:
            frame.kind = _LINE_ROW
            self._soft = True
        else:
            self._open_tag(frame, "tr")

    def _enclose(self, frame: _Frame, tag: str) -> None:
        if frame.kind == _LIST:
            self._lists += 1
            self._open_tag(frame, "ol" if tag == "ol" else "ul")
        elif frame.kind == _TABLE:
            self._tables += 1
            self._open_tag(frame, "table")
        elif (frame.kind == _ITEM and self._lists) or (frame.kind == _CELL and self._wrap == "tr"):
            self._open_tag(frame, tag)
            self._wrap = ""

    def _open_tag(self, frame: _Frame, name: str) -> None:
        self.out.append(f"<{name}>")
        frame.closing = name

    def _close_block(self, frame: _Frame) -> None:
        kind = frame.kind
        if kind == _LINE_CELL:
            self._part_cells(f"</{frame.closing}>")
        elif kind == _FIGCAPTION and self._soft:
            self._take_figcaption()
        else:
            self._soft = self._soft and kind != _LINE_ROW
            self._flush()
            if kind == _FIGURE:
                self._close_figure(frame)
            elif frame.closing:
                self._close_tag(frame.closing)
                self._lists -= kind == _LIST
                self._tables -= kind == _TABLE
        self._wrap, self._centred, self._marked = frame.wrap, frame.centred, frame.marked

    def _part_cells(self, markup: str) -> None:
        self._suspend_marks()
        self._html.append(markup)
        self._line_break, self._blank = False, True

    def _close_tag(self, name: str) -> None:
        # A list, row or table in which nothing was written leaves nothing.
        if self.out and self.out[-1] == f"<{name}>":
            self.out.pop()
        else:
            self.out.append(f"</{name}>")

    def _take_figcaption(self) -> None:
        self._soft = False
        line, shown = "".join(self._text), self._shown
        self._reset()
        if shown:  # a picture within the caption
            self._html, self._shown = list(shown), shown
            self._flush()
        self._figcaption = f"{self._figcaption} {line}".strip()

    def _close_figure(self, frame: _Frame) -> None:
        self._figures -= 1
        caption, self._figcaption = self._figcaption, ""
        if caption and len(self.pictures) > frame.since:
            self.pictures[-1].caption = self.pictures[-1].caption or caption
        elif caption:  # of a figure without picture, a table say: then it is text
            self.write(caption)
            self._flush()

    def _flush(self) -> None:
        """The paragraph ends; in soft mode only the line does."""
        if self._soft:
            # A cell's first paragraph follows nothing that it could be parted from.
            self._line_break = bool(self._html) and self._html[-1] not in _CELL_MARKUP
            return
        if not self._html:  # nothing was written
            self._blank = False
            return
        if self._text or self._shown:
            self._suspend_marks()
            self.out.append(
                Block(
                    self._wrap,
                    "".join(self._text),
                    self._html,
                    self._shown,
                    self._centred,
                    self._marked,
                    self._pictures_first,
                )
            )
        self._reset()

    def _reset(self) -> None:
        for mark in self._marks:
            mark.written = False
        self._text, self._html, self._shown = [], [], []
        self._blank = self._line_break = False
        self._pictures_first = True


_CELL_MARKUP = frozenset({"<td>", "<th>", "</td>", "</th>"})
_ENCLOSING = frozenset({_LIST, _ITEM, _TABLE, _CELL})


def _is_centred(tag: str, attributes: Mapping[str, str], inherited: bool) -> bool:
    """Whether an element's text is centred: its own style, its own attribute, else what is around it."""
    style = attributes.get("style", "").lower()
    aligned = _ALIGNED.search(style) if "align" in style else None
    if aligned:
        return aligned[1] == "center"
    if "align" in attributes:
        return attributes["align"].strip().lower() in ("center", "middle")
    return inherited or tag == "center"
