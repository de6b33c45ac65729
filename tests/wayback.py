"""pywb over an unpacked WACZ, by the index that lies in it."""

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


class Wayback:
    """A server of collections, each of which is a WACZ."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def replayed(self, collection: str, url: str, moment: str) -> tuple[int, bytes]:
        """(status, body) of a page at a moment, unrewritten."""
        stamp = "".join(re.findall(r"\d", moment))[:14]
        self.connection.request("GET", f"/{collection}/{stamp}id_/{url}", headers={"Host": "localhost"})
        answer = self.connection.getresponse()
        body = answer.read()
        return answer.status, gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body


@contextmanager
def wayback(folder: Path, **waczs: Path) -> Iterator[Wayback]:
    """pywb's server over WACZ files, each under a name."""
    for name, wacz in waczs.items():
        _unpack(wacz, folder / "collections" / name)
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = [PYWB / "python", "-c", SERVER]
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True) as server,
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
        (collection / "indexes").mkdir()
        index = gzip.decompress(package.read("indexes/index.cdx.gz"))
        (collection / "indexes" / "index.cdxj").write_bytes(index)
