"""What stands between a sandbox and the values of its secrets, in both directions.

Placeholders become values in what goes to the hosts of a secret, and values placeholders in all
that comes back from these. What other hosts send is left alone: they were never told a value, and
to search it would have them try guesses.
"""

from __future__ import annotations

import logging
from threading import local

from capsule.services.http.content_coding import coding_of, unpacked
from capsule.services.http.exchange import is_sending
from capsule.services.http.secret_labels import SecretLabels
from capsule.services.http.secret_requests import SecretRequests
from capsule.services.http.secret_search import SecretSearch, searched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from capsule.policy.secret_rules import Secret
    from capsule.services.http.exchange import Head, Request
    from capsule.services.http.urls import Url

# Where httpcore tells of what it does: with what came from a server, as it came, to whoever listens
# to all that a program logs.
_LOGGERS = ("httpcore.connection", "httpcore.http11", "httpcore.proxy")
_reading = local()


class SecretGuard:
    """Guards the secrets of one sandbox."""

    def __init__(self, secrets: Sequence[Secret]) -> None:
        self._secrets = tuple(secrets)
        self._requests = SecretRequests(secrets)
        self._search = SecretSearch(secrets)
        for name in _LOGGERS:
            # The same function, so that it is there once.
            logging.getLogger(name).addFilter(_is_of_others)

    def __repr__(self) -> str:
        return f"<SecretGuard {self._requests!r}>"

    def labels(self, url: Url) -> SecretLabels:
        """Return what the record of a request to a URL says in place of placeholders."""
        return SecretLabels(self._secrets, self._requests.put_in_at(url))

    def guarded(self, request: Request) -> Request:
        """Return a request as it goes out. Raises `RefusedError`."""
        if not self._requests.names_host(request.url):
            return request
        target, sent = self._requests.put_in(request.url, request.sent)
        answers = AnswerGuard(
            self._search,
            request.url.place,
            bodiless=request.method == "HEAD",
        )
        return request._replace(sent=sent, target=target, answers=answers)


class AnswerGuard:
    """Takes values out of one response, which comes from `place`; `head` is called first."""

    def __init__(self, search: SecretSearch, place: str, *, bodiless: bool) -> None:
        self._search, self._place = search, place
        self._bodiless = bodiless
        self._coding = ""

    def head(self, head: Head) -> Head:
        """Return the head of the response. Raises `FailedError` for a body that is not searched."""
        # A length would tell that of the value.
        dropped = {"content-length"}
        if not self._bodiless:
            self._coding = coding_of(head.headers, self._place)
            dropped.add("content-encoding")
        kept = [pair for pair in head.headers if pair[0].lower() not in dropped]
        lines = [head.reason, *(part for pair in kept for part in pair)]
        reason, *parts = self._search.out_of_lines(lines)
        headers = list(zip(parts[::2], parts[1::2], strict=True))
        return head._replace(reason=reason, headers=headers)

    def body(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces of the body. Raises `FailedError` for one that cannot be unpacked."""
        pieces = _unlogged(pieces)
        if self._coding:
            pieces = unpacked(pieces, self._coding, self._place)
        return searched(self._search, pieces)


def _unlogged(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces, while nothing of how they come is logged."""
    source = iter(pieces)
    while True:
        _reading.now = True
        try:
            piece = next(source, None)
        finally:
            _reading.now = False
        if piece is None:
            return
        yield piece


def _is_of_others(_: logging.LogRecord) -> bool:
    return not is_sending() and not getattr(_reading, "now", False)
