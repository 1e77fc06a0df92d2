"""Run Python that you do not trust, each call in its own sandbox process."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from capsule.artifact.errors import ArtifactError
    from capsule.displays import display
    from capsule.errors import (
        BusyError,
        CapsuleError,
        CheckError,
        ConfigError,
        EngineError,
        PolicyError,
        ToolchainError,
        UsageError,
    )
    from capsule.policy.caller_limits import Limits
    from capsule.sdk.cancelled_envelope import cancelled_envelope
    from capsule.sdk.envelope import Envelope, TaskFailedError
    from capsule.sdk.executor import SandboxExecutor
    from capsule.sdk.run import run, run_sync
    from capsule.sdk.sandbox import Sandbox
    from capsule.sdk.sandbox_sync import SandboxSync
    from capsule.sessions.session import Session, SessionSync
    from capsule.sessions.state_file import StateError
    from capsule.sessions.turn import Turn
    from capsule.shared.task import task
    from capsule.tools import ToolError

__all__ = [
    "ArtifactError",
    "BusyError",
    "CapsuleError",
    "CheckError",
    "ConfigError",
    "EngineError",
    "Envelope",
    "Limits",
    "PolicyError",
    "Sandbox",
    "SandboxExecutor",
    "SandboxSync",
    "Session",
    "SessionSync",
    "StateError",
    "TaskFailedError",
    "ToolError",
    "ToolchainError",
    "Turn",
    "UsageError",
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
    "ArtifactError": "capsule.artifact.errors",
    "BusyError": "capsule.errors",
    "CapsuleError": "capsule.errors",
    "CheckError": "capsule.errors",
    "ConfigError": "capsule.errors",
    "EngineError": "capsule.errors",
    "Envelope": "capsule.sdk.envelope",
    "Limits": "capsule.policy.caller_limits",
    "PolicyError": "capsule.errors",
    "Sandbox": "capsule.sdk.sandbox",
    "SandboxExecutor": "capsule.sdk.executor",
    "SandboxSync": "capsule.sdk.sandbox_sync",
    "Session": "capsule.sessions.session",
    "SessionSync": "capsule.sessions.session",
    "StateError": "capsule.sessions.state_file",
    "TaskFailedError": "capsule.sdk.envelope",
    "ToolError": "capsule.tools",
    "ToolchainError": "capsule.errors",
    "Turn": "capsule.sessions.turn",
    "UsageError": "capsule.errors",
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
