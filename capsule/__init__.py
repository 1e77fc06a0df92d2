"""Run Python that you do not trust, each call in its own sandbox process."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.displays import display
    from capsule.errors import CapsuleError
    from capsule.policy.caller_limits import Limits
    from capsule.sdk.cancelled_envelope import cancelled_envelope
    from capsule.sdk.envelope import Envelope, TaskFailedError
    from capsule.sdk.run import run, run_sync
    from capsule.sdk.sandbox import Sandbox
    from capsule.sdk.sandbox_sync import SandboxSync
    from capsule.sessions.session import Session, SessionSync
    from capsule.sessions.turn import Turn
    from capsule.shared.task import task
    from capsule.tools import ToolError

__all__ = [
    "CapsuleError",
    "Envelope",
    "Limits",
    "Sandbox",
    "SandboxSync",
    "Session",
    "SessionSync",
    "TaskFailedError",
    "ToolError",
    "Turn",
    "__version__",
    "cancelled_envelope",
    "display",
    "run",
    "run_sync",
    "task",
]

__version__ = "0.9.0"

# Imported when they are asked for: a command that needs none of them does not wait for them.
_HOMES = {
    "CapsuleError": "capsule.errors",
    "Envelope": "capsule.sdk.envelope",
    "Limits": "capsule.policy.caller_limits",
    "Sandbox": "capsule.sdk.sandbox",
    "SandboxSync": "capsule.sdk.sandbox_sync",
    "Session": "capsule.sessions.session",
    "SessionSync": "capsule.sessions.session",
    "ToolError": "capsule.tools",
    "Turn": "capsule.sessions.turn",
    "TaskFailedError": "capsule.sdk.envelope",
    "cancelled_envelope": "capsule.sdk.cancelled_envelope",
    "display": "capsule.displays",
    "run": "capsule.sdk.run",
    "run_sync": "capsule.sdk.run",
    "task": "capsule.shared.task",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
