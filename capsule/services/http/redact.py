"""What of a request may be repeated in an envelope."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus, unquote_plus

from capsule.services.http.secret_labels import LABEL, NO_LABELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from capsule.services.http.secret_labels import SecretLabels
    from capsule.services.http.urls import Url

REDACTED = "[redacted]"
_SHOWN = 1024

_SECRETS = (
    "token",
    "secret",
    "key",
    "auth",
    "pass",
    "pwd",
    "jwt",
    "bearer",
    "assertion",
    "session",
    "cookie",
    "credential",
    "signature",
)
# A referrer is a URL, with a query of its own.
_WHOLE = frozenset(("referer", "sig", "code", "otp", "pin"))
# Shorter values are words and numbers that stand anywhere.
_LEAST = 8


class Values:
    """Values that are secrets wherever they stand, as they are and as URLs write them."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        long = {value for value in values if len(value) >= _LEAST}
        forms = long | {form(value) for value in long for form in (quote, quote_plus, _fully)}
        # The longest first: one may be a part of another.
        self._forms = sorted(forms, key=len, reverse=True)

    def __repr__(self) -> str:
        return "Values(...)"

    def out_of(self, text: str) -> str:
        """Return `text` without them."""
        for form in self._forms:
            text = text.replace(form, REDACTED)
        return text


def _fully(value: str) -> str:
    return quote(value, safe="")


_NONE = Values()


def is_secret(name: str) -> bool:
    """Return whether the value of a header or a query's parameter may be a secret.

    >>> is_secret("X-Api-Key"), is_secret("Set-Cookie"), is_secret("Accept")
    (True, True, False)
    """
    lower = name.lower()
    return lower in _WHOLE or any(part in lower for part in _SECRETS)


def redacted_url(url: Url, values: Values = _NONE, labels: SecretLabels = NO_LABELS) -> str:
    """Return a URL without the values of parameters that may be secrets, and not too long."""
    path, question, query = values.out_of(url.target).partition("?")
    path, query = labels.into(path, replaced=False), labels.into(query, replaced=True)
    # A path may have parameters too: "/a;jsessionid=1/b".
    shown = "/".join(";".join(map(_redacted, part.split(";"))) for part in path.split("/"))
    asked = "&".join(map(_redacted, query.replace(";", "&").split("&")))
    return _short(f"{url.scheme}://{url.authority}{shown}{question}{asked}")


def redacted_headers(
    headers: Iterable[tuple[str, str]], values: Values = _NONE, labels: SecretLabels = NO_LABELS
) -> list[list[str]]:
    """Return headers as pairs that JSON can hold, in order, secrets replaced."""
    return [
        [
            _short(labels.into(values.out_of(name), replaced=False)),
            labels.of_header(name, value) or REDACTED
            if is_secret(name)
            else _short(labels.into(values.out_of(value), replaced=True)),
        ]
        for name, value in headers
    ]


def _redacted(part: str) -> str:
    # A value may be a URL with a query of its own, and be encoded more than once.
    decoded = unquote_plus(unquote_plus(part))
    inner = (piece.partition("=") for piece in re.split("[?&;#]", decoded))
    if not any(value and is_secret(name) for name, _, value in inner):
        return part
    name, equals, _ = part.partition("=")
    shown = " ".join(LABEL.findall(part)) or REDACTED
    return f"{name}={shown}" if equals else shown


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
