"""A session that began on a smaller interpreter goes on in a larger one, with all that it has."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from capsule import SessionSync
from capsule.sessions import saved_state
from capsule.sessions.state_file import StateError

if TYPE_CHECKING:
    from pathlib import Path

# Larger interpreters are compiled by the first that needs them.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


@pytest.fixture(autouse=True)
def _home(toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))


def result(session: SessionSync, code: str) -> Any:
    turn = session.run(code)
    assert turn.error is None, turn.error
    return turn.result


BEFORE = (
    "import io, re, json\nclass P:\n    def __init__(self, n): self.n = n\n"
    "p = P(3)\ng = (n * n for n in range(9))\nnext(g)\nf = open('f', 'w+')\n_ = f.write('text')\n"
    "import random\nrandom.seed(7)"
)
AFTER = "p.n, next(g), f.tell(), round(random.random(), 12)"


def test_all_that_was_there_goes_on(tmp_path: Path) -> None:
    with SessionSync(cwd=tmp_path, timeout="60s") as session:
        session.run(BEFORE)
        plain = session.fork()
        expected = result(plain, AFTER)
        plain.close()
        assert result(session, f"import numpy as np\n{AFTER}") == expected
        # What was before it, and what came of it.
        first, *_ = session.states
        with session.fork(first) as fork:
            assert result(fork, "'p' in globals()") is False
            assert result(fork, "import numpy; int(numpy.arange(5).sum())") == 10
        assert result(session, "float(np.trace(np.eye(3) * 2))") == 6.0


NUMBERS = (
    "import numpy as np\nrng = np.random.default_rng(3)\na = rng.normal(size=(40, 40))",
    "b = np.linalg.solve(a, np.arange(40.0)); c = np.linalg.svd(a)[1]; d = np.fft.fft(a)",
    "[float(np.sum(b)), float(c[0]), float(abs(d).sum()), str(np.arange(3).dtype)]",
)


def test_numbers_are_those_of_a_session_that_began_so(tmp_path: Path) -> None:
    with (
        SessionSync(cwd=tmp_path, timeout="60s") as later,
        SessionSync(cwd=tmp_path, timeout="60s", imports=["numpy"]) as begun,
    ):
        later.run("x = 1")
        answers = [[result(session, code) for code in NUMBERS] for session in (later, begun)]
        assert answers[0] == answers[1]


def test_what_a_package_comes_to_need_is_there(tmp_path: Path) -> None:
    with SessionSync(cwd=tmp_path, timeout="60s") as session:
        session.run("x = 1")
        session.run("import pandas as pd\ndf = pd.DataFrame({'n': range(5)})").unwrap()
        # No import says that it draws.
        turn = session.run("df.plot()")
        assert turn.error is None
        assert "image/png" in turn.displays[0]
        assert result(session, "int(df.n.sum()) + x") == 11


_LOAD = (
    "import sys\nfrom capsule import SessionSync\n"
    "with SessionSync.load(sys.argv[1], timeout='60s') as session:\n"
    "    print(session.run(sys.argv[2]).unwrap())\n"
)


def test_a_saved_one_has_it_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "work.session"
    with SessionSync(cwd=tmp_path, timeout="60s") as session:
        session.run("x = 1")
        session.run("import numpy as np\na = np.arange(6)").unwrap()
        session.save(path)
    assert "numpy" in saved_state.read(path).state.natives
    code = "int(a.sum()) + x, np.linalg.norm(a).item() > 7"
    asked = [sys.executable, "-c", _LOAD, str(path), code]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stdout == "[16, True]\n"


@pytest.mark.parametrize("natives", [["os"], "numpy", [5], [["numpy"]]])
def test_what_a_stranger_says_it_needs_is_looked_at(tmp_path: Path, natives: object) -> None:
    path = tmp_path / "work.session"
    with SessionSync(cwd=tmp_path) as session:
        session.run("x = 1")
        session.save(path)
    saved = saved_state.read(path)
    state = saved.state._replace(natives=natives)  # type: ignore[arg-type]
    saved_state.write(path, saved._replace(state=state))
    with pytest.raises(StateError, match="damaged one"):
        SessionSync.load(path)


def test_a_turn_may_be_stopped_and_the_session_goes_on(tmp_path: Path) -> None:
    with SessionSync(cwd=tmp_path, timeout="60s") as session:
        session.run("x = 1")
        turn = session.run("import numpy\nwhile True: pass", limits={"timeout": "3s"})
        assert turn.error is not None
        assert turn.error.error_type == "timeout"
        assert result(session, "x, 'numpy' in globals()") == [1, False]
        assert result(session, "import numpy\nint(numpy.ones(3).sum())") == 3
