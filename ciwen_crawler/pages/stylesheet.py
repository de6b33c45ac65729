"""Stylesheets: the addresses that CSS names, by the tokens of CSS Syntax Level 3. Pure, and no bytes make it fail."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import tinycss2

# What an address is for, by what stands around it: a stylesheet, a font, or an image.
STYLE, FONT, IMAGE = "style", "font", "image"
# Bytes or characters that are read, which takes half a second and 40 MB at most. The site's longest stylesheet has
# 60 KB.
READ = 128 * 1024
_SETS = frozenset({"image-set", "-webkit-image-set"})  # of images, where a mere string is an address too
_WHOLE = frozenset({"url", "src"})  # functions around one
Named: TypeAlias = tuple[tuple[str, str], ...]  # addresses, and what each is for


def named_by_sheet(body: bytes, charset: str | None) -> Named:
    """What a file names, in its order and as written; its charset by BOM, header, @charset, else UTF-8."""
    return _named(lambda: tinycss2.parse_stylesheet_bytes(body[:READ], protocol_encoding=charset)[0])


def named_by_element(text: str) -> Named:
    """What a <style> element names."""
    return _named(lambda: tinycss2.parse_stylesheet(text[:READ]))


def named_by_attribute(text: str) -> Named:
    """What a style attribute names. Each paragraph of a pasted body has one, hardly any with an address."""
    return _named(lambda: tinycss2.parse_component_value_list(text[:READ])) if "(" in text else ()


def _named(parse: Callable[[], Iterable[Any]]) -> Named:
    try:
        nodes = parse()
    except ValueError:
        return ()  # a number of thousands of digits, which Python does not read
    return tuple(_walk(nodes))


def _walk(nodes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """A walk through rules, blocks and functions, however deep they lie in each other."""
    waiting = [(iter(nodes), IMAGE, False)]  # what is still to be looked at, its use, and whether strings are addresses
    while waiting:
        siblings, use, takes_strings = waiting[-1]
        node = next(siblings, None)
        if node is None:
            waiting.pop()
        elif node.type == "url" or (node.type == "string" and takes_strings):
            yield node.value, use
        elif node.type == "at-rule":
            # The prelude of @namespace and @document has addresses too, which nobody fetches.
            if node.lower_at_keyword == "import":
                yield from _imported(node.prelude)
            waiting.append((iter(node.content or ()), FONT if node.lower_at_keyword == "font-face" else use, False))
        elif node.type == "function":
            waiting.append((iter(node.arguments), use, node.lower_name in _WHOLE | _SETS))
        elif node.type == "qualified-rule" or node.type.endswith("block"):
            waiting.append((iter(node.content), use, False))


def _imported(prelude: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """The one address of an @import, which comes first: `"a.css"`, `url(a.css)` or `url( "a.css" )`."""
    first = next((node for node in prelude if node.type not in ("whitespace", "comment")), None)
    if first is None:
        return
    if first.type in ("string", "url"):
        yield first.value, STYLE
    elif first.type == "function" and first.lower_name == "url":
        yield from ((node.value, STYLE) for node in first.arguments if node.type == "string")
