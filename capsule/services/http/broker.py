"""What a sandbox asks for HTTP: checks first, then one exchange per request."""

from __future__ import annotations

import time
from threading import Lock

from capsule.services.http import dns
from capsule.services.http.allowlist import allow, check_addresses, check_unresolved
from capsule.services.http.ca_certificates import SETTINGS, tls_context
from capsule.services.http.exchange import Exchange, Head, Request
from capsule.services.http.failures import FailedError, RefusedError
from capsule.services.http.headers import METHODS, check_headers, check_method
from capsule.services.http.limits import Limits
from capsule.services.http.proxies import proxy_for, read_proxies
from capsule.services.http.request_log import RequestLog
from capsule.services.http.secret_labels import NO_LABELS
from capsule.services.http.urls import parse_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, Self

    from capsule.policy.secret_rules import Secret
    from capsule.services.http.addresses import Reach
    from capsule.services.http.allowlist import Hosts
    from capsule.services.http.proxies import Proxy
    from capsule.services.http.request_log import Record
    from capsule.services.http.secret_guard import SecretGuard
    from capsule.services.http.urls import Url

# A resolver that hangs cannot be stopped, so its threads are counted.
_SPARE_THREADS = 16
_CLOSED = "the requests of this run were ended"


class Broker:
    """The HTTP of one sandbox, for one attempt; `ledger` keeps what all attempts asked for.

    The guest is hostile: every call is checked, and every text that comes back is safe to show it.
    Redirects are not followed: the guest's client asks for the next URL, which is checked anew.
    Each exchange has a connection of its own. A host's name is resolved once, all of its addresses
    are checked, and only these are connected to. Where the host's environment names a proxy, the
    proxy resolves instead, and only names can be checked (see `proxies`).

    `allowed` are patterns in normal form (see `allowlist` for what they reach), `environ` is read
    once, for proxies and CA settings. `look` resolves a name and is there for tests. Values of
    `secrets` are put into requests to their hosts, and taken out of all that comes back.
    """

    def __init__(  # noqa: PLR0913 - what a sandbox is given, and what tests are
        self,
        allowed: Hosts,
        environ: Mapping[str, str],
        limits: Limits | None = None,
        *,
        ledger: RequestLog | None = None,
        look: Callable[[str, int], list[str]] = dns.lookup,
        secrets: Sequence[Secret] = (),
    ) -> None:
        self._allowed = allowed
        # The rest of the host's environment is none of a request's business.
        self._trusted = {name: environ[name] for name in SETTINGS if name in environ}
        self._proxies = read_proxies(environ)
        self._limits = limits or Limits()
        self._look = look
        self._lock = Lock()
        self._closed = False
        self._next = 1
        self._exchanges: dict[int, Exchange] = {}
        self._workers: list[Exchange] = []
        self._ledger = RequestLog() if ledger is None else ledger
        self._trusting = Lock()
        self._context: ssl.SSLContext | None = None
        self._guard: SecretGuard | None = None
        if secrets:
            from capsule.services.http.secret_guard import SecretGuard  # most runs have none

            self._guard = SecretGuard(secrets)

    def __repr__(self) -> str:
        return f"<Broker {len(self._exchanges)} open, {len(self._ledger)} asked for>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Return an entry per request, refused ones too, for the envelope; secrets are redacted."""
        return self._ledger.entries()

    def open(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        timeout: float | None = None,
    ) -> int:
        """Start an exchange and return its number; nothing is sent before `write` or `answer`.

        `timeout`, here as in all calls, is how long the guest cares to wait, in seconds; it only
        shortens what the limits allow.

        Raises `RefusedError` for what the policy or a rule does not allow, and `FailedError` when
        the host has no address, or too much is open.
        """
        with self._lock:
            if self._closed:
                raise FailedError(_CLOSED)
        record = self._ledger.add(self._limits.total)
        if record is None:
            raise RefusedError(f"a run may ask for {self._limits.total} requests, not more")
        try:
            return self._start(self._checked(method, url, headers, record), record, timeout)
        except (RefusedError, FailedError) as error:
            record.end(str(error))
            raise

    def write(self, exchange: int, data: bytes, timeout: float | None = None) -> None:
        """Send a piece of the request's body; waits until the one before it was taken.

        Raises `FailedError`.
        """
        self._find(exchange).write(data, timeout)

    def answer(self, exchange: int, timeout: float | None = None) -> Head:
        """End the request's body and return the head of the response.

        Raises `FailedError`; after a `LateError` for `timeout` it may be called again.
        """
        return self._find(exchange).answer(timeout)

    def read(self, exchange: int, most: int, timeout: float | None = None) -> bytes:
        """Return the next bytes of the response's body, at most `most`, b"" at its end.

        The body is as it came: what is compressed stays so. Raises `FailedError`.
        """
        return self._find(exchange).read(most, timeout)

    def finish(self, exchange: int) -> None:
        """Close an exchange, complete or not. Raises `FailedError` when there is none."""
        found = self._find(exchange)
        found.end()
        with self._lock:
            self._exchanges.pop(exchange, None)

    def close(self) -> None:
        """End all exchanges; threads that wait in one get a `FailedError` at once."""
        with self._lock:
            self._closed = True
            exchanges = [*self._exchanges.values(), *self._workers]
            self._exchanges.clear()
            self._workers.clear()
        for exchange in exchanges:
            exchange.end(_CLOSED)
        end = time.monotonic() + 1
        for exchange in exchanges:
            exchange.join(max(end - time.monotonic(), 0))

    def _find(self, number: int) -> Exchange:
        with self._lock:
            found = self._exchanges.get(number)
            if found is None:
                raise FailedError(_CLOSED if self._closed else "there is no such exchange")
            return found

    def _checked(
        self, method: str, text: str, headers: Sequence[tuple[str, str]], record: Record
    ) -> Request:
        if method in METHODS:
            record.method = method
        url = parse_url(text)
        labels = NO_LABELS if self._guard is None else self._guard.labels(url)
        self._ledger.note(record, url, labels)
        check_method(method)
        sent = check_headers(url, headers)
        self._ledger.note_headers(record, headers, labels)
        reach = allow(url, *self._allowed)
        proxy = proxy_for(url, self._proxies)
        if proxy is not None:
            check_unresolved(url, reach)
        request = Request(
            method,
            url,
            sent,
            proxy,
            lambda: self._addresses(url, reach, proxy),
            self._trust,
            url.target,
        )
        return request if self._guard is None else self._guard.guarded(request)

    def _start(self, request: Request, record: Record, timeout: float | None) -> int:
        exchange = Exchange(request, self._limits, record)
        with self._lock:
            self._workers = [one for one in self._workers if one.worker.is_alive()]
            if self._closed:
                raise FailedError(_CLOSED)
            if (
                len(self._exchanges) >= self._limits.open
                or len(self._workers) >= self._limits.open + _SPARE_THREADS
            ):
                raise FailedError(
                    f"{self._limits.open} requests are open already; finish one first"
                )
            number, self._next = self._next, self._next + 1
            self._exchanges[number] = exchange
        try:
            exchange.start(timeout)
        except (RefusedError, FailedError):
            with self._lock:
                self._exchanges.pop(number, None)
            raise
        finally:
            with self._lock:
                self._workers.append(exchange)
        return number

    def _addresses(self, url: Url, reach: Reach, proxy: Proxy | None) -> list[str]:
        if proxy is not None:
            # The proxy is the host's own choice: where it stands is not the policy's matter.
            return self._proxy_addresses(proxy)
        found = dns.addresses_of(url.host, url.port, self._look)
        try:
            check_addresses(url, reach, found)
        except ValueError:
            raise FailedError(f"{url.host} has no address: its name cannot be resolved") from None
        return found

    def _proxy_addresses(self, proxy: Proxy) -> list[str]:
        try:
            return self._look(proxy.host, proxy.port)[: dns.MAX_ADDRESSES]
        except (OSError, UnicodeError):
            raise FailedError("the host's proxy has no address") from None

    def _trust(self) -> ssl.SSLContext:
        # Made once, and only for the first https: loading certificates takes a while.
        with self._trusting:
            if self._context is None:
                self._context = tls_context(self._trusted)
            return self._context
