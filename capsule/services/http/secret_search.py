"""Finding values of secrets in what a server sends, and putting their placeholders there instead.

What comes in pieces is searched as one text: the end of what came is kept back until more comes, as
much of it as a value may take. It is as much whatever it is, and the search takes as long whatever
it finds: code that has its guesses echoed could try the beginnings of values by either.
"""

from __future__ import annotations

import time

from capsule.services.http.escaped_text import LONGEST_ESCAPE, Layer, layers_of
from capsule.services.http.secret_forms import forms_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capsule.policy.secret_rules import Secret
    from capsule.services.http.secret_forms import Form

    # A form, and what stands in its place.
    Pair = tuple[Form, bytes]

# Seconds that a search takes at least: for itself, and for each byte and each secret. It takes a
# third of that where most is found; what it takes otherwise depends on the value and the text.
_LEAST, _EACH = 0.0002, 60e-9


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
        self._forms = [(form, placeholder.encode()) for form, placeholder in pairs]
        # In a text whose escapes are undone, values stand as they are.
        self._plain = [(forms_of(each.value)[0], each.placeholder.encode()) for each in secrets]
        longest = max((len(form.core) + 2 for form, _ in self._forms), default=0)
        value = max((len(form.core) for form, _ in self._plain), default=0)
        self.longest = max(longest, value * LONGEST_ESCAPE)
        self._pace = _EACH * len(secrets)

    def __repr__(self) -> str:
        return "SecretSearch(...)"

    def out_of(self, data: bytes) -> bytes:
        """Return all of a text, with placeholders in place of values."""
        return self.split(data, final=True)[0]

    def out_of_lines(self, lines: Sequence[str]) -> list[str]:
        """Return lines of a response's head without values, however they escape them."""
        # Together, as each search takes a while. No value has a line break, and no line.
        text = "\n".join(line.replace("\n", " ") for line in lines).encode("latin-1")
        return self.out_of(text).decode("latin-1").split("\n")

    def split(self, data: bytes, *, final: bool) -> tuple[bytes, bytes]:
        """Return what of a text can be passed on, without values, and the rest, to be kept back."""
        edge = len(data) if final else max(len(data) - self.longest, 0)
        made: list[bytes] = []
        at = 0
        for begin, end, placeholder in self._spans(data):
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

    def _spans(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Return where values stand, in order, each as far as others overlap it."""
        # What that takes depends on the text alone, which whoever sent it knows.
        layers = layers_of(data)
        least = _LEAST + self._pace * sum(len(layer.text) for layer in layers)
        begin = time.perf_counter()
        first, *others = layers
        found = _places(first, self._forms)
        for layer in others:
            found += _places(layer, self._plain)
        spans = _together(sorted(found))
        while (left := begin + least - time.perf_counter()) > 0:
            time.sleep(left)
        return spans


def _places(layer: Layer, forms: Sequence[Pair]) -> list[tuple[int, int, bytes]]:
    """Return where forms stand in a text: where each begins, its end as below zero, and whose."""
    found = []
    text = layer.text
    for form, placeholder in forms:
        at = text.find(form.core)
        while at >= 0:
            end = at + len(form.core)
            first = at - (at > 0 and text[at - 1] in form.lead)
            last = end + (end < len(text) and text[end] in form.tail)
            found.append((layer.begin(first), -layer.end(last), placeholder))
            at = text.find(form.core, at + 1)
    return found


def _together(found: Sequence[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    """Join what overlaps. Of those that begin together the longest comes first."""
    spans: list[tuple[int, int, bytes]] = []
    for first, last, placeholder in found:
        if spans and first < spans[-1][1]:
            begin, end, said = spans[-1]
            spans[-1] = begin, max(end, -last), said
        else:
            spans.append((first, -last, placeholder))
    return spans


def searched(search: SecretSearch, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what comes in pieces without values."""
    rest = b""
    for piece in pieces:
        passed, rest = search.split(rest + piece, final=False)
        if passed:
            yield passed
    if rest:
        yield search.out_of(rest)
