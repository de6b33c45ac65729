"""Budget: how much a run may ask for before it ends in order with what it has."""

import re
from dataclasses import dataclass
from typing import Self

from ciwen_crawler.errors import UsageError

_TIMES = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES = {
    "": 1,
    "b": 1,
    **{unit + "b": 1000**power for power, unit in enumerate("kmgt", 1)},
    **{unit + "ib": 1024**power for power, unit in enumerate("kmgt", 1)},
}
_QUANTITY = re.compile(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]*)\s*", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one run; None is no limit."""

    requests: int | None = None  # on the wire; redirects, retries and robots.txt are some, too
    seconds: float | None = None
    bytes: int | None = None  # of answers, as received
    told: tuple[str, str, str] = ("", "", "")  # each as its user wrote it, for the report

    @classmethod
    def of(
        cls, max_requests: str | int | None = None, max_time: str | None = None, max_bytes: str | int | None = None
    ) -> Self:
        """From options and arguments of spiders; UsageError where one is no quantity above zero."""
        requests = _quantity("max_requests", max_requests, {"": 1}, "a whole number from 1")
        seconds = _quantity("max_time", max_time, _TIMES, "a time such as 90s, 30m or 2h")
        size = _quantity("max_bytes", max_bytes, _SIZES, "a size such as 500MB, 2GB or a number of bytes")
        whole = [None if each is None else int(each) for each in (requests, size)]
        if requests is not None and requests != whole[0]:
            raise UsageError(f"max_requests must be a whole number from 1, not {max_requests!r}")
        told = (f"--max-requests {max_requests}", f"--max-time {max_time}", f"--max-bytes {max_bytes}")
        return cls(whole[0], seconds, whole[1], told)

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return self.requests is not None or self.seconds is not None or self.bytes is not None

    def spent(self, requests: int, received: int, seconds: float) -> str | None:
        """The limit that is reached, as the report names it; None where one more request may be made."""
        used = (requests, seconds, received)
        for limit, so_far, told in zip((self.requests, self.seconds, self.bytes), used, self.told, strict=True):
            if limit is not None and so_far >= limit:
                return told
        return None


def _quantity(name: str, value: str | int | None, units: dict[str, int], form: str) -> float | None:
    if value is None or value == "":
        return None
    match = _QUANTITY.fullmatch(str(value))
    unit = units.get(match[2].lower()) if match else None
    number = float(match[1]) * unit if match and unit else 0.0
    if number < (0 if unit is None else 1e-9) or not number:
        raise UsageError(f"{name} must be {form}, not {value!r}")
    return number
