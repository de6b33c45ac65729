"""Pipes in which a run gets stuck, so that a test may come in at that very moment."""

import os
import queue
import threading
from pathlib import Path

from tests.program import PATIENCE


def opened_by_a_reader(fifo: Path) -> int:
    """The writing end of a pipe, as soon as somebody reads from it."""
    found: queue.Queue[int] = queue.Queue()
    threading.Thread(target=lambda: found.put(os.open(fifo, os.O_WRONLY)), daemon=True).start()
    return found.get(timeout=PATIENCE)
