"""A session gives, turn by turn, what one live Python gives: with forks, ways back, saves and kills."""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from capsule import SessionSync

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

NAMES = st.sampled_from("abcd")
NUMBERS = st.integers(-5, 20)
# What a turn may be: with a name, another name, and a number.
TURNS = (
    "{a} = {n}",
    "{a} = [{n}] * 3\n{a}",
    "{a} = {{'k': {n}, 'l': [1, 2]}}\nsorted({a})",
    "{a} = (i * i for i in range({n}, {n} + 5))\nnext({a})",
    "next({a})",
    "{a}.append({n})\nlen({a})",
    "{b} = {a}\n{b} is {a}",
    "def f_{a}(x, y={n}):\n    return [x, y, type(x).__name__]\nf_{a}({n})",
    "f_{a}({a})",
    "class C_{a}:\n    total = {n}\n    def add(self, x):\n        self.total += x\n        return self.total\n"
    "{a} = C_{a}()\n{a}.add({n})",
    "{a}.add({n}), {a}.total",
    "print('said', {n})\n{a}",
    "import random\n{a} = random.Random({n})\n{a}.random()",
    "{a}.random()",
    "with open('file_{a}', 'a') as file:\n    _ = file.write('{n}.')\n__import__('pathlib').Path('file_{a}').read_text()",
    "import os\nsorted(name for name in os.listdir('.') if name.startswith('file_'))",
    "__import__('pathlib').Path('file_{a}').read_text()",
    "{a} / {n}",
    "raise ValueError({n})",
    "{a} = [*range({n})]\n{b} = {{x: str(x) for x in {a}}}\nlen({b})",
    "del {a}",
    "import json, re, collections\n{a} = collections.Counter('abracadabra'[: {n}])\n{a}.most_common(2)",
    "from functools import lru_cache\n@lru_cache\ndef fib_{a}(n): return n if n < 2 else fib_{a}(n - 1) + fib_{a}(n - 2)\n"
    "fib_{a}({n} % 15)",
    "fib_{a}.cache_info().currsize",
    "{a} = iter([{n}, {n} + 1, {n} + 2])\nnext({a})",
    "globals().get('{a}', 'none') == 'none'",
)


class Answer(NamedTuple):
    """What a turn came to."""

    text: str
    printed: str
    error: str | None


class Live:
    """One live Python: to be where it was, it does all turns again."""

    def __init__(self) -> None:
        self.history: list[str] = []
        self._folder = tempfile.TemporaryDirectory()
        self.names: dict[str, Any] = {"__name__": "__main__"}

    def run(self, code: str) -> Answer:
        self.history.append(code)
        with self._inside(), contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                text = self._value(code)
            except Exception as error:  # noqa: BLE001 - what the program raises
                return Answer(
                    "", printed.getvalue(), f"{type(error).__name__}: {error}".rstrip(": ")
                )
        return Answer(text, printed.getvalue(), None)

    def _value(self, code: str) -> str:
        import ast

        tree = ast.parse(code)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "turn", "exec"), self.names)  # noqa: S102
        if not isinstance(last, ast.Expr):
            return ""
        value = eval(compile(ast.Expression(last.value), "turn", "eval"), self.names)  # noqa: S307
        return "" if value is None else repr(value)

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        before = Path.cwd()
        os.chdir(self._folder.name)
        try:
            yield
        finally:
            os.chdir(before)

    @classmethod
    def behind(cls, history: tuple[str, ...]) -> Live:
        made = cls()
        for code in history:
            made.run(code)
        return made

    def close(self) -> None:
        self._folder.cleanup()


class Sessions(RuleBasedStateMachine):
    """The same turns in a session and in a live Python."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.session = SessionSync(cwd=self.folder.name).__enter__()
        self.live = Live()
        self.states: list[tuple[str, tuple[str, ...]]] = [(self.session.states[0], ())]

    @rule(turn=st.sampled_from(TURNS), a=NAMES, b=NAMES, n=NUMBERS)
    def run(self, turn: str, a: str, b: str, n: int) -> None:
        code = turn.format(a=a, b=b, n=n)
        found = self.session.run(code)
        expected = self.live.run(code)
        error = None if found.error is None else found.error.message
        said = Answer(found.text, found.execution.stdout, error)
        # An object's address is its own.
        said, expected = (
            each._replace(text=re.sub(r" at 0x[0-9a-f]+", "", each.text))
            for each in (said, expected)
        )
        assert _alike(said, expected), (code, said, expected)
        self.states.append((found.state.name, tuple(self.live.history)))

    @rule(at=st.integers(0, 50))
    def back(self, at: int) -> None:
        name, history = self.states[at % len(self.states)]
        self.session.back(name)
        self._live_at(history)

    @rule(at=st.integers(0, 50))
    def fork(self, at: int) -> None:
        name, history = self.states[at % len(self.states)]
        fork = self.session.fork(name)
        self.session.close()
        self.session = fork
        self._live_at(history)

    @rule()
    def save_and_load(self) -> None:
        self.session.save("saved.session")
        self.session.close()
        path = Path(self.folder.name, "saved.session")
        self.session = SessionSync.load(path, cwd=self.folder.name)
        self.states = [(self.session.states[0], tuple(self.live.history))]

    @rule()
    def stopped(self) -> None:
        turn = self.session.run(
            "a = b = c = d = 'gone'\nwhile True: pass", limits={"timeout": "150ms"}
        )
        assert turn.error is not None
        assert turn.error.error_type == "timeout"

    @precondition(lambda self: len(self.states) > 1)
    @rule()
    def killed(self) -> None:
        core = self.session._core
        assert core is not None
        core.settled()
        ahead = core._ahead
        if ahead is not None:
            # The process that waits: the turn starts another.
            waiting = ahead._found.result().sandbox.process
            os.kill(waiting.pid, 9)
            while waiting.is_quiet():
                time.sleep(0.001)  # until its pipes have ended: nothing tells that sooner

    def _live_at(self, history: tuple[str, ...]) -> None:
        before, self.live = self.live, Live.behind(history)
        before.close()

    def teardown(self) -> None:
        self.session.close()
        self.live.close()
        self.folder.cleanup()


def _alike(one: Answer, other: Answer) -> bool:
    """Say whether two answers are the same, but for the words that two versions have for an error."""
    if one.error is not None and other.error is not None:
        kinds = one.error.partition(":")[0], other.error.partition(":")[0]
        return kinds[0] == kinds[1] and one.printed == other.printed
    return one == other


@pytest.fixture(autouse=True)
def _home(toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))


def test_sessions_are_as_one_live_python() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    bounds = settings(
        max_examples=int(os.environ.get("CAPSULE_TEST_SESSIONS", "3")),
        stateful_step_count=40,
        deadline=None,
        derandomize="CAPSULE_TEST_SESSIONS" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Sessions, settings=bounds)
