"""Usage: what `--help` says, in this project's words where Typer has its own."""

from typing import Any

from typer import Typer
from typer.core import TyperCommand, TyperGroup

EXITS = (
    "Exit: 0 done and healthy; 1 a fault in the program; 2 wrong usage or unreadable input; 3 the run is unhealthy, "
    "what was archived stays; 4 another run holds the archive; 6 could not write, what was committed stays; "
    "130 interrupted, the next run goes on."
)
_WORDS = {
    "help": "Print this and leave.",
    "install_completion": "Set up completion for the shell that you are in.",
    "show_completion": "Print what that would set up, to put it where you like.",
}


class Command(TyperCommand):
    """A command whose options are all told in our words."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _reworded(super().get_params(ctx))


class Group(TyperGroup):
    """The same for what commands stand in."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _reworded(super().get_params(ctx))


def reword(app: Typer) -> None:
    """Make every command one of those."""
    for each in app.registered_commands:
        each.cls = Command


def _reworded(params: list[Any]) -> list[Any]:
    for param in params:
        if param.name in _WORDS:
            param.help = _WORDS[param.name]
        if getattr(param, "is_flag", False):
            param.metavar = ""  # that it is a yes or no its name says
    return params
