"""Blocks: the paragraphs of a body with their pictures, and the clean markup that they make."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

# The element around a block, by what it stands in, and how that is written.
PARAGRAPH, WITHIN, ROW = "p", "", "tr"
AROUND = {"": PARAGRAPH, "li": WITHIN, "td": WITHIN, "th": WITHIN, "ul": "li", "ol": "li", "tr": "td", "table": "tr td"}
_OPENING = {WITHIN: "", "tr td": "<tr><td>"}
_CLOSING = {WITHIN: "", "tr td": "</td></tr>"}
_FLOW = frozenset({PARAGRAPH, "h2", "h3", "h4"})


@dataclass(slots=True)
class Picture:
    """An image, or a video's poster, while its caption is still looked for."""

    url: str | None  # None for a video without a poster, which counts as no image
    alt: str | None
    caption: str | None
    markup: str
    is_video: bool = False


@dataclass(slots=True)
class Block:
    """A paragraph, a heading, a part of an item or a cell, or a whole row of a table."""

    around: str  # the element around it, one of AROUND, ROW or a heading
    text: str
    html: list[str | int]  # markup, and numbers of pictures
    pictures: list[int]
    centred: bool
    marked: bool  # a class says that it is a caption
    pictures_first: bool  # no text stands before its pictures

    @property
    def is_row(self) -> bool:
        """True for a row of several cells, all of them one line of text."""
        return self.around == ROW

    def drop_text(self) -> None:
        """Take the text away; pictures stay."""
        self.text = ""
        self.html = list(self.pictures)
        if self.is_row:
            self.around = AROUND["table"]


def markup_of(parts: Iterable[Block | str], pictures: Sequence[Picture]) -> str:
    """The clean markup of blocks and of the tags around them; a list or table in which nothing is left is left out."""
    written: list[str] = []
    follows_part = False  # whether a part of the same item or cell went before
    for part in parts:
        if isinstance(part, str):
            follows_part = False
            if written and part.startswith("</") and written[-1] == f"<{part[2:]}":
                written.pop()
            else:
                written.append(part)
        elif part.html:
            if follows_part and part.around == WITHIN:
                written.append("<br>")
            follows_part = part.around == WITHIN
            written += _flow(part, pictures) if part.around in _FLOW else _within(part, pictures)
    return "".join(written)


def escaped(text: str) -> str:
    """Text as markup; most holds nothing to be escaped, which is asked faster than done."""
    return escape(text, quote=False) if "<" in text or ">" in text or "&" in text else text


def figure(markup: str, caption: str) -> str:
    """A picture's markup with its caption."""
    return f"<figure>{markup}<figcaption>{escaped(caption)}</figcaption></figure>"


def _within(block: Block, pictures: Sequence[Picture]) -> Iterator[str]:
    """A block in an item or a cell, or one that makes them."""
    yield _OPENING.get(block.around, f"<{block.around}>")
    for part in block.html:
        yield part if isinstance(part, str) else _shown(pictures[part])
    yield _CLOSING.get(block.around, f"</{block.around}>")


def _flow(block: Block, pictures: Sequence[Picture]) -> Iterator[str]:
    """A block of the body itself. A figure cannot stand in a paragraph, so pictures with captions follow it."""
    apart = [pictures[number] for number in block.pictures if _stands_apart(pictures[number])]
    if block.text:
        yield f"<{block.around}>"
        for part in block.html:
            if isinstance(part, str):
                yield part
            elif not _stands_apart(pictures[part]):
                yield pictures[part].markup
        yield f"</{block.around}>"
        yield from map(_shown, apart)
        return
    for number in block.pictures:
        shown = _shown(pictures[number])
        yield shown if _stands_apart(pictures[number]) else f"<p>{shown}</p>"


def _stands_apart(picture: Picture) -> bool:
    return picture.is_video or picture.caption is not None


def _shown(picture: Picture) -> str:
    return figure(picture.markup, picture.caption) if picture.caption else picture.markup
