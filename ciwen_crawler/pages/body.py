"""The body of an article's page: walked in document order, captions apart, furniture out, text and markup alike.

The walk goes from marker to marker through the document's order, not through one element's children: the CMS's
markers may lie in different elements, and pasted markup may close more than it opened.
"""

from dataclasses import dataclass

from lxml import etree

from ciwen_crawler.items import Image
from ciwen_crawler.pages.blocks import Block, Picture, markup_of
from ciwen_crawler.pages.captions import is_caption
from ciwen_crawler.pages.document import Element
from ciwen_crawler.pages.furniture import is_editor_line, is_furniture_line
from ciwen_crawler.pages.writer import Writer


@dataclass(frozen=True, slots=True)
class Body:
    """What the body of one page holds; absent is None."""

    text: str | None = None
    html: str | None = None
    images: tuple[Image, ...] = ()
    loose_caption: str | None = None  # what a continued body begins with, in a caption's form; not in the text
    editor_line: str | None = None  # an editor's line that lay in the body and was taken out of it

    @property
    def is_empty(self) -> bool:
        """True where there is neither text nor picture nor video."""
        return self.html is None and self.loose_caption is None


def read_body(
    container: Element,
    base: str,
    *,
    begin: Element | None = None,
    end: Element | None = None,
    video: Element | None = None,
    repeated_head: str | None = None,
    continues: bool = False,
) -> Body:
    """The body within an element, or between two comments in it.

    A video's element that stands before the body comes first in it. A body that continues the page before may begin
    with a line that repeats the article's head, which is left out, or with the caption of that page's last picture.
    """
    writer = Writer(base)
    if video is not None:
        writer.video(video)
    _walk(writer, container, begin, end)
    writer.finish()
    blocks = [part for part in writer.out if isinstance(part, Block)]
    editor_line = _drop_furniture(blocks, repeated_head)
    final = next((block for block in reversed(blocks) if block.text), None)
    loose_caption = _take_loose_caption(blocks, final) if continues else None
    _take_captions(blocks, final, writer.pictures)
    lines = [block.text for block in blocks if block.text]
    return Body(
        text="\n".join(lines) or None,
        html=markup_of(writer.out, writer.pictures) or None,
        images=tuple(Image(shown.url, shown.alt, shown.caption) for shown in writer.pictures if shown.url),
        loose_caption=loose_caption,
        editor_line=editor_line,
    )


def _walk(writer: Writer, container: Element, begin: Element | None, end: Element | None) -> None:
    inside = begin is None
    write = writer.paragraph.write
    walk = etree.iterwalk(container, events=("start", "end", "comment"))
    for event, node in walk:
        if event == "start":
            if not inside:
                writer.pass_by()
            elif not writer.open(node):
                # What is not entered has its end event all the same.
                walk.skip_subtree()
            elif node.text:
                write(node.text)
            continue
        if event == "end":
            writer.close()
        elif node is end:
            return
        elif node is begin:
            inside = True
        if inside and node.tail and node is not container:
            write(node.tail)


def _drop_furniture(blocks: list[Block], repeated_head: str | None) -> str | None:
    """Empty the blocks that are no part of the article; the editor's line among them is returned."""
    editor_line = None
    if repeated_head and blocks and blocks[0].text == repeated_head:
        blocks[0].drop_text()
    last = True
    for block in reversed(blocks):
        if not block.text:
            continue
        if is_editor_line(block.text, last=last):
            editor_line = block.text
            block.drop_text()
        elif is_furniture_line(block.text, last=last):
            block.drop_text()
        else:
            last = False
    return editor_line


def _take_loose_caption(blocks: list[Block], final: Block | None) -> str | None:
    """Form (a) across a page break: a caption that no picture on this page stands before."""
    first = next((block for block in blocks if block.text or block.pictures), None)
    if first is None or first.pictures:
        return None
    caption = first.text
    if not is_caption(caption, centred=first.centred, marked=first.marked, last=first is final):
        return None
    first.drop_text()
    return caption


def _take_captions(blocks: list[Block], final: Block | None, pictures: list[Picture]) -> None:
    """Form (a): the text right after a picture, in its own paragraph or in the picture's, becomes its caption."""
    waiting: Picture | None = None
    for block in blocks:
        if block.pictures:
            waiting = pictures[block.pictures[-1]]
            if not (block.text and block.pictures_first and not block.is_row):
                continue
        if not block.text:
            continue  # furniture
        fits = waiting is not None and is_caption(
            block.text, centred=block.centred, marked=block.marked, last=block is final
        )
        if waiting is not None and not waiting.is_video and fits and waiting.caption in (None, block.text):
            waiting.caption = block.text
            block.drop_text()
        if not (block.pictures and block.text):
            waiting = None
