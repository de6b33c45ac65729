"""Writes blocks out of a walk over elements: which paragraph, item, cell or caption a text or picture belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import cast

from ciwen_crawler.identity import absolute
from ciwen_crawler.pages import captions, elements
from ciwen_crawler.pages.blocks import AROUND, ROW, Block, Picture, escaped
from ciwen_crawler.pages.document import Element
from ciwen_crawler.pages.furniture import image_source, is_furniture, is_icon
from ciwen_crawler.pages.paragraph import Paragraph
from ciwen_crawler.pages.styles import style_of
from ciwen_crawler.text import clean, fold

# A row of several cells is one line of text, and what its cells hold only breaks lines within it.
_LINE_ROW, _LINE_CELL = "line row", "line cell"
_NOTHING: Mapping[str, str] = {}


@dataclass(slots=True)
class _Frame:
    """An open element: how it ends, and the state it goes back to."""

    kind: str | None
    container: str = ""
    heading: str = ""
    centred: bool = False
    marked: bool = False
    closing: str = ""
    since: int = 0  # pictures before a figure


_SKIPPED = _PASSED = _Frame(None)
_MARKED = _Frame(elements.MARK)


@dataclass(slots=True)
class Writer:
    """Takes elements in document order, and text by its paragraph; leaves blocks, tags around them, and pictures."""

    base: str
    out: list[Block | str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    paragraph: Paragraph = field(default_factory=Paragraph)  # takes the text
    _frames: list[_Frame] = field(default_factory=list)
    # What blocks inherit.
    _container: str = ""  # the innermost open list, item, table, row or cell
    _heading: str = ""
    _centred: bool = False
    _marked: bool = False
    _soft: bool = False  # paragraphs do not end, they break the line: in a row of cells, in a caption
    _figures: int = 0
    _figcaption: str = ""

    # Events

    def pass_by(self) -> None:
        """An element begins that encloses the body's first marker."""
        self._frames.append(_PASSED)

    def open(self, element: Element) -> bool:
        """An element begins; False where nothing in it is still to be taken."""
        tag = element.tag
        kind = elements.KINDS.get(tag)
        # lxml's stubs allow for bytes, which a parsed tree never holds.
        items = cast("list[tuple[str, str]]", element.items())
        attributes = dict(items) if items else _NOTHING
        if kind == elements.VIDEO or (items and attributes.get("id") == "videofile"):
            self.video(element)
            kind = elements.SKIP
        if kind == elements.SKIP or (items and is_furniture(tag, attributes)):
            self._frames.append(_SKIPPED)
            return False
        if kind is None:
            self._frames.append(_PASSED)
        elif kind == elements.MARK:
            self._frames.append(self._open_mark(tag, attributes))
        elif kind == elements.IMAGE:
            self._image(attributes)
            self._frames.append(_PASSED)
        elif kind == elements.BREAK:
            self._flush()
            self._frames.append(_PASSED)
        elif kind == elements.BLOCK and not len(element) and self._is_open_ground():
            self._write_block(tag, attributes, element.text)
            self._frames.append(_PASSED)
            return False
        else:
            self._open_block(element, tag, kind, attributes)
        return True

    def close(self) -> None:
        """The element that was opened last ends."""
        frame = self._frames.pop()
        if frame.kind == elements.MARK:
            self.paragraph.close_mark()
        elif frame.kind is not None:
            self._close_block(frame)

    def finish(self) -> None:
        """Close what the end marker left open."""
        while self._frames:
            self.close()
        self._flush()

    # Marks and pictures

    def _open_mark(self, tag: str, attributes: Mapping[str, str]) -> _Frame:
        name = elements.MARKS[tag]
        opening = f"<{name}>"
        if name == "a":
            target = absolute(self.base, attributes["href"]) if "href" in attributes else None
            if target is None:
                return _PASSED
            opening = f'<a href="{escape(target)}">'
        return _MARKED if self.paragraph.open_mark(name, opening) else _PASSED

    def _image(self, attributes: Mapping[str, str]) -> None:
        source = image_source(attributes)
        url = absolute(self.base, source) if source else None
        if url is None or is_icon(url, attributes):
            return
        alt = clean(attributes.get("alt"))
        markup = f'<img src="{escape(url)}"' + (f' alt="{escape(alt)}">' if alt else ">")
        self._show(Picture(url, alt, captions.from_attribute(attributes), markup))

    def video(self, element: Element) -> None:
        """A video; its poster counts as an image without alt and caption."""
        sources = (element.get("src"), *(source.get("src") for source in element.iterchildren("source")))
        url = next((absolute(self.base, source) for source in sources if source), None)
        if url is None:
            return
        held = element.get("poster")
        poster = absolute(self.base, held) if held else None
        shown = f' poster="{escape(poster)}"' if poster else ""
        self._flush()
        self._show(Picture(poster, None, None, f'<video src="{escape(url)}"{shown}></video>', is_video=True))
        self._flush()

    def _show(self, picture: Picture) -> None:
        self.paragraph.show(len(self.pictures))
        self.pictures.append(picture)

    # Blocks

    def _is_open_ground(self) -> bool:
        """Whether a block that begins now stands for itself: in no row, caption or mark."""
        return not self._soft and not self.paragraph.marks

    def _write_block(self, tag: str, attributes: Mapping[str, str], text: str | None) -> None:
        """A block with no element in it, at once: most of a body is that."""
        self._flush()
        line = fold(text) if text else ""
        if line:
            centred, marked = self._standing(tag, attributes)
            around = self._heading or AROUND[self._container]
            self.out.append(Block(around, line, [escaped(line)], [], centred, marked, True))

    def _standing(self, tag: str, attributes: Mapping[str, str]) -> tuple[bool, bool]:
        """Whether a block is centred, and whether it is marked as a caption."""
        if not attributes and tag != "center":
            return self._centred, self._marked
        marked = self._marked or ("class" in attributes and captions.is_marked(attributes["class"]))
        return _is_centred(tag, attributes, self._centred), marked

    def _open_block(self, element: Element, tag: str, kind: str, attributes: Mapping[str, str]) -> None:
        self._flush()
        frame = _Frame(kind, self._container, self._heading, self._centred, self._marked)
        self._frames.append(frame)
        self._centred, self._marked = self._standing(tag, attributes)
        if self._soft:
            self._open_in_line(tag, kind, frame)
        elif kind == elements.HEADING:
            if not self._container:
                self._heading = self._heading or elements.HEADINGS[tag]
        elif kind == elements.FIGURE:
            self._figures += 1
            frame.since = len(self.pictures)
        elif kind == elements.FIGCAPTION:
            self._soft = self._figures > 0
            self._marked = True
        elif kind != elements.BLOCK and self._container in elements.CONTAINERS[kind]:
            self._enclose(element, tag, kind, frame)

    def _open_in_line(self, tag: str, kind: str, frame: _Frame) -> None:
        # A table within a cell is flattened: its rows and cells part lines.
        frame.kind = elements.BLOCK
        if kind == elements.CELL and self._container == "tr":
            frame.kind = _LINE_CELL
            self._container = tag
            self.paragraph.open_cell(tag)

    def _enclose(self, element: Element, tag: str, kind: str, frame: _Frame) -> None:
        self._heading = ""
        if kind == elements.ROW and sum(child.tag in ("td", "th") for child in element) > 1:
            frame.kind = _LINE_ROW
            self._container = "tr"
            self._soft = True
            self.paragraph.cell = ""
            return
        # A row of one cell only lays out what is in it.
        self._container = frame.closing = "ul" if kind == elements.LIST and tag != "ol" else tag
        self.out.append(f"<{frame.closing}>")

    def _close_block(self, frame: _Frame) -> None:
        kind = frame.kind
        if kind == _LINE_CELL:
            self.paragraph.close_cell()
        elif kind == _LINE_ROW:
            self._close_row()
        elif kind == elements.FIGCAPTION and self._soft:
            self._take_figcaption()
        else:
            self._flush()
            if kind == elements.FIGURE:
                self._close_figure(frame)
            elif frame.closing:
                self.out.append(f"</{frame.closing}>")
        self._container, self._heading = frame.container, frame.heading
        self._centred, self._marked = frame.centred, frame.marked

    def _close_row(self) -> None:
        self._soft = False
        self.paragraph.close_cell()
        self._flush()
        self.paragraph.cell = None

    def _take_figcaption(self) -> None:
        self._soft = False
        held = self.paragraph.ended("", centred=False, marked=True)
        if held is None:
            return
        for number in held.pictures:  # they stand within the caption, and may have one of their own
            self.paragraph.show(number)
        self._flush()
        self._figcaption = f"{self._figcaption} {held.text}".strip()

    def _close_figure(self, frame: _Frame) -> None:
        self._figures -= 1
        caption, self._figcaption = self._figcaption, ""
        if caption and len(self.pictures) > frame.since and self.pictures[-1].url:
            self.pictures[-1].caption = self.pictures[-1].caption or caption
        elif caption:  # of a figure without picture, a table say: then it is text
            self.paragraph.write(caption)
            self._flush()

    def _flush(self) -> None:
        """The paragraph ends; in soft mode only the line does."""
        paragraph = self.paragraph
        if self._soft:
            paragraph.break_line()
        elif not paragraph.html:
            paragraph.blank = False
        else:
            around = ROW if paragraph.cell is not None else self._heading or AROUND[self._container]
            block = paragraph.ended(around, self._centred, self._marked)
            if block:
                self.out.append(block)


def _is_centred(tag: str, attributes: Mapping[str, str], inherited: bool) -> bool:
    """Whether an element's text is centred: its own style, its own attribute, else what is around it."""
    aligned = style_of(attributes["style"]).aligned if "style" in attributes else None
    if aligned:
        return aligned == "center"
    if "align" in attributes:
        return attributes["align"].strip().lower() in ("center", "middle")
    return inherited or tag == "center"
