"""Virtual environments for the peers, whose pins do not fit beside ours."""

import subprocess
import sys
from pathlib import Path

from bench import ROOT

# Name: what pip is asked for, one list a call. Scrapy is forced past the pin of scrapy-webarchive (<2.12).
_REQUIREMENTS = {
    "webarchive": [["scrapy==2.19.0"], ["scrapy-webarchive==0.5.3"], ["--no-deps", "scrapy==2.19.0"]],
    "deltafetch": [["scrapy==2.19.0", "scrapy-deltafetch==2.1"]],
    "trafilatura": [["trafilatura==2.3.1", "lxml_html_clean"]],
}


def python_of(name: str) -> Path | None:
    """The interpreter of a peer's environment, made at its first use; None where pip cannot install the peer."""
    folder = ROOT / f".venv-{name}"
    python, done = folder / "bin" / "python", folder / ".installed"
    if not done.exists():
        print(f"setting up {folder.name} (once) ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        for requirements in _REQUIREMENTS[name]:
            command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
            if subprocess.run(command).returncode:
                return None
        done.touch()
    return python
