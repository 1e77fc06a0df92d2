"""The bytes of a Python source as text, the way Python itself would read them.

The source is hostile: everything here is bounded, and every refusal is a `UsageError`.
"""

from __future__ import annotations

from capsule.errors import UsageError
from capsule.message_text import printable

MAX_SOURCE = 10 << 20

# Other encodings can hide code in what looks like a comment (UTF-7 does), so that a reader sees
# another program than Python.
_ENCODINGS = ("utf-8", "utf-8-sig", "iso8859-1", "ascii")


def decode(source: bytes | str, filename: str) -> str:
    """Return the text of a source, with `\\n` for every kind of line end.

    Raises `UsageError` when it is too large, holds NUL, or is not in an encoding that capsule
    reads: UTF-8, ASCII or Latin-1, with or without a byte order mark and a coding comment.

    >>> decode(b"# coding: latin-1\\r\\nname = '\\xe9'", "t.py")
    "# coding: latin-1\\nname = 'é'"
    """
    name = printable(filename)
    if len(source) > MAX_SOURCE:
        raise UsageError(
            f"{name} has {len(source):,} characters; a source has at most {MAX_SOURCE:,}",
            hint="keep data in a file, not in the source",
        )
    text = source if isinstance(source, str) else _decode_bytes(source, name)
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UsageError(f"{name}:{line}: a NUL character; this is no Python source in UTF-8")
    if not text.isascii():
        _refuse_surrogates(text, name)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _decode_bytes(source: bytes, name: str) -> str:
    encoding = "utf-8"
    first, _, rest = source.partition(b"\n")
    if b"coding" in first or b"coding" in rest.partition(b"\n")[0]:
        encoding = _stated_encoding(source, name)
    try:
        return source.decode(encoding.removesuffix("-sig"))
    except UnicodeDecodeError as wrong:
        line = source.count(b"\n", 0, wrong.start) + 1
        raise UsageError(
            f"{name}:{line}: byte 0x{source[wrong.start]:02x} is not {encoding} ({wrong.reason})",
            hint="save the file as UTF-8",
        ) from None


def _stated_encoding(source: bytes, name: str) -> str:
    # tokenize is Python's own reading of coding comments; few files have one, so few pay for it.
    from codecs import lookup
    from io import BytesIO
    from tokenize import detect_encoding

    try:
        stated, _ = detect_encoding(BytesIO(source).readline)
    except (SyntaxError, LookupError) as wrong:
        # The latter of what is no encoding of text, since Python 3.14.
        said = str(wrong).partition(";")[0]
        raise UsageError(f"{name}:1: {printable(said)}", hint="save it as UTF-8") from None
    encoding = lookup(stated).name  # one name for "utf8", "UTF-8" and "U8"
    if encoding not in _ENCODINGS:
        raise UsageError(
            f"{name}:1: a coding comment names {printable(stated)}; capsule reads UTF-8, ASCII"
            " and Latin-1",
            hint="save the file as UTF-8 and remove the comment",
        )
    return encoding


def _refuse_surrogates(text: str, name: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as wrong:
        line = text.count("\n", 0, wrong.start) + 1
        raise UsageError(
            f"{name}:{line}: half of a surrogate pair, which is no character"
        ) from None
