"""The paragraph that is being written: text and markup together, so that the two cannot disagree."""

import unicodedata
from dataclasses import dataclass, field

from ciwen_crawler.pages.blocks import Block, escaped
from ciwen_crawler.text import visible

_CELL_MARKUP = frozenset({"<td>", "<th>", "</td>", "</th>"})


@dataclass(slots=True)
class Mark:
    """An open strong, em or a: written only when text comes, and again in each paragraph that it spans."""

    name: str
    opening: str
    written: bool = False


@dataclass(slots=True)
class Paragraph:
    """A line of text with its markup and pictures. A row of several cells is one paragraph too."""

    words: list[str] = field(default_factory=list)
    html: list[str | int] = field(default_factory=list)  # markup, and numbers of pictures
    pictures: list[int] = field(default_factory=list)
    pictures_first: bool = True  # no text stands before them
    marks: list[Mark] = field(default_factory=list)
    cell: str | None = None  # in a row the open cell, '' between two; None outside rows
    blank: bool = False  # white space came last
    _line_break: bool = False  # a line ended, and nothing came since

    def write(self, chunk: str) -> None:
        """Text, its white space folded across the inline elements that it comes in."""
        shown = visible(chunk)
        line = " ".join(shown.split())
        if not line:
            self.blank = self.blank or bool(shown)
            return
        self._make_room()
        if self.blank or shown[0].isspace():
            self._part_words()
        self.blank = shown[-1].isspace()
        for mark in self.marks:
            if not mark.written:
                self.html.append(mark.opening)
                mark.written = True
        self.words.append(line)
        self.html.append(escaped(line))

    def show(self, number: int) -> None:
        """A picture; it stands outside the marks."""
        self._make_room()
        self._suspend_marks()
        if self.words:
            self.pictures_first = False
        self.pictures.append(number)
        self.html.append(number)

    def break_line(self) -> None:
        """A line ends within the paragraph; a cell's first line follows nothing that it could be parted from."""
        self._line_break = bool(self.html) and self.html[-1] not in _CELL_MARKUP

    def open_cell(self, tag: str) -> None:
        """A cell of a row begins."""
        self.close_cell()
        self._part_cells(f"<{tag}>")
        self.cell = tag

    def close_cell(self) -> None:
        """The row's open cell ends, if there is one."""
        if self.cell:
            self._part_cells(f"</{self.cell}>")
            self.cell = ""

    def open_mark(self, name: str, opening: str) -> bool:
        """A mark begins; False where it stands in one of its kind already."""
        if any(mark.name == name for mark in self.marks):
            return False
        self.marks.append(Mark(name, opening))
        return True

    def close_mark(self) -> None:
        """The mark that was opened last ends."""
        mark = self.marks.pop()
        if mark.written:
            self.html.append(f"</{mark.name}>")

    def ended(self, around: str, centred: bool, marked: bool) -> Block | None:
        """What was written, as a block, None where that is neither text nor picture; marks stay open for the next."""
        self._suspend_marks()
        block = None
        if self.words or self.pictures:
            # A mark at the beginning of an element joins the letter before it.
            line = unicodedata.normalize("NFC", "".join(self.words))
            block = Block(around, line, self.html, self.pictures, centred, marked, self.pictures_first)
        self.words, self.html, self.pictures = [], [], []
        self.pictures_first = True
        self.blank = self._line_break = False
        return block

    def _make_room(self) -> None:
        if self._line_break:
            self._suspend_marks()
            self.html.append("<br>")
            if self.words:
                self.words.append(" ")
            self._line_break = self.blank = False
        if self.cell == "":  # what stands between two cells is one of its own
            self.open_cell("td")

    def _part_words(self) -> None:
        if self.words and self.words[-1] != " ":
            self.words.append(" ")
            if self.html[-1] not in _CELL_MARKUP:
                self.html.append(" ")

    def _part_cells(self, markup: str) -> None:
        self._suspend_marks()
        self.html.append(markup)
        self._line_break, self.blank = False, True

    def _suspend_marks(self) -> None:
        for mark in reversed(self.marks):
            if mark.written:
                self.html.append(f"</{mark.name}>")
                mark.written = False
