"""One request and its response: a thread sends, the caller reads."""

from __future__ import annotations

import time
from threading import Condition, Lock, Thread, local

import httpcore

from capsule.namedtuples import NamedTuple
from capsule.services.http.connection import PinnedConnection
from capsule.services.http.error_text import explained
from capsule.services.http.failures import FailedError, LateError, RefusedError
from capsule.services.http.headers import framed, received

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    from capsule.services.http.headers import Sent
    from capsule.services.http.limits import Limits
    from capsule.services.http.proxies import Proxy
    from capsule.services.http.request_log import Record
    from capsule.services.http.urls import Url

    class AnswerGuard(Protocol):
        """What looks at all that a server sends before anybody else does."""

        def head(self, head: Head) -> Head: ...

        def body(self, pieces: Iterable[bytes]) -> Iterator[bytes]: ...


_THREAD = "capsule-http"
_sending = local()
_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


def is_sending() -> bool:
    """Say whether this is the thread of an exchange."""
    return getattr(_sending, "now", False)


class Head(NamedTuple):
    """The start of a response."""

    status: int
    reason: str
    headers: list[tuple[str, str]]


class Request(NamedTuple):
    """A request that was checked, but for the addresses of its host.

    `addresses` resolves and checks: it returns the addresses to connect to, or raises
    `RefusedError` or `FailedError`. `trust` returns the TLS context, or raises `FailedError`.
    `target` is that of the URL as it goes out, and `answers` what looks at all that comes back.
    """

    method: str
    url: Url
    sent: Sent
    proxy: Proxy | None
    addresses: Callable[[], list[str]]
    trust: Callable[[], ssl.SSLContext]
    target: str
    answers: AnswerGuard | None = None


