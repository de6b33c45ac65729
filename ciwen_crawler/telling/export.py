"""An export: what was written."""

from ciwen_crawler.telling.amounts import counted, sized


def exported(file: str, captures: int, size: int, pages: int | None) -> str:
    """What an export came to; without pages where its form has none."""
    told = "" if pages is None else f", {counted(pages, 'page')}"
    return f"{file}: {counted(captures, 'capture')}{told}, {sized(size)}"
