"""Finding: one thing that is wrong with a run, as its line on standard error and its report tell of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """What a monitor found."""

    monitor: str
    field: str | None  # a column, or what of the run is judged
    before: float | str | None  # what was usual: a share (0 to 1), a length, a rule; None where nothing is known
    after: float | str | None
    said: str  # what comes behind the field's name on the line
    examples: tuple[str, ...] = ()
    # Of the looks that are not to be believed the first captures. Where it is empty rows stay as they are.
    captures: tuple[str, ...] = ()
    cause: str | None = None  # an example with its reason, for the line

    @property
    def line(self) -> str:
        """For standard error."""
        subject = f"{self.field}: {self.said}" if self.field else self.said
        example = self.cause or next(iter(self.examples), None)
        return f"{subject} ({example})" if example else subject

    @property
    def reason(self) -> str:
        """For the rows of `quarantine`, whose reasons begin with their column."""
        return f"{self.field}: {self.said}"

    def as_dict(self) -> dict[str, Any]:
        """For the report."""
        told = {"monitor": self.monitor, "field": self.field, "before": self.before, "after": self.after}
        return told | {"examples": list(self.examples), "line": self.line}


def examples(urls: Iterable[str]) -> tuple[str, ...]:
    """So many as are told, each once."""
    return tuple(dict.fromkeys(urls))[:_EXAMPLES]