class Exchange:
    """A request on its way. One thread calls `write`, `answer` and `read`; any may call `end`."""

    def __init__(self, request: Request, limits: Limits, record: Record) -> None:
        self._request = request
        self._limits = limits
        self._record = record
        self._deadline = time.monotonic() + limits.seconds
        self._line = PinnedConnection(limits, self._deadline)
        self._changed = Condition()
        # All of these change under the condition only.
        self._error: RefusedError | FailedError | None = None
        self._resolved = False
        self._piece = b""
        self._complete = False
        self._written = 0
        self._head: Head | None = None
        self._response: httpcore.Response | None = None
        # And these under this lock.
        self._reading = Lock()
        self._pieces: Iterator[bytes] | None = None
        self._rest = b""
        self.worker = Thread(target=self._work, name=_THREAD, daemon=True)

    def start(self, timeout: float | None) -> None:
        """Resolve and check the host. Raises `RefusedError` or `FailedError`."""
        self._check()
        self.worker.start()
        with self._changed:
            done = self._changed.wait_for(
                lambda: self._resolved or self._error is not None,
                _least(self._limits.connect, self._limits.seconds, timeout),
            )
            if self._error is not None:
                raise type(self._error)(str(self._error))
        if not done:
            self._give_up(LateError(f"{self._request.url.host} could not be resolved in time"))
            self._check()

    def write(self, data: bytes, timeout: float | None) -> None:
        """Send a piece of the body, once the piece before it has been taken."""
        in_time = True
        with self._changed:
            if self._complete:
                raise FailedError("the body of this request is complete")
            self._written += len(data)
            most = self._limits.body
            if self._request.sent.length is not None:
                most = min(most, self._request.sent.length)
            fits = self._written <= most
            if fits and data:
                in_time = self._wait(lambda: not self._piece or self._head is not None, timeout)
                # An answer that came early ended the request: nobody takes the rest.
                self._piece = b"" if self._head is not None else data
                self._changed.notify_all()
        if not fits:
            self._give_up(FailedError(f"the body of this request has more than {most} bytes"))
        if not in_time:
            # What was to be sent is lost, so nothing may come after it.
            self._give_up(LateError(f"{self._request.url.place} did not take the body in time"))
        self._check()

    def answer(self, timeout: float | None) -> Head:
        """End the body and return the head of the response, once it is there.

        When `timeout` is over the request goes on: it may be asked for its answer again.
        """
        length = self._request.sent.length
        if length is not None and self._written < length and self._head is None:
            self._give_up(
                FailedError(f"the body has {self._written} bytes, its Content-Length is {length}")
            )
        with self._changed:
            self._complete = True
            self._changed.notify_all()
            self._wait(lambda: self._head is not None, timeout)
            head = self._head
        self._check()
        if head is None:
            raise LateError(f"{self._request.url.place} did not answer in time")
        return head

    def read(self, most: int, timeout: float | None) -> bytes:
        """Return the next piece of the body, at most `most` bytes, b"" at the end."""
        if most < 1:
            raise FailedError("a read is of at least one byte")
        if not self._complete or self._head is None:
            self._check()
            raise FailedError("this request was not answered yet")
        with self._reading:
            if not self._rest:
                self._line.idle = _least(self._limits.idle, timeout)
                self._rest = self._next()
            piece, self._rest = self._rest[:most], self._rest[most:]
            return piece

    def end(self, error: str | None = None) -> None:
        """End it, whatever it is doing: threads that wait for it get a `FailedError`."""
        with self._changed:
            if self._head is None:
                error = error or "the request was given up before it was answered"
            self._record.end(error)
            self._error = self._error or FailedError(error or "this request is finished")
            self._changed.notify_all()
        # First this, so that a thread that reads lets go of the lock.
        self._line.cut()
        with self._reading:
            self._rest = b""
            # Before there is a head the worker uses the connection, and closes it itself: closing
            # under a thread that reads could make it read from another connection's descriptor.
            if self._head is not None:
                self._line.close()

    def join(self, seconds: float) -> None:
        """Wait for the thread, after `end`, but for one that a resolver holds.

        That one ends when the resolver does, and connects to nothing any more.
        """
        if self._resolved:
            self.worker.join(seconds)

    def _work(self) -> None:
        _sending.now = True
        error: RefusedError | FailedError = FailedError("the request ended in an unforeseen way")
        try:
            self._send()
        except (RefusedError, FailedError) as problem:
            error = problem
        except (*_ERRORS, httpcore.ProxyError) as problem:
            error = self._explained(problem)
        finally:
            if self._head is None:
                self._give_up(error)
                self._line.close()

    def _send(self) -> None:
        request = self._request
        self._line.pin(request.addresses())
        with self._changed:
            self._resolved = True
            self._changed.notify_all()
        # What the guest writes first decides about the framing, so no connection is made before.
        first = self._take()
        headers = framed(request.url, request.method, request.sent, body=bool(first))
        url = httpcore.URL(
            scheme=request.url.scheme.encode(),
            host=request.url.host.encode(),
            port=request.url.port,
            target=request.target.encode(),
        )
        response = self._pool().handle_request(
            httpcore.Request(request.method, url, headers=headers, content=self._body(first))
        )
        self._line.has_head()
        if response.status == 101:
            raise FailedError(f"{request.url.place} switched to another protocol unasked")
        reason = bytes(response.extensions.get("reason_phrase", b"")).decode("latin-1")
        head = Head(response.status, reason, received(response.headers))
        if request.answers is not None:
            head = request.answers.head(head)
        with self._changed:
            self._response = response
            self._head = head
            self._record.status = response.status
            self._piece = b""
            self._changed.notify_all()

    def _pool(self) -> httpcore.ConnectionPool:
        request = self._request
        context = request.trust() if request.url.scheme == "https" else None
        if request.proxy is None:
            return httpcore.ConnectionPool(ssl_context=context, network_backend=self._line)
        return httpcore.HTTPProxy(
            httpcore.URL(
                scheme=b"http",
                host=request.proxy.host.encode(),
                port=request.proxy.port,
                target=b"/",
            ),
            proxy_auth=None
            if request.proxy.login is None
            else (request.proxy.login[0].encode(), request.proxy.login[1].encode()),
            ssl_context=context,
            network_backend=self._line,
        )

    def _body(self, first: bytes) -> Iterator[bytes]:
        piece = first
        while piece:
            yield piece
            piece = self._take()

    def _take(self) -> bytes:
        """Return the next piece of the body, b"" at its end."""
        with self._changed:
            self._wait(lambda: bool(self._piece) or self._complete)
            if self._error is not None:
                raise FailedError(str(self._error))
            piece, self._piece = self._piece, b""
            self._changed.notify_all()
            return piece

    def _wait(self, ready: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait, with the condition held, until it is ready or there is an error.

        Return whether that was within `timeout`; the end of the whole time is an error.
        """
        left = max(self._deadline - time.monotonic(), 0)
        most = _least(left, timeout)
        if self._changed.wait_for(lambda: self._error is not None or ready(), most):
            return True
        if most < left:
            return False
        self._error = self._too_long()
        self._changed.notify_all()
        return True

    def _next(self) -> bytes:
        """Return the next piece of the body, with the lock of reading held."""
        try:
            piece = self._received()
        except FailedError:
            self._line.close()
            raise
        if not piece:
            self._record.end()
            self._line.close()
        return piece

    def _received(self) -> bytes:
        self._check()
        if self._pieces is None:
            if self._response is None:
                return b""
            pieces, guard = iter(self._response.iter_stream()), self._request.answers
            self._pieces = pieces if guard is None else guard.body(pieces)
        try:
            piece = next(filter(None, self._pieces), b"")
        except _ERRORS as problem:
            self._give_up(self._explained(problem))
            piece = b""
        except FailedError as error:
            self._give_up(error)
            piece = b""
        self._check()
        self._record.bytes += len(piece)
        if self._record.bytes > self._limits.body:
            self._give_up(FailedError(f"the response has more than {self._limits.body} bytes"))
            self._check()
        return piece

    def _give_up(self, error: RefusedError | FailedError) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()
            said = str(self._error)
        self._record.end(said)
        self._line.cut()

    def _check(self) -> None:
        if self._error is not None:
            self._give_up(self._error)
            raise type(self._error)(str(self._error))

    def _too_long(self) -> LateError:
        return LateError(
            f"{self._request.url.place} took longer than {self._limits.seconds:g} s, all in all"
        )

    def _explained(self, problem: Exception) -> FailedError:
        if self._line.is_late:
            return self._too_long()
        kind = LateError if isinstance(problem, httpcore.TimeoutException) else FailedError
        proxied = self._request.proxy is not None
        return kind(
            explained(
                problem,
                self._line.problem,
                self._request.url.place,
                self._limits._replace(idle=self._line.idle),
                proxied=proxied,
            )
        )


def _least(first: float, *others: float | None) -> float:
    return min((first, *(other for other in others if other is not None)))
