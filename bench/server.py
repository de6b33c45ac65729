"""nginx, playing the generated channel's host as an HTTP proxy on loopback."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from bench.channel import HOST

_PATIENCE = 10  # seconds until it must answer
_CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 256; }}
http {{
    types {{ text/html html; text/plain txt; }}
    log_format pages '$status http://$host$request_uri';
    log_format cost '$bytes_sent';
    access_log access.log pages;
    access_log cost.log cost;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    sendfile on;
    gzip on;
    etag on;
    server {{ listen 127.0.0.1:{port} default_server; return 404; }}
    server {{ listen 127.0.0.1:{port}; server_name {host}; root {root}; }}
}}
"""


class NoNginx(Exception):
    """nginx is not installed."""


class Spent(NamedTuple):
    """What a server has done."""

    requests: int
    sent: int  # bytes of answers, heads included


class Server:
    """Serves a folder as `http://ci.china.com.cn/` while the context lasts; its log says what was fetched."""

    def __init__(self, root: Path, work: Path) -> None:
        program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
        if program is None:
            raise NoNginx("the benchmark needs nginx: apt-get install nginx-light")
        self._program, self._root, self._work = program, root, work
        self._log = work / "access.log"
        self._cost = work / "cost.log"
        self.proxy = ""  # URL, once it runs

    def __enter__(self) -> Self:
        self._work.mkdir(parents=True, exist_ok=True)
        port = _free_port()
        text = _CONFIGURATION.format(port=port, host=HOST, root=self._root.resolve())
        (self._work / "nginx.conf").write_text(text)
        self._log.write_bytes(b"")
        self._cost.write_bytes(b"")
        command = [self._program, "-p", self._work, "-c", "nginx.conf", "-e", "error.log"]
        self._process = subprocess.Popen(command)
        _await_port(port, self._process)
        self.proxy = f"http://127.0.0.1:{port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def mark(self) -> int:
        """Where the log ends now."""
        return self._log.stat().st_size

    def spent(self) -> Spent:
        """All that was asked for and sent so far."""
        sizes = self._cost.read_text().split()
        return Spent(len(sizes), sum(map(int, sizes)))

    def fetched(self, since: int) -> list[str]:
        """The URLs answered with a whole page since a mark, as often as they were."""
        with self._log.open() as log:
            log.seek(since)
            return [line[4:].rstrip("\n") for line in log if line.startswith("200 ")]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nginx does not answer on port {port}; its error.log says why")
