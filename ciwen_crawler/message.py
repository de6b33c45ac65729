"""HTTP/1.x messages as raw bytes (RFC 9112): the head read leniently, codings taken away, nothing ever rewritten.

Servers send what no grammar allows, so nothing here raises: what cannot be read is left out, and a body that ends too
early gives what there is of it.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, NamedTuple

import brotli
from isal import isal_zlib
from isal.igzip_lib import IsalError

Headers = tuple[tuple[str, str], ...]

# What the decoders raise on damage. (isal's own stubs give its error no type.)
DAMAGE: tuple[type[Exception], ...] = (zlib.error, IsalError)  # type: ignore[assignment]
# Bytes that a page may hold once decoded, twice what is read. A bomb ends here.
MOST_CONTENT = 8 * 1024 * 1024
# Codings in each other; curl takes five. A stream may hold itself, and would be unpacked for ever.
MOST_CODINGS = 8
# gzip members of one body, empty ones included, of which two million go into the longest.
MOST_MEMBERS = 250_000
_GZIP = b"\x1f\x8b"
_PIECE = 1024
# What HTTP takes for white space (RFC 9110 section 5.6.3); str.strip alone takes bytes of GBK and UTF-8 for it too.
_BLANKS = " \t\r"
_HEAD_END = re.compile(rb"\r?\n\r?\n")
# Other archivers write HTTP/2 down as if it had such lines.
_STATUS_LINE = re.compile(rb"(HTTP/\d(?:\.\d)?)[ \t]+(\d{3})(?!\d)(?:[ \t]+([^\r\n]*))?")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]+)[ \t]*(?:;[^\r\n]*)?\r?\n")
_CHUNK_SIZE_CUT = re.compile(rb"[ \t]*[0-9a-fA-F]*[ \t]*(?:;[^\r\n]*)?\r?")
_SECRETS = re.compile(
    rb"^((?:proxy-)?authorization[ \t]*:[ \t]*)([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE
)
# A line's end and the blank that folds the next line into it stay.
_SECRET_BYTE = re.compile(rb"(?<!\n)[^\r\n]")
_USERINFO = re.compile(rb"(?<=://)([^/?#\s\"'<>]+)(?=@)")
_HOST_USERINFO = re.compile(rb"^(host:[ \t]*)([^\r\n]+)(?=@)", re.IGNORECASE | re.MULTILINE)


class Message(NamedTuple):
    """A response taken apart."""

    version: str  # HTTP/1.1
    status: int
    reason: str
    headers: Headers  # in wire order, bytes read as Latin-1
    entity: bytes  # the body, Transfer-Encoding removed and Content-Encoding kept: WARC's payload

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return header(self.headers, name)

    def content(self) -> tuple[bytes, bool]:
        """The entity with its Content-Encoding removed, and whether it is all of it."""
        return decoded(self.entity, joined(self.headers, "content-encoding"))


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header, whatever the case of its name."""
    wanted, length = name.lower(), len(name)
    for key, value in headers:
        if len(key) == length and key.lower() == wanted:
            return value
    return None


def joined(headers: Headers, name: str) -> str:
    """All values of a header that holds a list, which may stand on several lines (RFC 9110 section 5.3)."""
    return ", ".join(value for key, value in headers if key.lower() == name)


def split_head(raw: bytes) -> tuple[bytes, bytes]:
    """(head with its blank line, body); a message without a blank line is all head."""
    end = _HEAD_END.search(raw)
    return (raw[: end.end()], raw[end.end() :]) if end else (raw, b"")


def response(raw: bytes) -> Message | None:
    """A response taken apart; None where the bytes do not begin with a status line."""
    head, body = split_head(raw)
    status = _STATUS_LINE.match(head)
    if status is None:
        return None
    headers = tuple(_fields(head[status.end() :]))
    if joined(headers, "transfer-encoding").lower().rpartition(",")[2].strip() == "chunked":
        body = dechunked(body)
    version, code, reason = status.groups()
    return Message(version.decode(), int(code), (reason or b"").decode("latin-1"), headers, body)


def _fields(lines: bytes) -> Iterator[tuple[str, str]]:
    name, parts = "", [""]
    for line in lines.decode("latin-1").split("\n"):
        line = line.rstrip("\r")
        if line[:1] in (" ", "\t") and name:
            parts.append(line.strip(_BLANKS))  # folded, RFC 9112 section 5.2
            continue
        if name:
            yield name, " ".join(parts).strip(_BLANKS)
        name, colon, value = line.partition(":")
        name, parts = (name.strip(_BLANKS), [value.strip(_BLANKS)]) if colon else ("", [""])
    if name:
        yield name, " ".join(parts).strip(_BLANKS)


