"""What went wrong with a connection, in words that repeat nothing of what was sent."""

from __future__ import annotations

import ssl

import httpcore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.services.http.limits import Limits


def explained(
    problem: Exception, cause: Exception | None, place: str, limits: Limits, *, proxied: bool
) -> str:
    """Return the text for an error of httpcore's; `cause` is the socket's own, if there is one."""
    through = f"{place}, through the host's proxy," if proxied else place
    if isinstance(problem, httpcore.ProxyError):
        # The rest of its text is the proxy's own.
        code = str(problem)[:3]
        status = f" (status {code})" if code.isascii() and code.isdigit() else ""
        return f"the host's proxy does not connect to {place}{status}"
    if isinstance(problem, httpcore.ConnectTimeout):
        return f"connecting to {through} took longer than {limits.connect:g} s"
    if isinstance(problem, httpcore.ConnectError):
        return _unconnected(cause, place, through)
    return _broken(problem, place, limits)


def _unconnected(cause: Exception | None, place: str, through: str) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate of {place} is refused: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return f"TLS with {place} failed: {cause.reason or 'it was cut off'}"
    why = cause.strerror if isinstance(cause, OSError) else None
    return f"connecting to {through} failed: {why or 'no answer'}"


def _broken(problem: Exception, place: str, limits: Limits) -> str:
    if isinstance(problem, httpcore.TimeoutException):
        return f"{place} was silent for {limits.idle:g} s"
    if isinstance(problem, httpcore.ProtocolError):
        return f"{place} did not answer with a whole HTTP/1.1 response within its bounds"
    return f"the connection to {place} was closed early"
