"""Damages that an archive can take, one function each: told what to do by chance, it gives the file that it hurt."""

import base64
import hashlib
import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from isal import igzip, isal_zlib

from ciwen_crawler.warc.record import MEMBER_HEADER
from tests.database import select

DATABASE = "ciwen.sqlite"
_LEVEL = 2
_REPORT = b"Ciwen-Role: report\r\n"

Chance = random.Random
Damage = Callable[[Path, Chance], str]


def warcs(archive: Path) -> list[Path]:
    """The WARC files."""
    return sorted((archive / "warc").glob("*.warc.gz"))


def members(path: Path) -> list[bytes]:
    """The gzip members of a file of ours."""
    first, *others = path.read_bytes().split(MEMBER_HEADER)
    assert first == b""
    return [MEMBER_HEADER + each for each in others]


def unpacked(member: bytes) -> bytes:
    """A record out of its member."""
    data: bytes = isal_zlib.decompress(member, wbits=31)
    return data


def packed(record: bytes) -> bytes:
    """A member of a record, as Ciwen packs it."""
    data: bytes = igzip.compress(record, _LEVEL, mtime=0)
    return data


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _rewritten(path: Path, found: list[bytes]) -> str:
    path.write_bytes(b"".join(found))
    return _named(path)


# --- Bytes ----------------------------------------------------------------------------------------------------------


def _flip(path: Path, place: int, chance: Chance) -> str:
    data = bytearray(path.read_bytes())
    data[place] ^= chance.randrange(1, 256)
    path.write_bytes(data)
    return _named(path)


