"""The type checker as a process: it reads text in a folder of its own, and runs nothing of it.

It has no settings of the user's, no network, and bounds on its time, its memory and what it says.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from threading import Timer

from capsule.child_process.program_tie import ProgramTie
from capsule.confine.access import Access
from capsule.confine.isolation_layers import limit, put_up, standing
from capsule.confine.private_dirs import private_folder
from capsule.errors import CheckError, GivenUpError
from capsule.type_check.problems import TypeProblem
from capsule.type_check.tool_stubs import PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from capsule.process.cancel import Cancellation

if sys.platform == "linux":
    # Behind the walls that the program is started behind, nothing more can be imported.
    from capsule.child_process import parent_death_linux  # noqa: F401

# What installs it: the extra `check` of this package.
REQUIREMENT = "ty>=0.0.100,<0.1"
# Seconds of the processor, and in all; bytes of memory, of its answer, and of a file.
_CPU, _SECONDS = 30, 60
_MEMORY, _ANSWER, _FILE = 2 << 30, 4 << 20, 16 << 20
# Bytes of code that are read at all.
MOST_CODE = 1_000_000

_NOTEBOOK, _SETTINGS, _PACKAGES = "turns.ipynb", "ty.toml", "environment"
# The code again: in a notebook, what only IPython reads (`%time f()`, `!ls`) would be no error.
_PLAIN = "__capsule_code__.py"
# Of the interpreter inside. The folder for packages is empty: the sandbox's own have no stubs.
_PYTHON, _PLATFORM = "3.15", "wasi"
_FOUND = re.compile(rf"{re.escape(_NOTEBOOK)}:cell (\d+):(\d+):(\d+): error\[([\w-]+)\] (.*)")
# There, `await` at the top level is an error too, and names of earlier turns are.
_UNREADABLE = re.compile(
    rf"{re.escape(_PLAIN)}:(\d+):(\d+): error\[(invalid-syntax)\]"
    " (.*)(?<!outside of an asynchronous function)$",
    re.MULTILINE,
)
# What it says of either file: a warning is told with the status of an error.
_SAID = re.compile(rf"(?:{re.escape(_PLAIN)}|{re.escape(_NOTEBOOK)}:cell \d+):\d+:\d+: \w+\[")
# Of two classes with the same name: where they are defined.
_PLACE = re.compile(r" @ \S+:\d+:\d+")
_TURN = re.compile(r"__capsule_turn_(\d+)__\.")
# Before the code are imports of names of earlier turns.
_FIRST = "__future__ imports must be at the top of the file"
_CALLED = re.compile(rf"bound method `{PREFIX}(\w+)\.__call__`")


def program() -> Path:
    """Return the checker's program. Raises `CheckError` where it is not installed."""
    try:
        from ty import find_ty_bin

        return Path(find_ty_bin()).resolve(strict=True)
    except (ImportError, OSError):
        raise CheckError(
            "type errors are found by ty, which is not installed",
            hint=f'pip install "{REQUIREMENT}"',
        ) from None


def check(
    notebook: str,
    code: str,
    stubs: Mapping[str, str],
    cell: int,
    cancellation: Cancellation | None = None,
) -> list[TypeProblem]:
    """Return the type errors of code that is in a cell, counted from 1.

    Raises `CheckError` when the checker does not answer, and `GivenUpError` when cancelled.
    """
    checker = program()
    with private_folder() as folder:
        files = {_NOTEBOOK: notebook, _PLAIN: code, _SETTINGS: "", **stubs}
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            # As it is, whatever the system's encoding and ends of lines are.
            path.write_bytes(text.encode())
        packages = folder / _PACKAGES
        # As an environment lies on this system, though it is none of its Python.
        library = "Lib" if os.name == "nt" else f"lib/python{_PYTHON}"
        (packages / library / "site-packages").mkdir(parents=True)
        about = f"home = {packages}\nversion_info = {_PYTHON}\n"
        (packages / "pyvenv.cfg").write_text(about, encoding="utf-8")
        status, said, complaint = _answer(checker, folder, cancellation)
    if cancellation is not None and cancellation.cancelled:
        raise GivenUpError("looking for type errors was cancelled")
    # With 1 it says that it has found something, which has to be read then.
    if len(said) > _ANSWER or status not in (0, 1) or (status and not _SAID.search(said)):
        line = next((line for line in (complaint or said).splitlines() if line.strip()), "")
        raise CheckError(
            f"ty did not answer as it has to: it ended with {status}{line and f', {line[:200]}'}",
            hint="check less code at once",
        )
    if unreadable := _UNREADABLE.findall(said):
        # What it makes of the rest is a guess.
        return [
            TypeProblem(int(line), int(column), message, rule)
            for line, column, rule, message in unreadable
        ]
    return [
        TypeProblem(int(line), int(column), _plain(message), rule)
        for at, line, column, rule, message in _FOUND.findall(said)
        if int(at) == cell and message != _FIRST
    ]


def _plain(message: str) -> str:
    """Return a message that names functions of the host, and classes of turns, as the code does."""
    newest = max(_TURN.findall(message), key=int, default="")
    message = _TURN.sub(lambda turn: "" if turn[1] == newest else "an earlier ", message)
    return _PLACE.sub("", _CALLED.sub(r"function `\1`", message)).replace(PREFIX, "")


def _answer(checker: Path, folder: Path, cancellation: Cancellation | None) -> tuple[int, str, str]:
    words = _words(checker, folder)
    environ = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "RUST_BACKTRACE": "0"}
    if "SYSTEMROOT" in os.environ:  # without it, Windows cannot start most programs
        environ["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    tie = ProgramTie()
    started: list[subprocess.Popen[bytes]] = []

    def start() -> int:
        started.append(tie.start(words, environ))
        return started[0].pid

    try:
        put_up(standing(), Access(checker, read=(folder,)), start, traced=False)
        child = started[0]
        limit(child.pid, cpu_seconds=_CPU, file_size=_FILE, memory=_MEMORY)
    except BaseException as error:
        tie.kill()
        tie.close()
        if isinstance(error, OSError):
            raise CheckError(f"ty cannot be started: {error}") from None
        raise
    timer = Timer(_SECONDS, child.kill)
    timer.daemon = True
    try:
        timer.start()
        if cancellation is not None:
            cancellation.attach(child.kill)
        return _said(child)
    finally:
        timer.cancel()
        if cancellation is not None:
            cancellation.detach(child.kill)
        tie.kill()
        tie.close()


def _words(checker: Path, folder: Path) -> list[str]:
    return [
        *(str(checker), "check", "--project", str(folder)),
        *("--config-file", str(folder / _SETTINGS), "--python", str(folder / _PACKAGES)),
        *("--python-version", _PYTHON, "--python-platform", _PLATFORM),
        *("--output-format", "concise", "--color", "never", "--no-progress"),
        *(str(folder / _NOTEBOOK), str(folder / _PLAIN)),
    ]


def _said(child: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Read what it found, then what it complained of: of that, it has too little to wait."""
    out = err = b""
    if child.stdout is not None and child.stderr is not None:
        out = child.stdout.read(_ANSWER + 1)
        if len(out) > _ANSWER:
            child.kill()
        err = child.stderr.read(1 << 14)
    return child.wait(), out.decode(errors="replace"), err.decode(errors="replace")
