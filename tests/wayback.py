"""pywb, an outside judge: its programs, and its server over WARC files or over an unpacked WACZ with its own index."""

import gzip
import http.client
import os
import re
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import judges
from tests.program import ROOT

PYWB = ROOT / ".venv-pywb" / "bin"
SERVER = """
from pywb.apps.wayback import application
from pywb.utils.geventserver import GeventServer, RequestURIWSGIHandler
server = GeventServer(application, hostname="127.0.0.1", handler_class=RequestURIWSGIHandler)
print(server.port, flush=True)
server.join()
"""


def installed() -> None:
    """pywb is there."""
    if not (PYWB.parent / ".installed").exists():
        judges.missing("pywb", "make .venv-pywb/.installed")


def run(*command: str | Path, cwd: Path) -> str:
    """Run one of its programs; what it prints."""
    program = [PYWB / command[0], *command[1:]]
    done = subprocess.run(program, cwd=cwd, env=_alone(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def _alone() -> dict[str, str]:
    """An environment without proxies: its parts talk with each other by HTTP."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def stamp_of(moment: str) -> str:
    """A moment as replay addresses have it, to the second."""
    return "".join(re.findall(r"\d", moment))[:14]


class Wayback:
    """A server of collections."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def replayed(self, collection: str, url: str, moment: str) -> tuple[int, bytes]:
        """(status, body) of a page at a moment, unrewritten."""
        path = f"/{collection}/{stamp_of(moment)}id_/{url}"
        self.connection.request("GET", path, headers={"Host": "localhost"})
        answer = self.connection.getresponse()
        body = answer.read()
        return answer.status, gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body


@contextmanager
def wayback(folder: Path, **collections: list[Path]) -> Iterator[Wayback]:
    """pywb's server over collections, each of them WARC files, or one WACZ with the index that lies in it."""
    for name, paths in collections.items():
        run("wb-manager", "init", name, cwd=folder)
        if paths[0].suffix == ".wacz":
            _unpack(paths[0], folder / "collections" / name)
        else:
            run("wb-manager", "add", name, *paths, cwd=folder)
    command = [PYWB / "python", "-c", SERVER]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=_alone(), stdout=subprocess.PIPE, stderr=log, text=True) as server,
    ):
        try:
            port = next((int(line) for line in server.stdout or () if line.strip().isdecimal()), None)
            assert port, (folder / "log").read_text()
            served = Wayback(port)
            yield served
            served.connection.close()
        finally:
            server.terminate()


def _unpack(wacz: Path, collection: Path) -> None:
    """Put a WACZ's files where pywb looks for them."""
    with zipfile.ZipFile(wacz) as package:
        for name in package.namelist():
            if name.startswith("archive/"):
                package.extract(name, collection)
        (collection / "indexes").mkdir(exist_ok=True)
        index = gzip.decompress(package.read("indexes/index.cdx.gz"))
        (collection / "indexes" / "index.cdxj").write_bytes(index)
