"""Odd but legal HTTP messages out of a seed: the oddities combine as they happen to."""

import gzip
import random
import zlib
from dataclasses import dataclass

from tests.odd_server import CLOSE, KEEP, Answer

GBK_NAME = "瓷闻天下".encode("gbk")
_REASONS = [b"OK", b"", b"Fine  thanks!", b"200 OK", "成功".encode("gbk"), "成功".encode(), b"\xff\xfe"]
_STATUSES = [200] * 12 + [201, 203, 206, 299, 400, 403, 404, 410, 418, 451]
_INTERIMS = [
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nlink: </a.js>\r\n\r\n",
    b"HTTP/1.1 102 \r\nX-Note: \xb4\xc9\r\n\r\n",
]
_FIELDS = [
    b"Set-Cookie: a=1; path=/",
    b"set-cookie: b=2",
    b"SET-COOKIE:c=3",
    b"X-Empty:",
    b"X-Title: " + GBK_NAME,
    b"x-name:\t  " + "陶瓷".encode() + b" \t",
    b'ETag: W/"a,b"',
    b"X-Folded: one\r\n\ttwo\r\n  three",
    b"Vary: Accept-Encoding",
    b"vARY: *",
    b"X-Long: " + b"x" * 20_000,
    b"a line without colon",
    b"X Blank: in its name",
    "名字: 瓷".encode("gbk"),
    b"Date: Wed, 04 Jun 2025 08:35:12 GMT",
    b"Server: nginx/1.2 (\xc0\xcf)",
]
_EXTENSIONS = [b"", b"", b";a", b";name=value", b' ;q="a b"', b";x=\xb4\xc9", b"  "]
_TRAILERS = [b"X-Checksum: 1", b"x-checksum:2", b"X-Trailer: " + GBK_NAME, b"Expires: 0"]
_TEXT = "伊兹尼克瓷砖 · İznik çinileri\n"


@dataclass(frozen=True)
class Message:
    """A final message and what it says."""

    raw: bytes
    body: bytes  # its codings removed
    then: str = KEEP


class OddMessages:
    """Makes messages; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return self.random.random() < share

    def message(self, status: int | None = None, method: str = "GET", *fields: bytes, large: bool = False) -> Message:
        """A whole final message to a request of that method; `large` makes its body 5 MB."""
        status = status or self.random.choice(_STATUSES)
        old = self.chance(0.1)
        has_body = method != "HEAD" and status not in (204, 304)
        content = self._content(large)
        coding, entity = self._coded(content)
        framing, body = self._framed(entity, has_body, old)
        lines = [*fields, coding, framing, self._type(), *self.random.sample(_FIELDS, self.random.randint(0, 6))]
        then = KEEP
        if (has_body and not framing) or self.chance(0.15):
            then = CLOSE
            lines.append(self.random.choice([b"Connection: close", b"connection: Close", b"CONNECTION:foo, close"]))
        elif old:
            then = self.random.choice([KEEP, CLOSE])
            lines.append(b"Connection: Keep-Alive" if then == KEEP else b"X-Old: 1")
        lines = [self._spelled(line) for line in lines if line]
        self.random.shuffle(lines)
        end = b"\n" if self.chance(0.05) else b"\r\n"
        first = b"HTTP/1.%d %d" % (0 if old else 1, status)
        if not self.chance(0.1):
            first += b" " + self.random.choice(_REASONS)
        head = end.join([first, *lines, b"", b""])
        return Message(head + body, content if has_body else b"", then)

    def answer(self, made: Message) -> Answer:
        """A message as the server sends it: after interim ones, in pieces, with bytes after its end."""
        interim = tuple(self.random.choices(_INTERIMS, k=self.random.choice([0, 0, 0, 1, 2, 3])))
        size = len(made.raw) + sum(map(len, interim))
        # Bytes after the end go out with the message in one piece; later ones would be nobody's, or the next answer's.
        stray = made.then == KEEP and size < 4000 and self.chance(0.1)
        return Answer(
            response=made.raw,
            interim=interim,
            extra=b"HTTP/1.1 200 stray\r\n\r\n" if stray else b"",
            then=made.then,
            sizes=() if stray else self._sizes(size),
        )

    def cut(self, made: Message) -> Answer:
        """A message whose connection breaks off in its head or body; empty where nothing of it was sent."""
        end = self.random.choice([0, self.random.randrange(12), self.random.randrange(len(made.raw))])
        return Answer(response=made.raw[:end], then=CLOSE, sizes=self._sizes(end))

    def _content(self, large: bool) -> bytes:
        if large:
            return self.random.randbytes(5_000_000)
        if self.chance(0.1):
            return self.random.randbytes(self.random.randrange(3000))
        text = _TEXT * self.random.choice([0, 1, 2, 30, 300, 3000])
        return text.encode(self.random.choice(["utf-8", "gb18030"]))

    def _type(self) -> bytes:
        return self.random.choice([b"", b"Content-Type: text/html", b"content-TYPE: text/plain; charset=gb2312"])

    def _coded(self, content: bytes) -> tuple[bytes, bytes]:
        coding = self.random.choice(["", "", "gzip", "deflate"])
        if coding == "gzip":
            return b"Content-Encoding: gzip", gzip.compress(content, 1, mtime=0)
        if coding == "deflate":
            return b"content-encoding: deflate", zlib.compress(content, 1)
        return b"", content

    def _framed(self, entity: bytes, has_body: bool, old: bool) -> tuple[bytes, bytes]:
        """(the header line that tells where the body ends, the body in its framing)."""
        kinds = [b"length", b"close"] if old else [b"length", b"chunked", b"chunked", b"close"]
        kind = self.random.choice(kinds)
        if kind == b"close" or (not has_body and self.chance(0.5)):
            return b"", entity if has_body else b""
        if kind == b"chunked":
            return b"Transfer-Encoding: chunked", self._chunked(entity) if has_body else b""
        return b"Content-Length: %d" % len(entity), entity if has_body else b""

    def _chunked(self, entity: bytes) -> bytes:
        parts, start = [], 0
        while start < len(entity):
            piece = entity[start : start + self.random.choice([1, 7, 100, 5000, 70_000, 400_000])]
            start += len(piece)
            size = self.random.choice([b"%x", b"%X", b"000%x"]) % len(piece)
            parts += [size, self.random.choice(_EXTENSIONS), b"\r\n", piece, b"\r\n"]
        trailers = self.random.sample(_TRAILERS, self.random.choice([0, 0, 1, 3]))
        parts += [b"0", self.random.choice(_EXTENSIONS), b"\r\n"]
        parts += [trailer + b"\r\n" for trailer in trailers]
        return b"".join([*parts, b"\r\n"])

    def _spelled(self, line: bytes) -> bytes:
        name, colon, value = line.partition(b":")
        spelling = self.random.choice([bytes, bytes, bytes.upper, bytes.lower, bytes.swapcase])
        return spelling(name) + colon + value

    def _sizes(self, size: int) -> tuple[int, ...]:
        kind = self.random.choice(["one", "one", "few", "single bytes"])
        if kind == "one" or size == 0:
            return ()
        if kind == "few":
            return tuple(self.random.randrange(1, size + 1) for _ in range(3))
        return (1,) * min(size, 60)
