"""How a comparison ends: what it could not do is told in a line and by the exit code."""

import sys
from collections.abc import Callable

from bench.process import Failed
from bench.server import NoNginx


def exit_code(compare: Callable[[], None]) -> int:
    """Compare; 1 where a contestant failed, 2 where nginx is missing, else 0."""
    try:
        compare()
    except NoNginx as missing:
        print(missing, file=sys.stderr)
        return 2
    except Failed as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0
