"""Amounts, as they are told: so many of a thing, so many bytes."""


def counted(number: int, noun: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sized(count: int) -> str:
    """So many bytes, in the unit that is legible."""
    if count < 1000:
        return counted(count, "byte")
    if count < 1e6:
        return f"{count / 1e3:.0f} KB"
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"
