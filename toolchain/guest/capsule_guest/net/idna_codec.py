"""The codec `idna` for names in ASCII, which most are; the tables for others are large to load."""

from __future__ import annotations

import codecs
import encodings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LONGEST = 63


class _Codec(codecs.CodecInfo):
    """What `codecs.lookup("idna")` returns; what is seldom asked for comes from the real one."""

    def __new__(cls) -> _Codec:  # type: ignore[misc]
        made = tuple.__new__(cls, (encode, decode, None, None))
        made.name = "idna"
        vars(made).update(encode=encode, decode=decode)
        made._is_text_encoding = True
        return made

    def __getattr__(self, name: str) -> Any:
        from encodings import idna

        return getattr(idna.getregentry(), name)


def encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
    """Return a host's name as the network has it, and how much of it was taken."""
    if text.isascii():
        *labels, last = text.split(".")
        if all(0 < len(label) <= _LONGEST for label in labels) and len(last) <= _LONGEST:
            return text.encode("ascii"), len(text)
    from encodings import idna

    return idna.Codec().encode(text, errors)


def decode(data: Any, errors: str = "strict") -> tuple[str, int]:
    """Return a host's name as people write it, and how much of it was taken."""
    from encodings import idna

    return idna.Codec().decode(data, errors)


def _search(name: str) -> codecs.CodecInfo | None:
    return _Codec() if name == "idna" else None


def install() -> None:
    """Be asked before those that load the tables."""
    codecs.unregister(encodings.search_function)
    codecs.register(_search)
    codecs.register(encodings.search_function)
