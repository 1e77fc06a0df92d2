"""The plain command lines of `run` and `exec`, read without typer.

Importing typer takes longer than a run. It stays the owner of the command line: whatever is not
understood here for certain, down to the last word, is left to it, with its help and its messages.
"""

from __future__ import annotations

from capsule.cli.parsing.run_options import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

# The field of `Options` that each option is for.
SWITCHES = {
    "--json": "json",
    "--result": "result",
    "--verbose": "verbose",
    "-v": "verbose",
    "--quiet": "quiet",
    "-q": "quiet",
    "--no-net": "no_net",
    "--no-files": "no_files",
    "--no-env": "no_env",
    "--untrusted": "untrusted",
    "--stdin": "stdin",
    "--spread": "spread",
}
WITH_VALUE = {
    "--args": "args_json",
    "--args-file": "args_file",
    "--max-fuel": "max_fuel",
    "--max-ram": "max_ram",
    "--timeout": "timeout",
    "--mount": "mounts",
    "--secret": "secrets",
    "--map": "map_file",
    "--concurrency": "concurrency",
    "--resume": "resume",
    "--engine": "engine",
    "-c": "code",
    "-m": "module",
    "--allow-host": "allow_hosts",
    "--env": "env_names",
    "--package": "packages",
    "--state": "state_file",
}
REPEATABLE = frozenset(("mounts", "secrets", "allow_hosts", "env_names", "packages"))
# What takes its value as the next word alone, and what an exported task has no use for.
SHORT = frozenset(("-c", "-m"))
RUN_ONLY = SHORT | {"--allow-host", "--env", "--package", "--state"}


def parse(words: Sequence[str]) -> Options | None:
    """Return what a command line says, None when typer has to look at it.

    >>> parse(["run", "hello.py", "3", "--timeout=5s"]).timeout
    '5s'
    >>> parse(["run", "--timeout"]) is parse(["run", "-h"]) is parse(["ps"]) is None
    True
    """
    if not words or words[0] not in ("run", "exec"):
        return None
    artifact = words[0] == "exec"
    said: dict[str, Any] = {}
    plain: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        if word == "--":
            plain += rest
        elif word == "-" or not word.startswith("-"):
            plain.append(word)
        elif word in SWITCHES:
            said[SWITCHES[word]] = True
        else:
            name, given, value = word.partition("=")
            if (artifact and name in RUN_ONLY) or (given and name in SHORT):
                return None
            if not given:
                value = next(rest, "")
            # What looks like an option, or like nothing, is more likely a slip than a value.
            if name not in WITH_VALUE or not value or (value[0] == "-" and value != "-"):
                return None
            field = WITH_VALUE[name]
            said[field] = (*said.get(field, ()), value) if field in REPEATABLE else value
    if artifact and not plain:
        return None
    if "code" in said or "module" in said:
        return Options(None, plain, **said)
    file, *args = plain or (None,)
    return Options(file, args, **said, artifact=artifact)
