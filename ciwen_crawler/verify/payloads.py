"""Payloads: the part of a block that its payload digest is of."""

import re

from ciwen_crawler import message

_CHUNKED = re.compile(rb"\ntransfer-encoding:[ \t]*chunked\r\n(?![ \t])")


def head_end(block: bytes, begin: int = 0) -> int:
    """Where the head of an HTTP message ends that begins at a byte, its blank line included; the end without one."""
    end = block.find(b"\n\r\n", begin)
    bare = block.find(b"\n\n", begin, end if end >= 0 else len(block))
    if bare >= 0:
        return bare + 2
    return end + 3 if end >= 0 else len(block)


def entity(raw: bytes, begin: int, end: int) -> bytes | memoryview:
    """The entity of the HTTP response that stands from one byte to another: its body without Transfer-Encoding."""
    body = min(head_end(raw, begin), end)
    head = raw[begin:body].lower()
    if b"chunked" not in head:
        return memoryview(raw)[body:end]
    if head.count(b"transfer-encoding") == 1 and _CHUNKED.search(head):
        return message.dechunked(raw[body:end])  # as nearly all say it
    answer = message.response(raw[begin:end])
    return answer.entity if answer else memoryview(raw)[body:end]


def entity_begin(raw: bytes, begin: int) -> int | None:
    """Where the entity of an HTTP response begins that may go on behind these bytes.

    None where its head does too, or where it is not there as it is.
    """
    body = head_end(raw, begin)
    return None if body == len(raw) or b"chunked" in raw[begin:body].lower() else body


def readings(block: bytes, content_type: str) -> list[bytes]:
    """All that another program may have taken for the payload of a record, the standard's reading first."""
    if not content_type.lower().startswith("application/http"):
        return [block]
    answer = message.response(block)
    _, body = message.split_head(block)
    return ([answer.entity] if answer else []) + [body, block]
