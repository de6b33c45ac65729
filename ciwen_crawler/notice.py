"""Notices: what a person is told on standard error, a line each."""

import sys
from contextlib import suppress


def notify(text: str) -> None:
    """Print a text as one line that says who speaks."""
    with suppress(BrokenPipeError):  # nobody listens any more, and there is nobody else to tell
        print("ciwen: " + " ".join(text.split()), file=sys.stderr, flush=True)
