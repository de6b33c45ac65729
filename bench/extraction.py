"""trafilatura, run as a program in its own environment: prints the seconds that extracting these pages takes.

Neither its start nor reading the files counts, which only helps it.
"""

import sys
import time
from pathlib import Path

import trafilatura


def main(files: list[str]) -> None:
    pages = [Path(file).read_bytes() for file in files]
    start = time.perf_counter()
    empty = sum(trafilatura.extract(page) is None for page in pages)
    seconds = time.perf_counter() - start
    if empty:
        sys.exit(f"trafilatura found nothing in {empty} of {len(pages)} pages")
    print(seconds)


if __name__ == "__main__":
    main(sys.argv[1:])
