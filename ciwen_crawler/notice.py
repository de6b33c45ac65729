"""Notices: what a person is told on standard error, a line each."""

import sys
from collections.abc import Callable
from contextlib import suppress

from ciwen_crawler.legible import legible

Form = Callable[[str], str]


def _plain(text: str) -> str:
    return "ciwen: " + legible(" ".join(text.split()))


_form: Form = _plain


def speak_as(form: Form) -> None:
    """Give every notice from now on the form of a line that this gives a text."""
    global _form
    _form = form


def line(text: str) -> str:
    """A text as one line that says who speaks."""
    return _form(text)


def notify(text: str) -> None:
    """Print a text as such a line."""
    with suppress(BrokenPipeError):  # nobody listens any more, and there is nobody else to tell
        print(line(text), file=sys.stderr, flush=True)
