"""What `-a NAME=VALUE` and the command line give a spider: numbers and flags, by name or as they are."""

from ciwen_crawler.errors import UsageError


def count(name: str, value: str | int | None) -> int | None:
    """A number from 1; None where nothing is given. Raises UsageError for anything else."""
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        raise UsageError(f"{name} must be a whole number from 1, not {value!r}")
    return number


def flag(value: str | int | bool) -> bool:
    """Whether something is wanted."""
    return str(value).lower() in ("1", "true", "yes", "on")
