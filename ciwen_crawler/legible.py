"""Text that anybody may have written, for a terminal that takes some characters for commands."""

import re

# Controls (U+009B begins a command as ESC does), and those that turn the direction of what follows.
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def legible(text: str) -> str:
    """The text with every character that commands a terminal written as `\\u001b`, which JSON reads as the same; line
    breaks and tabs stay.
    """
    return _COMMANDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
