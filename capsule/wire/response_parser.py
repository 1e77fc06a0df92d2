"""Reading what a sandbox answered: JSON from a hostile peer."""

from __future__ import annotations

from capsule import direct_json
from capsule.errors import WireError
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    # What a task's code can honestly say of itself; everything else the host finds out.
    Claim = Literal["task_error", "memory_exceeded"]
# What parsed JSON takes at most on the host, in bytes for each of these bytes of its text: an
# object, a list, an item, and the key of one (CPython 3.11 to 3.13, 64 bit).
_WEIGHTS = ((b"{", 240), (b"[", 100), (b",", 100), (b":", 80))
MAX_WEIGHT = 1 << 30
_MAX_FAILURE_WEIGHT = 16 << 20
_FAILURE = frozenset(("error_type", "message", "traceback", "needs"))


class RawResult(NamedTuple):
    """A result that another sandbox will read: as it came, and nobody here has looked at it.

    `kind` is "text" for one string in UTF-8, else "json".
    """

    kind: Literal["json", "text"]
    payload: bytes | bytearray


class Failure(NamedTuple):
    """How a task says it failed; `needs` is a package that its interpreter has not."""

    error_type: Claim
    message: str
    traceback: str | None
    needs: str | None = None


def weight(payload: bytes | bytearray) -> int:
    """Return how many bytes of memory `payload` may take when it is parsed, besides its text.

    Text that only looks like structure counts too: the figure is never too small.
    """
    return sum(payload.count(part) * each for part, each in _WEIGHTS)


def read_result(payload: bytes | bytearray) -> Any:
    """Parse a result. Raises `WireError` when it is not the JSON that an envelope can hold."""
    value = _parse(payload, "result")
    if b"\\ud" in payload or b"\\uD" in payload:
        # Such an escape can stand for half a character, which no UTF-8 output can hold.
        try:
            direct_json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise WireError("the sandbox sent a result with a lone surrogate") from None
    return value


def read_text(payload: bytes | bytearray) -> str:
    """Decode a result that is one string. Raises `WireError` when it is not UTF-8."""
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise WireError(f"the sandbox sent text that is not UTF-8, at byte {error.start}") from None


def read_failure(payload: bytes | bytearray) -> Failure:
    """Parse a failure. Raises `WireError` when it is not one."""
    if weight(payload) > _MAX_FAILURE_WEIGHT:
        raise WireError("the sandbox sent a failure with too many parts")
    value = _parse(payload, "failure")
    if not isinstance(value, dict) or not value.keys() <= _FAILURE:
        raise WireError("the sandbox sent a failure with other keys than it has to have")
    kind, message, trace = (value.get(key) for key in ("error_type", "message", "traceback"))
    if kind not in ("task_error", "memory_exceeded") or not isinstance(message, str):
        raise WireError(f"the sandbox sent a failure of type {kind!r:.80}")
    if trace is not None and not isinstance(trace, str):
        raise WireError("the sandbox sent a traceback that is not text")
    needs = value.get("needs")
    if needs is not None and not (isinstance(needs, str) and needs.isidentifier()):
        raise WireError("the sandbox needs a package that has no name")
    trace = trace if trace is None else _printable(trace)
    return Failure(kind, _printable(message), trace, needs)


def _parse(payload: bytes | bytearray, what: str) -> Any:
    try:
        return direct_json.loads(
            payload.decode(), parse_constant=_refuse_constant, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        # The text of the error may quote what the sandbox sent; its type says enough.
        reason = "nested too deep" if isinstance(error, RecursionError) else type(error).__name__
        raise WireError(f"the sandbox sent a {what} that is not JSON ({reason})") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not abs(value) < float("inf"):
        raise ValueError(text[:20])
    return value


def _printable(text: str) -> str:
    """Replace lone surrogates, which cannot be written out as UTF-8."""
    return text.encode(errors="replace").decode()
