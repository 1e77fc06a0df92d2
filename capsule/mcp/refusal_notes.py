"""What stopped or refused code, in words for the model and for whoever runs the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capsule.policy.units import format_compute, format_ram, format_timeout

if TYPE_CHECKING:
    from capsule.envelope import EnvelopeError
    from capsule.mcp.server_grants import Granted

_KEPT_NOTHING = "Nothing of this call is kept; state is the one from before it"


def notes_on(error: EnvelopeError | None, granted: Granted) -> list[str]:
    """Return notes on an error that a rule of the server is behind: the rule, and the way out."""
    if error is None:
        return []
    found = [_stopped(error, granted)] if error["error_type"] != "task_error" else []
    text = f"{error['message']}\n{error.get('traceback') or ''}"
    policy = granted.policy
    if "allowed_hosts" in text:
        hosts = ", ".join(policy.allowed_hosts) or "none"
        found.append(
            f"The network rule refused a request. Hosts that this server allows: {hosts}. You"
            " cannot change that; whoever runs the server can: capsule mcp --allow-host HOST"
        )
    if "is not in the interpreter of this turn" in text:
        found.append(
            "Packages with native code have to be seen in the code: write an import statement for"
            " it, and call again with the same state"
        )
    elif "ModuleNotFoundError" in text:
        found.append(
            "There is no such module here, and it cannot be installed from inside. Do without it,"
            " or ask the user: capsule mcp --package REQUIREMENT"
        )
    if "PermissionError" in text and any(not each.writable for each in policy.allowed_files):
        folders = ", ".join(each.guest for each in policy.allowed_files if not each.writable)
        found.append(
            f"{folders} can only be read. Write to the working folder in place of it; the operator"
            " can let you write: capsule mcp --mount PATH:rw"
        )
    return found


def _stopped(error: EnvelopeError, granted: Granted) -> str:
    policy, kind = granted.policy, error["error_type"]
    limits = {
        "timeout": ("time", policy.timeout_ms and format_timeout(policy.timeout_ms), "--timeout"),
        "memory_exceeded": ("memory", policy.ram and format_ram(policy.ram), "--ram"),
        "fuel_exhausted": ("compute", format_compute(policy.compute), "--compute"),
    }
    if kind not in limits:
        return f"{_KEPT_NOTHING}."
    what, amount, option = limits[kind]
    return (
        f"The limit on {what} of a call, {amount or 'that of the host'}, stopped the code."
        f" {_KEPT_NOTHING}. Do less in one call; the operator can allow more: capsule mcp {option}"
    )
