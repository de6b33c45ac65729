"""What differs between two versions: changed paragraphs between those beside them, insertions and deletions marked."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rich.text import Text

from ciwen_crawler.legible import legible
from ciwen_crawler.terminal import rendered

Facts = Mapping[str, Any]
Line = list[Facts]  # the pieces of a paragraph

EQUAL, DELETE, INSERT = "equal", "delete", "insert"
_STYLES = {EQUAL: "", DELETE: "red", INSERT: "green"}
_MARKS = {EQUAL: "{}", DELETE: "[-{}-]", INSERT: "{{+{}+}}"}  # wdiff's
_BREAK = "¶"  # stands for a line break that alone came or went
_CONTEXT = 1  # paragraphs


def as_text(revision: Facts) -> str:
    """For whatever shows no colours: wdiff's marks."""
    return "\n".join(line.plain for line in _lines(revision, _marked))


def as_colours(revision: Facts) -> str:
    """For a terminal: insertions green, deletions red."""
    return rendered(*_lines(revision, _coloured))


def _marked(piece: Facts) -> Text:
    return Text(_MARKS[piece["op"]].format(legible(piece["text"])))


def _coloured(piece: Facts) -> Text:
    return Text(legible(piece["text"]), _STYLES[piece["op"]])


Show = Callable[[Facts], Text]


def _lines(revision: Facts, show: Show) -> Iterator[Text]:
    before, after = (f"version {each['version']} ({each['captured_at'][:19]}Z)" for each in _ends(revision))
    yield Text(f"{revision['id']}  {before} to {after}")
    if not revision["fields"] and not revision["images"]:
        yield Text("nothing differs")
    elif revision["minor"]:
        yield Text("minor: nothing but punctuation or the date")
    for name, pieces in revision["fields"].items():
        yield Text(f"\n{name}")
        yield from (_indented(line, show) for line in _in_context(_paragraphs(pieces)))
    if revision["images"]:
        yield Text("\nimages")
        yield from (_image(change, show) for change in revision["images"])


def _ends(revision: Facts) -> tuple[Facts, Facts]:
    return revision["before"], revision["after"]


def _indented(line: Line, show: Show) -> Text:
    return Text("  ").append_text(Text("").join(map(show, line)))


def _paragraphs(pieces: Iterable[Facts]) -> list[Line]:
    lines: list[Line] = [[]]
    for piece in pieces:
        first, *more = piece["text"].split("\n")
        parts = [first, *more]
        for number, part in enumerate(parts):
            is_last = number == len(parts) - 1
            text = part or ("" if is_last or piece["op"] == EQUAL else _BREAK)
            if text:
                lines[-1].append({"op": piece["op"], "text": text})
            if not is_last:
                lines.append([])
    return lines


def _in_context(lines: list[Line]) -> Iterator[Line]:
    """The changed lines with those beside them; how many are left out between."""
    changed = [number for number, line in enumerate(lines) if any(piece["op"] != EQUAL for piece in line)]
    near = {place for number in changed for place in range(number - _CONTEXT, number + _CONTEXT + 1)}
    left_out = 0
    for number, line in enumerate(lines):
        if number not in near:
            left_out += 1
            continue
        if left_out:
            yield _gap(left_out)
        left_out = 0
        yield line
    if left_out:
        yield _gap(left_out)


def _gap(count: int) -> Line:
    return [{"op": EQUAL, "text": f"… ({count})"}]


def _image(change: Facts, show: Show) -> Text:
    text = Text("  ")
    if change["what"] in ("came", "went"):
        op, position = (INSERT, change["after"]) if change["what"] == "came" else (DELETE, change["before"])
        caption = "".join(piece["text"] for piece in change["caption"])
        return text.append_text(show({"op": op, "text": f"[{position}] {change['url']}  {caption}".rstrip()}))
    moved = f"[{change['before']}] to [{change['after']}]" if change["what"] == "moved" else f"[{change['after']}]"
    text.append(f"{moved} {legible(change['url'])}  ")
    text.append_text(Text("").join(map(show, change["caption"])))
    text.rstrip()
    return text
