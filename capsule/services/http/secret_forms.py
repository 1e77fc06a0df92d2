"""The forms in which a server may send a value back: as it is, and as URLs, JSON, HTML, base64 do.

All are in small letters and are searched for in what was made so too: servers change the case of
headers, of `%2F` and of hexadecimal digits.
"""

from __future__ import annotations

import html
import json
from binascii import b2a_base64
from urllib.parse import quote, quote_plus

from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BITS, _BYTE = 6, 8
_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_URL_SAFE = _STANDARD.replace(b"+/", b"-_")


class Form(NamedTuple):
    """One form: `core` stands there whole, between one of the characters of `lead` and of `tail`.

    These bear a part of the value and a part of what stands around it; empty where nothing does.
    """

    core: bytes
    lead: bytes = b""
    tail: bytes = b""


def forms_of(value: str) -> list[Form]:
    """Return the forms of a value of printable ASCII, each once.

    >>> [form.core for form in forms_of("open-sesame")][:1]
    [b'open-sesame']
    """
    plain = [Form(text.lower().encode()) for text in _texts(value)]
    return list(dict.fromkeys((*plain, *_base64_forms(value.encode()))))


def _texts(value: str) -> Iterator[str]:
    """Yield the value, and what text formats make of it."""
    percent = quote(value, safe="")
    yield value
    yield percent
    yield quote(value)
    yield quote_plus(value)
    # A URL in the query of another one.
    yield quote(percent, safe="")
    yield "".join(f"%{ord(character):02x}" for character in value)
    string = json.dumps(value)[1:-1]
    yield string
    yield string.replace("/", r"\/")
    # JSON in a string of JSON, and JSON that is safe inside of HTML.
    yield json.dumps(string)[1:-1]
    yield "".join(_escaped(c) if c in "<>&'+=\"" else json.dumps(c)[1:-1] for c in value)
    yield "".join(map(_escaped, value))
    yield repr(value)[1:-1]
    marks = html.escape(value, quote=False)
    yield marks
    for double in ("&quot;", "&#34;", "&#x22;"):
        for single in ("&#x27;", "&#39;", "&apos;"):
            yield marks.replace('"', double).replace("'", single)
    yield value.encode().hex()


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"


def _base64_forms(value: bytes) -> Iterator[Form]:
    """Yield what stands for a value in the base64 of a text that has it anywhere in it.

    Which it is depends on how many bytes are before it: one of three cases. The characters at its
    ends bear bits of its neighbours too.
    """
    for before in range(3):
        for alphabet in (_STANDARD, _URL_SAFE):
            written = b2a_base64(bytes(before) + value, newline=False).translate(
                bytes.maketrans(_STANDARD, alphabet)
            )
            first, last = before * _BYTE, (before + len(value)) * _BYTE
            begin, end = -(-first // _BITS), last // _BITS
            lead = tail = b""
            if first % _BITS:
                lead = _like(alphabet, alphabet.index(written[begin - 1]), _BITS - first % _BITS, 0)
            if last % _BITS:
                known = last % _BITS
                tail = _like(alphabet, alphabet.index(written[end]), known, _BITS - known)
            core = written[begin:end].decode()
            for text in (core, core.replace("/", r"\/"), quote(core, safe="")):
                yield Form(text.lower().encode(), lead.lower(), tail.lower())


def _like(alphabet: bytes, number: int, known: int, shift: int) -> bytes:
    """Return the characters that have `known` bits, from `shift` on, in common with one."""
    mask = ((1 << known) - 1) << shift
    return bytes(each for place, each in enumerate(alphabet) if place & mask == number & mask)
