"""Digests as WARC fields hold them, `ALGORITHM:VALUE` in Base32 or hex (WARC/1.1 section 5.8), and what they are of."""

import base64
import hashlib

_ALGORITHMS = frozenset({"md5", "sha1", "sha256", "sha384", "sha512"})
# Base32 as Python's numbers of base 32 write it; every other byte becomes one that they do not know.
_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_DIGITS = bytes(b"0123456789abcdefghijklmnopqrstuv"[_BASE32.index(c)] if c in _BASE32 else 33 for c in range(256))
_PREFIX, _LENGTH = "sha1:", len("sha1:") + 32


def is_sha1_of(said: str, data: bytes | memoryview) -> bool:
    """Whether a digest of our own form, SHA-1 in Base32, is of that data."""
    return is_sha1(said, hashlib.sha1(data).digest())


def is_sha1(said: str, digest: bytes) -> bool:
    """Whether a digest of our own form is that SHA-1."""
    if len(said) != _LENGTH or not said.startswith(_PREFIX):
        return False
    try:
        # Twenty times as fast as base64, which is written in Python.
        number = int(said[len(_PREFIX) :].encode("ascii").translate(_DIGITS), 32)
    except ValueError:
        return False
    return number == int.from_bytes(digest, "big")


def agrees(said: str, data: bytes | memoryview) -> bool:
    """Whether a digest of anybody's making is of that data; True where its algorithm or its form is not known."""
    name, colon, value = said.strip().partition(":")
    algorithm = name.lower().replace("-", "")
    if not colon or algorithm not in _ALGORITHMS:
        return True
    digest = hashlib.new(algorithm, data).digest()
    base32 = base64.b32encode(digest).decode().rstrip("=")
    known = {digest.hex(): value.lower(), base32: value.upper().rstrip("=")}
    if len(value.rstrip("=")) not in map(len, known):
        return True
    return any(ours == theirs for ours, theirs in known.items())
