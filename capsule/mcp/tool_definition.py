"""The tool as a client lists it: its schemas, and words that tell a model what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capsule.message_text import listed
from capsule.policy.units import format_ram, format_timeout

if TYPE_CHECKING:
    from capsule.mcp.server_grants import Granted
    from capsule.policy.folders import FolderGrant
    from capsule.policy.secret_rules import Secret

NAME, TITLE = "run_python", "Run Python in a sandbox"
SCHEME = "capsule-state"
TEMPLATE = SCHEME + "://{state}/{+name}"

_ABOUT = """\
Run Python 3.15 code in a sandbox of its own, and get what it prints, the value of its last \
expression, its plots and its files.

State: each answer has `state`, a handle. Pass it as `state` in the next call to go on with all \
variables, functions, imports and files. Without it, a call begins with nothing. A handle stays as \
it is: to use an older one again goes back to that point, and leaves newer ones alone. Code that \
raises keeps what it did before that; a call that is stopped by a limit keeps nothing.

Packages: all of the standard library that needs no threads, processes or sockets. There without \
installing: numpy, pandas, scipy, scikit-learn, statsmodels, matplotlib, Pillow, lxml, sympy and \
others. There is no pip{packages}.

Files: `files` puts files into the working folder, where code reads and writes by plain names \
("out.csv"). They belong to the state, and what a call changes is listed in `files`. Large output \
is cut: write it to a file, or print a part. Figures of matplotlib that are open at the end come \
back as images; display(value) shows others.

What code may do here was fixed by whoever runs this server, and nothing in a call changes it:
"""

_REFUSALS = """\
Where something is refused, tell the user what you would need: trying again, or in another way, \
does not help."""

INPUT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "code": {
            "type": "string",
            "description": "Python source. The value of its last expression is the result; "
            "top-level await works.",
        },
        "state": {
            "type": "string",
            "description": "The state of an earlier answer, to go on from there. Leave it out to "
            "begin anew.",
        },
        "files": {
            "type": "object",
            "description": "Files to put into the working folder before the code runs, by name: "
            'text, or {"base64": "..."} for bytes.',
            "additionalProperties": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "properties": {"base64": {"type": "string"}},
                        "required": ["base64"],
                        "additionalProperties": False,
                    },
                ]
            },
        },
    },
    "required": ["code"],
    "additionalProperties": False,
}

OUTPUT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "result": {"description": "The value of the last expression, where it is JSON; else null."},
        "text": {
            "type": "string",
            "description": "The repr of a value that is no JSON, and of what was displayed.",
        },
        "stdout": {"type": "string"},
        "stderr": {"type": "string"},
        "error": {
            "anyOf": [
                {"type": "null"},
                {
                    "type": "object",
                    "properties": {
                        "error_type": {"type": "string"},
                        "message": {"type": "string"},
                        "traceback": {"type": "string"},
                    },
                    "required": ["error_type", "message"],
                },
            ]
        },
        "notes": {
            "type": "array",
            "items": {"type": "string"},
            "description": "What was cut or refused, by which rule, and what to do about it.",
        },
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "size": {"type": "integer"},
                    "change": {"enum": ["new", "changed", "gone"]},
                    "uri": {"type": "string"},
                },
                "required": ["name", "size", "change"],
            },
            "description": "What the call did to files of the working folder.",
        },
        "images": {"type": "integer", "description": "How many images the answer has."},
        "state": {
            "type": ["string", "null"],
            "description": "The handle to go on from; null where there is none.",
        },
        "execution": {
            "type": "object",
            "properties": {
                "duration_ms": {"type": "integer"},
                "fuel_consumed": {"type": ["integer", "null"]},
                "ram_used": {"type": ["integer", "null"]},
            },
            "required": ["duration_ms", "fuel_consumed", "ram_used"],
        },
    },
    "required": [
        *("result", "text", "stdout", "stderr", "error", "notes", "files", "images", "state"),
        "execution",
    ],
}


def description(granted: Granted) -> str:
    """Return what a model is told of the tool, with all that is granted."""
    said = granted.said.packages
    more = f"; installed besides: {', '.join(said)}" if said else ""
    lines = [f"- {line}" for line in rights(granted)]
    return _ABOUT.format(packages=more) + "\n".join(lines)


def annotation_values(granted: Granted) -> dict[str, Any]:
    """Return what a client is told of what calls can do to the world outside."""
    policy = granted.policy
    writes = any(grant.writable for grant in policy.allowed_files)
    return {
        "title": TITLE,
        "readOnlyHint": not (writes or policy.allowed_hosts),
        "destructiveHint": bool(writes or policy.allowed_hosts),
        "idempotentHint": False,
        "openWorldHint": bool(policy.allowed_hosts),
    }


def rights(granted: Granted) -> list[str]:
    """Return what code may do, a line for each kind."""
    policy = granted.policy
    hosts = ", ".join(map(listed, policy.allowed_hosts))
    folders = ", ".join(map(_folder, policy.allowed_files))
    names = ", ".join(policy.env_variables)
    limits = [f"{policy.compute:,} units of compute"]
    if policy.ram is not None:
        limits.append(f"{format_ram(policy.ram)} of memory")
    if policy.timeout_ms is not None:
        limits.append(f"{format_timeout(policy.timeout_ms)} by the clock")
    return [
        f"Network: HTTP and HTTPS to {hosts}, and nowhere else."
        if hosts
        else "Network: none. Every request is refused.",
        f"Folders: {folders}, and the private working folder."
        if folders
        else "Folders: the private working folder alone; nothing of the user's machine.",
        f"Environment variables: {names}." if names else "Environment variables: none.",
        *map(_secret, granted.secrets),
        f"Limits of a call: {', '.join(limits)}.",
        _REFUSALS,
    ]


def _secret(secret: Secret) -> str:
    hosts = " and ".join(map(listed, secret.hosts))
    return (
        f"Secret {secret.name}: os.environ[{secret.name!r}] is a placeholder, to be used as the"
        f" value is. It becomes the value on its way to {hosts}, in headers (Authorization: Bearer,"
        " Basic, others) and in the query, not in the path and the body. The value itself cannot be"
        " read."
    )


def _folder(grant: FolderGrant) -> str:
    return f"{listed(grant.guest)} ({'read and write' if grant.writable else 'read only'})"
