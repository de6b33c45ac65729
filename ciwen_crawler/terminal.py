"""The terminal that standard output may be: what it can show, and how."""

from rich.console import Console, RenderableType


def is_terminal() -> bool:
    """Whether standard output is one."""
    return Console().is_terminal


def has_colours() -> bool:
    """Whether it is one that shows colours, and nobody has said NO_COLOR."""
    console = Console()
    return console.is_terminal and console.color_system is not None and not console.no_color


def rendered(*shown: RenderableType) -> str:
    """As a terminal shows it, with its commands; long lines are left for it to wrap."""
    console = Console(highlight=False, soft_wrap=True)
    with console.capture() as capture:
        console.print(*shown, sep="\n")
    return capture.get().removesuffix("\n")
