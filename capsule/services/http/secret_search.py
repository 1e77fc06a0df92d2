"""Finding values of secrets in what a server sends, and putting their placeholders there instead.

What comes in pieces is searched as one text: the end of what came is kept back until more comes, as
much of it as a value may take. It is as much whatever it is: who sees that a piece is passed on at
once, and another is not, could try the beginnings of values one letter after the other.
"""

from __future__ import annotations

from urllib.parse import unquote

from capsule.services.http.secret_forms import forms_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capsule.policy.secret_rules import Secret

# How often a text may have been encoded for a URL.
_LAYERS = 3


class SecretSearch:
    """The values of some secrets in all their forms; any thread may use it."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        found = {
            form: secret.placeholder
            for secret in reversed(secrets)
            for form in forms_of(secret.value)
        }
        # The longest first: one may be a part of another.
        pairs = sorted(found.items(), key=lambda pair: len(pair[0].core), reverse=True)
        self._forms = [form for form, _ in pairs]
        self._placeholders = [placeholder.encode() for _, placeholder in pairs]
        self._values = [(secret.value.lower(), secret.placeholder) for secret in secrets]
        self.longest = max((len(form.core) + 2 for form in self._forms), default=0)

    def __repr__(self) -> str:
        return "SecretSearch(...)"

    def out_of(self, data: bytes) -> bytes:
        """Return all of a text, with placeholders in place of values."""
        return self.split(data, final=True)[0]

    def out_of_line(self, text: str) -> str:
        """Return a line of a response's head without values, however it encodes them."""
        found = self.out_of(text.encode("latin-1")).decode("latin-1")
        decoded = found
        for _ in range(_LAYERS):
            decoded = unquote(decoded)
            for value, placeholder in self._values:
                if value in decoded.lower():
                    return placeholder
        return found

    def split(self, data: bytes, *, final: bool) -> tuple[bytes, bytes]:
        """Return what of a text can be passed on, without values, and the rest, to be kept back."""
        folded = data.lower()
        edge = len(data) if final else max(len(data) - self.longest, 0)
        if not any(form.core in folded for form in self._forms):
            return data[:edge], data[edge:]
        made: list[bytes] = []
        at = 0
        for begin, end, placeholder in self._spans(folded):
            if begin >= edge:
                break
            if end > edge and len(data) - begin <= 4 * self.longest:
                # One that begins in it may be longer: both are decided together.
                edge = begin
                break
            made += data[at:begin], placeholder
            at = end
        edge = max(edge, at)
        return b"".join((*made, data[at:edge])), data[edge:]

    def _spans(self, folded: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Yield where values stand, in order, each as far as others overlap it."""
        found = []
        for form, placeholder in zip(self._forms, self._placeholders, strict=True):
            at = folded.find(form.core)
            while at >= 0:
                end = at + len(form.core)
                first = at - (at > 0 and folded[at - 1] in form.lead)
                last = end + (end < len(folded) and folded[end] in form.tail)
                found.append((first, -last, placeholder))
                at = folded.find(form.core, at + 1)
        begin = end = 0
        said = b""
        # Of those that begin together the longest comes first, and says whose it is.
        for first, last, placeholder in sorted(found):
            if first < end:
                end = max(end, -last)
                continue
            if end:
                yield begin, end, said
            begin, end, said = first, -last, placeholder
        if end:
            yield begin, end, said


def searched(search: SecretSearch, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what comes in pieces without values."""
    rest = b""
    for piece in pieces:
        passed, rest = search.split(rest + piece, final=False)
        if passed:
            yield passed
    if rest:
        yield search.out_of(rest)
