"""What a sandbox can ask for while it runs: tasks, and requests where its policy allows hosts."""

from __future__ import annotations

from threading import Lock

from capsule.message_text import printable
from capsule.runner.call_dispatcher import CallError, unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from capsule.policy.resolve import Policy
    from capsule.policy.secret_rules import Secret
    from capsule.process.cancel import Cancellation
    from capsule.runner.call_dispatcher import Answer, Data, HostCall
    from capsule.runner.host_functions import HostFunctions
    from capsule.services.http.broker import Broker
    from capsule.services.http.request_log import RequestLog

    _Step = Callable[[Broker, dict[str, Any], bytes], tuple[dict[str, Any], bytes]]

_PIECE = 64 << 10
# What calls a function of the host.
_FUNCTION = "tool"
# Seconds; more than any limit of the broker's, so that no number of the guest's is too large.
_LONGEST = 86_400


class Services:
    """The services of one task under its policy; each attempt is in a `with` block of its own.

    `environ` has the settings of proxies, `task` runs another task; `values` are those of its
    variables, which no entry may repeat, and `secrets` are put into requests to their hosts. The
    requests of all attempts are kept, and bounded, together: one that fails on purpose could hide
    what it asked for behind the next.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all that a task can ask for
        self,
        policy: Policy,
        environ: Mapping[str, str],
        task: Answer,
        values: Iterable[str] = (),
        functions: HostFunctions | None = None,
        secrets: Sequence[Secret] = (),
    ) -> None:
        self._functions = functions
        self._environ = environ
        self._task = task
        self._values = values
        self._secrets = secrets
        self._policy = policy
        self._broker: Broker | None = None
        self._ledger: RequestLog | None = None
        self._stoppable = Lock()

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Return an entry for each call of a function of the host, for the envelope."""
        return [] if self._functions is None else self._functions.calls

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Return an entry for each request, for the envelope."""
        return [] if self._ledger is None else self._ledger.entries()

    def __call__(self, asked: HostCall, cancellation: Cancellation) -> tuple[dict[str, Any], Data]:
        """Do what was asked. Raises `CallError`."""
        if asked.op == "task":
            return self._task(asked, cancellation)
        if asked.op == _FUNCTION:
            if self._functions is None:
                name = printable(str(asked.fields.get("name"))[:80])
                raise CallError("refused", f"no function {name!r} is given here: tools=[{name}]")
            return self._functions(asked, cancellation)
        if not asked.op.startswith("http."):
            raise unknown(asked)
        if self._broker is None:
            origins = self._policy.origins
            by = origins.denials.hosts
            why = f"{by} takes its allowed_hosts" if by else "it has no allowed_hosts"
            if origins.whose == "session" and not by:
                # No file says what it may do.
                why += (
                    ', open one that has: allowed_hosts=["api.example.com"] of a Session, '
                    "--allow-host api.example.com of a command"
                )
            raise CallError("refused", f"this {origins.whose} may not use the network: {why}")
        # Whoever cancels need not wait for a server that is silent.
        if self._stoppable.acquire(blocking=False):
            cancellation.attach(self._broker.close)
        return _requested(self._broker, asked)

    def close(self) -> None:
        """End all requests; who waits for one is told so."""
        if self._broker is not None:
            self._broker.close()

    def __enter__(self) -> Services:
        policy = self._policy
        if policy.allowed_hosts:
            # Only a task that may reach hosts pays for the HTTP client.
            from capsule.services.http.allowlist import Hosts
            from capsule.services.http.broker import Broker
            from capsule.services.http.request_log import RequestLog

            if self._ledger is None:
                shown = {secret.placeholder for secret in self._secrets}
                known = [value for value in self._values if value not in shown]
                self._ledger = RequestLog([*known, *(secret.value for secret in self._secrets)])
            hosts = Hosts(policy.allowed_hosts, policy.host_ceilings)
            self._broker = Broker(hosts, self._environ, ledger=self._ledger, secrets=self._secrets)
            self._stoppable = Lock()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _requested(broker: Broker, asked: HostCall) -> tuple[dict[str, Any], bytes]:
    from capsule.services.http.failures import FailedError, LateError, RefusedError

    step, known = _STEPS.get(asked.op, (None, frozenset[str]()))
    if step is None:
        raise unknown(asked)
    try:
        _check(asked, known)
        return step(broker, asked.fields, bytes(asked.data))
    except RefusedError as error:
        raise CallError("refused", str(error)) from None
    except LateError as error:
        raise CallError("late", str(error)) from None
    except FailedError as error:
        raise CallError("failed", str(error)) from None
    except (KeyError, TypeError, ValueError):
        raise CallError(
            "failed", f"the fields of {asked.op} are not what they have to be"
        ) from None


def _check(asked: HostCall, known: frozenset[str]) -> None:
    if not asked.fields.keys() <= known or len(asked.data) > _PIECE:
        raise ValueError


def _open(broker: Broker, fields: dict[str, Any], _: bytes) -> tuple[dict[str, Any], bytes]:
    headers = [(_text(name), _text(value)) for name, value in fields["headers"]]
    method, url = _text(fields["method"]), _text(fields["url"])
    return {"id": broker.open(method, url, headers, _timeout(fields))}, b""


def _write(broker: Broker, fields: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    broker.write(_number(fields["id"]), data, _timeout(fields))
    return {}, b""


def _answer(broker: Broker, fields: dict[str, Any], _: bytes) -> tuple[dict[str, Any], bytes]:
    head = broker.answer(_number(fields["id"]), _timeout(fields))
    return {"status": head.status, "reason": head.reason, "headers": head.headers}, b""


def _read(broker: Broker, fields: dict[str, Any], _: bytes) -> tuple[dict[str, Any], bytes]:
    most = min(max(_number(fields["most"]), 1), _PIECE)
    return {}, broker.read(_number(fields["id"]), most, _timeout(fields))


def _finish(broker: Broker, fields: dict[str, Any], _: bytes) -> tuple[dict[str, Any], bytes]:
    broker.finish(_number(fields["id"]))
    return {}, b""


# What does it, and the fields that it can have.
_STEPS: dict[str, tuple[_Step, frozenset[str]]] = {
    "http.open": (_open, frozenset({"method", "url", "headers", "timeout"})),
    "http.write": (_write, frozenset({"id", "timeout"})),
    "http.answer": (_answer, frozenset({"id", "timeout"})),
    "http.read": (_read, frozenset({"id", "most", "timeout"})),
    "http.finish": (_finish, frozenset({"id"})),
}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _timeout(fields: dict[str, Any]) -> float | None:
    """Return how long the guest cares to wait, None when it does not say."""
    value = fields.get("timeout")
    if value is None:
        return None
    if type(value) not in {int, float}:
        raise TypeError
    # JSON as Python reads it has NaN, infinity, and integers that no float can hold.
    if not 0 < value < float("inf"):
        raise ValueError
    return float(min(value, _LONGEST))
