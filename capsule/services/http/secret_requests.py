"""Putting values of secrets in place of their placeholders, in requests to their hosts alone.

In the values of headers, in the credentials of Basic, and in the query of a URL. Nowhere else.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, b2a_base64
from ipaddress import ip_address
from urllib.parse import quote

from capsule.services.http.allowlist import is_local, matches
from capsule.services.http.failures import RefusedError
from capsule.services.http.urls import is_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from capsule.policy.secret_rules import Secret
    from capsule.services.http.headers import Sent
    from capsule.services.http.urls import Url

# Placeholders of one request: a value may be as long as a hundred of them.
MOST = 8
# What a server would answer in pieces, or packed, could not be searched.
_UNASKED = frozenset(("accept-encoding", "range", "if-range"))


class SecretRequests:
    """The secrets of one run, for the requests of its sandboxes."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._secrets = tuple(secrets)

    def __repr__(self) -> str:
        return f"<SecretRequests {', '.join(secret.name for secret in self._secrets)}>"

    def names_host(self, url: Url) -> bool:
        """Say whether any secret is for the host of a URL."""
        return any(matches(url, secret.hosts) for secret in self._secrets)

    def put_in_at(self, url: Url) -> list[Secret]:
        """Return the secrets whose values a request to a URL may bear."""
        if not _is_safe(url):
            return []
        return [secret for secret in self._secrets if matches(url, secret.hosts)]

    def put_in(self, url: Url, sent: Sent) -> tuple[str, Sent]:
        """Return the target and the headers of a request to a host of a secret as they go out.

        Raises `RefusedError` for more placeholders than a request may have.
        """
        headers = tuple(pair for pair in sent.headers if pair[0].lower() not in _UNASKED)
        values = {secret.placeholder: secret.value for secret in self.put_in_at(url)}
        if not values:
            return url.target, sent._replace(headers=(*headers, _PLAIN))
        put = _Replacement(values)
        path, question, query = url.target.partition("?")
        target = path + question + put.into(query, escaped=True)
        headers = tuple((name, put.into_header(name, value)) for name, value in headers)
        if put.count > MOST:
            raise RefusedError(f"a request has the placeholders of at most {MOST} secrets")
        return target, sent._replace(headers=(*headers, _PLAIN))


_PLAIN = ("Accept-Encoding", "identity")


class _Replacement:
    """Replaces in one go: what was put in is not looked at again."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values
        self._pattern = re.compile("|".join(map(re.escape, values)))
        self.count = 0

    def into(self, text: str, *, escaped: bool = False) -> str:
        def value_of(match: re.Match[str]) -> str:
            self.count += 1
            # Only what is sent costs memory.
            value = self._values[match.group()] if self.count <= MOST else ""
            return quote(value, safe="") if escaped else value

        return self._pattern.sub(value_of, text)

    def into_header(self, name: str, value: str) -> str:
        scheme, space, credentials = value.partition(" ")
        if name.lower() == "authorization" and scheme.lower() == "basic":
            try:
                plain = a2b_base64(credentials.strip(), strict_mode=True).decode("latin-1")
            except (Error, ValueError):
                pass  # which it may be when a placeholder stands for all of it
            else:
                made = self.into(plain).encode("latin-1")
                return scheme + space + b2a_base64(made, newline=False).decode()
        return self.into(value)


def _is_safe(url: Url) -> bool:
    """Say whether nobody between here and the host can read what is sent."""
    if url.scheme == "https":
        return True
    # A name that merely resolves to loopback today may lead elsewhere tomorrow.
    if is_address(url.host):
        return ip_address(url.host.strip("[]")).is_loopback
    return is_local(url.host)
