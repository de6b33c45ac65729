"""Heads of records, read strictly and fast: what the proof of an archive asks of every record in it."""

BLANK = b"\r\n\r\n"

Fields = dict[str, str]


def head_of(raw: bytes, hashed: int = 0) -> tuple[str, Fields, int]:
    """(version, fields by their names in lower case, where the block begins) of a record's bytes, the whole of it.

    Of its block so many bytes may be left out. The first of several fields of one name counts. Raises ValueError, which
    tells what is wrong: no head, a line that is no field, a length that is not the one said, no two line ends behind
    the block.
    """
    version, fields, begin = fields_of(raw)
    size, found = fields.get("content-length", ""), len(raw) - begin - len(BLANK) + hashed
    if not size.isdecimal() or int(size) != found or not raw.endswith(BLANK):
        raise ValueError(
            f"Content-Length {size or 'missing'}, its block has {found} bytes or does not end as it should"
        )
    return version, fields, begin


def fields_of(raw: bytes) -> tuple[str, Fields, int]:
    """The same, whatever follows the head."""
    end = raw.find(BLANK)
    if end < 0 or not raw.startswith(b"WARC/"):
        raise ValueError("no WARC record")
    version, *lines = raw[:end].decode().split("\r\n")
    fields: Fields = {}
    for line in lines:
        name, colon, value = line.partition(": ")
        if not colon:
            raise ValueError(f"a line of its head is no field: {line[:60]!r}")
        fields.setdefault(name.lower(), value)
    return version, fields, end + len(BLANK)