def flipped_byte(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    return _flip(path, chance.randrange(path.stat().st_size), chance)


def _boundaries(path: Path) -> list[int]:
    bounds = [0]
    for each in members(path):
        bounds.append(bounds[-1] + len(each))
    return bounds


def flipped_byte_of_a_gzip_header(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    return _flip(path, chance.choice(_boundaries(path)[:-1]) + chance.randrange(len(MEMBER_HEADER)), chance)


def flipped_byte_of_a_gzip_trailer(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    return _flip(path, chance.choice(_boundaries(path)[1:]) - chance.randrange(1, 9), chance)


def flipped_byte_of_a_report(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    found, bounds = members(path), _boundaries(path)
    number = chance.choice(_reports(found))
    return _flip(path, chance.randrange(bounds[number], bounds[number + 1]), chance)


def flipped_padding_of_a_report(archive: Path, chance: Chance) -> str:
    """The highest bit of the last byte of data: no checksum of gzip's is over it where it is padding."""
    path = warcs(archive)[-1]
    found = members(path)
    for number in _reports(found):
        member = bytearray(found[number])
        member[-9] ^= 0x80
        try:
            same = unpacked(bytes(member)) == unpacked(found[number])
        except isal_zlib.error:
            same = False
        if same:
            found[number] = bytes(member)
            return _rewritten(path, found)
    return flipped_byte_of_a_report(archive, chance)


def stray_bytes(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    data = path.read_bytes()
    place = chance.choice([*_boundaries(path), chance.randrange(len(data))])
    stray = chance.choice([b"\0", chance.randbytes(chance.randrange(1, 600)), bytes(4096), MEMBER_HEADER, packed(b"")])
    path.write_bytes(data[:place] + stray + data[place:])
    return _named(path)


def zeroed_piece(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    data = bytearray(path.read_bytes())
    place = chance.randrange(len(data))
    data[place : place + 512] = bytes(len(data[place : place + 512]))
    path.write_bytes(data)
    return _named(path)


def shortened_file(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(chance.choice([size - 1, chance.randrange(size), chance.choice(_boundaries(path)[:-1])]))
    return _named(path)


# --- Records --------------------------------------------------------------------------------------------------------


def _reports(found: list[bytes]) -> list[int]:
    return [number for number, member in enumerate(found) if _REPORT in unpacked(member)]


def _without(path: Path, choose: Callable[[list[bytes]], int]) -> str:
    found = members(path)
    del found[choose(found)]
    return _rewritten(path, found)


def removed_record(archive: Path, chance: Chance) -> str:
    return _without(chance.choice(warcs(archive)), lambda found: chance.randrange(len(found)))


def removed_last_record(archive: Path, chance: Chance) -> str:
    return _without(chance.choice(warcs(archive)), lambda found: -1)


def removed_last_report(archive: Path, chance: Chance) -> str:
    return _without(warcs(archive)[-1], lambda found: _reports(found)[-1])


def removed_report(archive: Path, chance: Chance) -> str:
    return _without(chance.choice(warcs(archive)), lambda found: chance.choice(_reports(found)))


def removed_exchange(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    found = members(path)
    number = chance.choice([n for n, each in enumerate(found) if b"WARC-Type: request" in unpacked(each)])
    del found[number : number + 2]
    return _rewritten(path, found)


def swapped_records(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    found = members(path)
    one, other = chance.sample(range(len(found)), 2)
    found[one], found[other] = found[other], found[one]
    return _rewritten(path, found)


def swapped_neighbours(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    found = members(path)
    one = chance.randrange(len(found) - 1)
    found[one : one + 2] = found[one + 1], found[one]
    return _rewritten(path, found)


def repeated_record(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    found = members(path)
    found.insert(chance.randrange(len(found) + 1), chance.choice(found))
    return _rewritten(path, found)


def _altered(archive: Path, chance: Chance, pattern: bytes, new: Callable[[bytes], bytes]) -> str:
    """One record packed anew, with a value in it that is as long as the old."""
    path = chance.choice(
        [each for each in warcs(archive) if any(re.search(pattern, unpacked(m)) for m in members(each))]
    )
    found = members(path)
    number = chance.choice([n for n, each in enumerate(found) if re.search(pattern, unpacked(each))])
    record = re.sub(pattern, lambda match: match[1] + new(match[2]), unpacked(found[number]), count=1)
    assert record != unpacked(found[number])
    found[number] = packed(record)
    return _rewritten(path, found)


def altered_block_digest(archive: Path, chance: Chance) -> str:
    return _altered(archive, chance, rb"(WARC-Block-Digest: sha1:)(\w)", lambda c: b"B" if c == b"A" else b"A")


def altered_payload_digest(archive: Path, chance: Chance) -> str:
    return _altered(archive, chance, rb"(WARC-Payload-Digest: sha1:)(\w)", lambda c: b"B" if c == b"A" else b"A")


def altered_date(archive: Path, chance: Chance) -> str:
    return _altered(archive, chance, rb"(WARC-Date: \d{4}-\d\d-)(\d\d)", lambda day: b"01" if day != b"01" else b"02")


def altered_id(archive: Path, chance: Chance) -> str:
    """Of a report too, to which nothing refers: it is made of its run's."""
    return _altered(archive, chance, rb"(WARC-Record-ID: <urn:uuid:)(\w)", lambda c: b"b" if c == b"a" else b"a")


def altered_reference(archive: Path, chance: Chance) -> str:
    name = chance.choice([b"Concurrent-To", b"Warcinfo-ID", b"Refers-To"])
    return _altered(archive, chance, rb"(WARC-%b: <urn:uuid:)(\w)" % name, lambda c: b"b" if c == b"a" else b"a")


def altered_offset_of_an_original(archive: Path, chance: Chance) -> str:
    digits = rb"(WARC-Refers-To-File-Offset: )(\d+)"
    return _altered(archive, chance, digits, lambda old: b"%d" % (int(old) + chance.choice([-1, 1, 100])))


def forged_record(archive: Path, chance: Chance) -> str:
    """A body of the same length, with both digests made to agree."""
    path = chance.choice(warcs(archive))
    found = members(path)
    number = chance.choice([n for n, each in enumerate(found) if b"WARC-Type: request" in unpacked(each)])
    head, _, rest = unpacked(found[number]).partition(b"\r\n\r\n")
    block = rest[:-4].replace(b"GET ", b"PUT ", 1)
    digest = base64.b32encode(hashlib.sha1(block).digest())
    head = re.sub(rb"(WARC-Block-Digest: sha1:)\w+", lambda match: match[1] + digest, head)
    found[number] = packed(head + b"\r\n\r\n" + block + b"\r\n\r\n")
    return _rewritten(path, found)


def packed_otherwise(archive: Path, chance: Chance) -> str:
    """The same records to the last bit, in another gzip member than the one that was written."""
    path = chance.choice(warcs(archive))
    found = members(path)
    number = chance.randrange(len(found))
    found[number] = igzip.compress(unpacked(found[number]), 0, mtime=0)
    return _rewritten(path, found)


# --- Files ----------------------------------------------------------------------------------------------------------


def missing_warc(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    path.unlink()
    return _named(path)


def missing_database(archive: Path, chance: Chance) -> str:
    (archive / DATABASE).unlink()
    return DATABASE


def missing_manifest(archive: Path, chance: Chance) -> str:
    path = archive / "warc" / "MANIFEST.sha256"
    path.unlink()
    return _named(path)


def missing_copy_of_a_report(archive: Path, chance: Chance) -> str:
    path = chance.choice(sorted((archive / "runs").glob("*.json")))
    path.unlink()
    return _named(path)


def emptied_file(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    path.write_bytes(b"")
    return _named(path)


def renamed_file(archive: Path, chance: Chance) -> str:
    path = chance.choice(warcs(archive))
    other = path.with_name(path.name.replace("-00001-", "-00009-"))
    path.rename(other)
    return _named(other)


def swapped_files(archive: Path, chance: Chance) -> str:
    one, other = chance.sample(warcs(archive), 2)
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    return _named(one)


def altered_manifest(archive: Path, chance: Chance) -> str:
    """One digest in it, which is the file's then: which of the two is damaged nobody can know."""
    path = archive / "warc" / "MANIFEST.sha256"
    lines = path.read_text().splitlines(keepends=True)
    number = chance.randrange(len(lines))
    lines[number] = ("1" if lines[number][0] != "1" else "2") + lines[number][1:]
    path.write_text("".join(lines))
    return "warc/" + lines[number].split()[1]


def shortened_manifest(archive: Path, chance: Chance) -> str:
    path = archive / "warc" / "MANIFEST.sha256"
    lines = path.read_text().splitlines(keepends=True)
    del lines[chance.randrange(len(lines))]
    path.write_text("".join(lines))
    return _named(path)


def shortened_database(archive: Path, chance: Chance) -> str:
    path = archive / DATABASE
    with path.open("r+b") as file:
        file.truncate(chance.randrange(1, path.stat().st_size // 4096) * 4096)
    return DATABASE


# --- Rows -----------------------------------------------------------------------------------------------------------


def _tables(archive: Path) -> list[str]:
    names = [row["name"] for row in select(archive, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [name for name in names if name != "meta" and select(archive, f"SELECT 1 FROM {name} LIMIT 1")]


def _execute(archive: Path, statement: str, *values: object) -> str:
    with closing(sqlite3.connect(archive / DATABASE)) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1
    return DATABASE


def _row(archive: Path, chance: Chance) -> tuple[str, int]:
    table = chance.choice(_tables(archive))
    return table, chance.choice([row["rowid"] for row in select(archive, f"SELECT rowid FROM {table}")])


def altered_row(archive: Path, chance: Chance) -> str:
    """Any column of any row of any table, keys too."""
    table, rowid = _row(archive, chance)
    (row,) = select(archive, f"SELECT * FROM {table} WHERE rowid = ?", rowid)
    column = chance.choice(list(row))
    old = row[column]
    new = old + 7 if isinstance(old, int) else "x" if old is None else f"{old}x"
    return _execute(archive, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", new, rowid)


def removed_row(archive: Path, chance: Chance) -> str:
    table, rowid = _row(archive, chance)
    return _execute(archive, f"DELETE FROM {table} WHERE rowid = ?", rowid)


def added_row(archive: Path, chance: Chance) -> str:
    table, rowid = _row(archive, chance)
    (row,) = select(archive, f"SELECT * FROM {table} WHERE rowid = ?", rowid)
    first = next(iter(row))
    row[first] = f"{row[first]}x"
    marks = ", ".join("?" for _ in row)
    return _execute(archive, f"INSERT INTO {table} VALUES ({marks})", *row.values())


def wrong_offset(archive: Path, chance: Chance) -> str:
    (row,) = select(archive, "SELECT rowid FROM captures ORDER BY random() LIMIT 1")
    statement = "UPDATE captures SET warc_offset = warc_offset + ? WHERE rowid = ?"
    return _execute(archive, statement, chance.choice([-1, 1, 500]), row["rowid"])


DAMAGES: tuple[Damage, ...] = (
    flipped_byte,
    flipped_byte_of_a_gzip_header,
    flipped_byte_of_a_gzip_trailer,
    flipped_byte_of_a_report,
    flipped_padding_of_a_report,
    stray_bytes,
    zeroed_piece,
    shortened_file,
    removed_record,
    removed_last_record,
    removed_last_report,
    removed_report,
    removed_exchange,
    swapped_records,
    swapped_neighbours,
    repeated_record,
    altered_block_digest,
    altered_payload_digest,
    altered_date,
    altered_id,
    altered_reference,
    altered_offset_of_an_original,
    forged_record,
    packed_otherwise,
    missing_warc,
    missing_database,
    missing_manifest,
    missing_copy_of_a_report,
    emptied_file,
    renamed_file,
    swapped_files,
    altered_manifest,
    shortened_manifest,
    shortened_database,
    altered_row,
    removed_row,
    added_row,
    wrong_offset,
)
