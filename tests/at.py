"""`ciwen` with its clock set, from where it runs on: `python -m tests.at 2025-06-04T08:00:00Z crawl …`."""

import sys
import time
from datetime import datetime, timedelta

from ciwen_crawler import cli, clock


def set_clock(text: str) -> None:
    """Let this process take the moment for the present one."""
    begin, started = clock.read(text), time.monotonic()

    def moment() -> datetime:
        return begin + timedelta(seconds=time.monotonic() - started)

    clock.moment = moment


if __name__ == "__main__":
    set_clock(sys.argv.pop(1))
    cli.main()
