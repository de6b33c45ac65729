"""The terminal that standard output may be: what it can show, and how."""

from io import StringIO

from rich.console import Console, RenderableType


def is_terminal() -> bool:
    """Whether standard output is one."""
    return Console().is_terminal


def has_colours() -> bool:
    """Whether it is one that shows colours, and nobody has said NO_COLOR."""
    console = Console()
    return console.is_terminal and console.color_system is not None and not console.no_color


def sheet(console: Console) -> Console:
    """What looks like a console, and writes nothing: at the end of a capture Rich writes an empty text, which a full
    disk refuses in the middle of something else.
    """
    return Console(
        file=StringIO(),
        force_terminal=console.is_terminal,
        color_system=console.color_system,  # type: ignore[arg-type]
        no_color=console.no_color,
        width=console.width,
        highlight=False,
    )


def rendered(*shown: RenderableType) -> str:
    """As a terminal shows it, with its commands; long lines are left for it to wrap."""
    paper = sheet(Console())
    with paper.capture() as capture:
        paper.print(*shown, sep="\n", soft_wrap=True)
    return capture.get().removesuffix("\n")
