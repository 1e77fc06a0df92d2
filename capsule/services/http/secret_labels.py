"""What a record says of the secrets of a request, in place of their placeholders.

`[secret KEY]` where the value is put in, and `[placeholder of KEY]` where that stays: in a path, or
at a host that the secret is not for. What the code writes like that itself loses its bracket.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from capsule.policy.secret_rules import Secret


class SecretLabels:
    """The labels of one request, which has the values of `put_in` in the place of placeholders."""

    def __init__(self, secrets: Iterable[Secret] = (), put_in: Iterable[Secret] = ()) -> None:
        self._names = {secret.placeholder: secret.name for secret in secrets}
        self._put_in = {secret.placeholder for secret in put_in}
        self._pattern = re.compile("|".join(map(re.escape, self._names)))

    def __repr__(self) -> str:
        return f"<SecretLabels of {len(self._names)}>"

    def into(self, text: str, *, replaced: bool) -> str:
        """Return a text with labels; `replaced` says whether values are put in where it stands."""
        text = _FORGED.sub("%5B", text)
        if not self._names:
            return text
        return self._pattern.sub(self._label(replaced=replaced), text)

    def of_header(self, name: str, value: str) -> str:
        """Return the labels of a header, and nothing else of it; empty where it has none."""
        if not self._names:
            return ""
        scheme, _, credentials = value.partition(" ")
        if name.lower() == "authorization" and scheme.lower() == "basic":
            # A placeholder may stand for all of it.
            with suppress(Error, ValueError):
                value = a2b_base64(credentials.strip(), strict_mode=True).decode("latin-1")
        return " ".join(map(self._label(replaced=True), self._pattern.finditer(value)))

    def _label(self, *, replaced: bool) -> Callable[[re.Match[str]], str]:
        def of(match: re.Match[str]) -> str:
            found = match.group()
            kind = "secret" if replaced and found in self._put_in else "placeholder of"
            return f"[{kind} {self._names[found]}]"

        return of


# With a space, which no URL has: what a URL has of these is ours.
LABEL = re.compile(r"\[(?:secret|placeholder of) [A-Za-z0-9_]+\]")
# The bracket of what would seem to be one, with any space that a header can have.
_FORGED = re.compile(r"\[(?=\s*(?:secret|placeholder\s+of)\s)", re.IGNORECASE)
NO_LABELS = SecretLabels()
