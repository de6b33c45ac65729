"""Text as it is archived: NFC, one paragraph a line, white space folded, nothing invisible."""

import re
import unicodedata

# Browsers put it where an object stood.
_OBJECT = "\ufffc"
# C0 and C1 controls that are no white space, soft hyphens, zero-width and directional marks, the BOM, and the object.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufffc]"
)


def visible(text: str) -> str:
    """The text without zero-width, directional and control characters, in NFC; its white space as it was."""
    # Most text is printable, and asking that costs a tenth of the search; of those searched for the object alone is.
    if not text.isprintable() or _OBJECT in text:
        text = _INVISIBLE.sub("", text)
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """One line: every run of white space, U+3000 and U+00A0 included, is one blank, the edges have none."""
    # The only printable white space is the blank: most text has none that could be folded.
    if text.isprintable() and "  " not in text and _OBJECT not in text:
        return unicodedata.normalize("NFC", text.strip(" "))
    return " ".join(visible(text).split())


def clean(text: str | None) -> str | None:
    """A folded line, or None where nothing visible is left: absent is never ''."""
    return (fold(text) or None) if text else None


# Normalising a text costs ten times as much as seeing that it is normal, which most texts are but for these.
_COMMON_FORMS = tuple((wide, unicodedata.normalize("NFKC", wide)) for wide in "，：；！？（）％…\u3000")


def content_form(text: str | None) -> str:
    """What decides whether a text changed: NFKC, no white space.

    Half and full width, composed and decomposed, wrapped and unwrapped are the same content.
    """
    if not text:
        return ""
    text = visible(text)
    for wide, narrow in _COMMON_FORMS:
        text = text.replace(wide, narrow)
    # It turns some letters (U+FC5E) into a blank and a mark: that blank must go, and the mark joins what is before.
    return unicodedata.normalize("NFKC", "".join(unicodedata.normalize("NFKC", text).split()))