def dechunked(body: bytes) -> bytes:
    """A body without its chunk framing; one that says chunked and is not is given back as it is.

    Some archivers store bodies decoded and keep the header that says otherwise.
    """
    content = BytesIO()  # a list of chunks would take a hundred bytes for each of one byte
    position = 0
    while size := _CHUNK_SIZE.match(body, position):
        length = int(size[1], 16)
        if length == 0:
            break
        content.write(body[size.end() : size.end() + length])
        position = min(size.end() + length, len(body))
        end = body[position : position + 2]
        if end == b"\r\n":
            position += 2
        elif end[:1] == b"\n":
            position += 1
        elif end not in (b"", b"\r"):
            return body
    else:
        if not position and not _CHUNK_SIZE_CUT.fullmatch(body):
            return body
    return content.getvalue()


def decoded(entity: bytes, coding: str | None, most: int = MOST_CONTENT) -> tuple[bytes, bool]:
    """(content, whether it is whole): the codings that a Content-Encoding names, removed last to first.

    A coding that is not known, or that the bytes are not in, is left as it is, as browsers do with mislabelled bodies.
    """
    names = (coding or "").lower().split(",")
    if len(names) > MOST_CODINGS:
        return entity, False
    whole = True
    for name in reversed(names):
        decode = _DECODERS.get(name.strip())
        if decode is None or not entity:
            continue
        entity, complete = decode(entity, most)
        whole = whole and complete
    return entity, whole


def _gunzip(data: bytes, most: int) -> tuple[bytes, bool]:
    if not data.startswith(_GZIP):
        return data, True
    parts: list[bytes] = []
    rest, complete, members = memoryview(data), True, 0
    while complete and rest[: len(_GZIP)] == _GZIP:
        if (members := members + 1) > MOST_MEMBERS:
            return b"".join(parts), False
        part, complete, taken = _inflated(isal_zlib.decompressobj(wbits=31), rest, most)
        parts += [part] if part else []
        most -= len(part)
        rest = rest[taken:]
    return b"".join(parts), complete


def _inflate_any(data: bytes, most: int) -> tuple[bytes, bool]:
    # "deflate" is zlib by RFC 9110, and raw deflate by what old servers send.
    for bits in (15, -15):
        part, complete, _ = _inflated(zlib.decompressobj(wbits=bits), memoryview(data), most)
        if part or complete:
            return part, complete
    is_zlib = data[0] & 15 == 8 and int.from_bytes(data[:2], "big") % 31 == 0  # by its header, RFC 1950 section 2.2
    return (b"", False) if is_zlib else (data, True)


def _inflated(decoder: Any, data: memoryview, most: int) -> tuple[bytes, bool, int]:
    """(content, whether it is whole, how many bytes its stream took).

    A damaged stream gives what it holds up to the damage, as browsers show it, give or take a piece. Small pieces also
    keep a body of many tiny streams from being copied over and over.
    """
    parts: list[bytes] = []
    size = position = 0
    try:
        while size <= most and position < len(data) and not decoder.eof:
            parts.append(decoder.decompress(data[position : position + _PIECE], most + 1 - size))
            size += len(parts[-1])
            position += _PIECE
    except DAMAGE:
        return b"".join(parts), False, len(data)
    taken = min(position, len(data)) - len(decoder.unused_data)
    return b"".join(parts)[:most], decoder.eof and size <= most, taken


def _unbrotli(data: bytes, most: int) -> tuple[bytes, bool]:
    decoder = brotli.Decompressor()
    try:
        part = decoder.process(data, output_buffer_limit=most + 1)
    except brotli.error:
        return data, True
    return part[:most], len(part) <= most and decoder.is_finished()


_DECODERS: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate_any,
    "br": _unbrotli,
}


def without_secrets(raw: bytes) -> bytes:
    """The message with credentials replaced by `x` of equal length: Authorization values, userinfo in URLs.

    Only the head is touched; offsets and lengths stay.
    """
    head, body = split_head(raw)
    if b"@" not in head and b"authorization" not in head.lower():
        return raw
    head = _SECRETS.sub(lambda match: match[1] + _SECRET_BYTE.sub(b"x", match[2]), head)
    head = _HOST_USERINFO.sub(lambda match: match[1] + b"x" * len(match[2]), head)
    return _USERINFO.sub(lambda match: b"x" * len(match[1]), head) + body


def without_userinfo(url: str) -> str:
    """A URL with the userinfo in it replaced by `x` of equal length."""
    return _USERINFO.sub(lambda match: b"x" * len(match[1]), url.encode()).decode() if "@" in url else url
