"""A folder on loopback by plain HTTP with byte ranges, and a proxy that lets nobody out."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit


class FileServer:
    """Serves `folder`. As a proxy it refuses every request and keeps it in `strangers`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.strangers: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"files": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, name="files", daemon=True)

    @property
    def url(self) -> str:
        """Where the folder is served, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files: FileServer

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        if target.netloc:
            self.do_CONNECT()
            return
        path = self.files.folder / (unquote(target.path).lstrip("/") or "index.html")
        if ".." in path.parts or not path.is_file():
            self.send_error(404)
            return
        self._serve(path)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        """Nobody gets out."""
        self.files.strangers.append(f"{self.command} {self.path}")
        self.close_connection = True
        self.send_error(403)

    def do_POST(self) -> None:
        self.do_CONNECT()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the tests print what they need."""

    def _serve(self, path: Path) -> None:
        size = path.stat().st_size
        begin, end = self._range(size)
        self.send_response(206 if "Range" in self.headers else 200)
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        kind = guess_type(path.name)[0] or "application/octet-stream"
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - begin))
        self.end_headers()
        if self.command == "GET":
            with path.open("rb") as file:
                file.seek(begin)
                self.wfile.write(file.read(end - begin))

    def _range(self, size: int) -> tuple[int, int]:
        """[begin, end) of the bytes asked for; all without a range."""
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", "bytes=0-"))
        assert asked, self.headers["Range"]
        if not asked[1]:
            return max(size - int(asked[2]), 0), size
        return int(asked[1]), min(int(asked[2]) + 1, size) if asked[2] else size
