"""What a session says of its own: options of `Session`, where a task's messages name its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from capsule import CapsuleError, SessionSync

if TYPE_CHECKING:
    from pathlib import Path

# The first that imports pandas compiles an interpreter.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]


# Of no other test: what a home has learned of other imports says nothing of these.
PANDAS = ["pandas", "fractions"]


@pytest.fixture(autouse=True)
def _home(toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))


def refused(session: SessionSync, code: str, **options: Any) -> str:
    """The message of a turn that raises."""
    turn = session.run(code, **options)
    assert turn.error is not None
    assert turn.error.error_type == "task_error"
    return turn.error.message


HIDDEN = "from importlib import import_module\nimport_module({!r})"


def test_a_package_that_no_code_shows_on_core(tmp_path: Path) -> None:
    with SessionSync(cwd=tmp_path, timeout="60s") as session:
        session.run("x = 1")
        said = refused(session, HIDDEN.format("numpy"))
        assert said == (
            "ImportError: numpy is not in the interpreter of this turn (core), which has what the "
            "code of the session is seen to import: write 'import numpy' in the turn"
        )
        turn = session.run("import numpy\nint(numpy.arange(4).sum()) + x")
        assert (turn.error, turn.result) == (None, 7)
        assert session.run(HIDDEN.format("numpy")).success


@pytest.mark.parametrize("caught", [False, True])
def test_a_package_that_no_code_shows_ends_its_turn_alone(tmp_path: Path, caught: bool) -> None:
    late = HIDDEN.format("matplotlib.pyplot")
    if caught:
        late = f"try:\n    exec({late!r})\nexcept BaseException:\n    x = 'without'"
    with SessionSync(cwd=tmp_path, timeout="60s", imports=PANDAS) as session:
        session.run("import pandas\nx = 1")
        assert refused(session, late) == (
            "LateImport: matplotlib is not in the interpreter of this turn (pandas), which has what "
            "the code of the session is seen to import: write 'import matplotlib' in the turn"
        )
        # The turns behind it go on with what there was.
        turn = session.run("int(pandas.Series([x, 2] if x == 1 else [3]).sum())")
        assert (turn.error, turn.result) == (None, 3)
        turn = session.run("import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\nplt.show()")
        assert turn.error is None
        assert "image/png" in turn.displays[0]


def test_what_a_turn_imports_has_no_say_in_other_sessions(tmp_path: Path) -> None:
    """What code shows counts for its own session: no other runs on more because of it."""
    for _ in range(2):
        with SessionSync(cwd=tmp_path, timeout="60s", imports=PANDAS) as session:
            session.run("x = 1")
            assert "(pandas)" in refused(session, HIDDEN.format("scipy"))


def test_the_network(tmp_path: Path) -> None:
    get = "import urllib.request\nurllib.request.urlopen('http://example.org')"
    with SessionSync(cwd=tmp_path, timeout="60s") as session:
        assert refused(session, get) == (
            "URLError: <urlopen error [Errno 2] this session may not use the network: it has no "
            'allowed_hosts, open one that has: allowed_hosts=["api.example.com"] of a Session, '
            "--allow-host api.example.com of a command>"
        )
    with SessionSync(cwd=tmp_path, timeout="60s", allowed_hosts=["localhost:9"]) as session:
        said = refused(session, get)
        assert "example.org:80 is not in allowed_hosts (allowed: localhost:9)" in said
        said = refused(session, get, limits={"no_net": True})
        assert "this session may not use the network: the caller's no_net takes its" in said


def test_a_folder_that_is_only_read(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    only_read = [{"path": "./data", "mode": "read-only"}]
    with SessionSync(cwd=tmp_path, timeout="60s", allowed_files=only_read) as session:
        assert "(for writing: allowed_files=['./data'], or mounts=['PATH::/data:rw'])" in refused(
            session, "open('data/x', 'w')"
        )


def test_a_turn_cannot_call_its_session_as_a_task(tmp_path: Path) -> None:
    code = (
        "from capsule import task\nx += 1\n"
        "@task(name='session')\ndef again(): return 1\n"
        "again()['error']['message']"
    )
    with SessionSync(cwd=tmp_path, timeout="60s") as session:
        session.run("x = 1")
        turn = session.run(code)
        assert turn.result == "there is no task 'session'; a session has none, leave @task out"
        assert session.run("x").result == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"compute": "BIG"}, "session: compute: 'BIG' is not an amount of compute; allowed: "),
        ({"compute": 0}, "session: compute: 0 is not an amount of compute; allowed: "),
        ({"ram": "much"}, "session: ram: 'much' is not a size of memory; allowed: "),
        ({"ram": "1MB"}, "session: ram: 1MB is too little: what it begins with takes "),
        ({"timeout": "soon"}, "session: timeout: 'soon' is not a duration; allowed: "),
        ({"allowed_files": ["/etc"]}, "session: allowed_files: '/etc' is an absolute path; "),
        ({"allowed_hosts": ["http://x"]}, "session: allowed_hosts: 'http://x' is a URL "),
        ({"allowed_files": "./out"}, "allowed_files='./out': a list is needed"),
        ({"allowed_hosts": "example.com"}, "allowed_hosts='example.com': a list is needed"),
        ({"env_variables": "HOME"}, "env_variables='HOME': a list is needed"),
        ({"imports": ["nowhere"]}, "the imports of the session cannot be kept in memory: "),
    ],
)
def test_an_option_that_is_wrong(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(CapsuleError) as caught, SessionSync(cwd=tmp_path, **options):
        pass
    assert caught.value.message.startswith(said)
    if "imports" in options:
        assert caught.value.hint == 'packages=["..."] of the session, if an index has it'


def test_where_nothing_is_said_of_compute_a_ceiling_is_no_error(tmp_path: Path) -> None:
    config = tmp_path / "capsule.toml"
    config.write_text('[limits]\nmax_compute = "LOW"\n')
    with SessionSync(cwd=tmp_path, timeout="60s") as session:
        turn = session.run("while True: pass")
        assert turn.error is not None
        assert turn.error.message.startswith("the task used 1.0e8 of 1.0e8 fuel, ")
        assert session.run("1").result == 1
    with (
        pytest.raises(CapsuleError, match="session: compute: 'HIGH' is above the ceiling"),
        SessionSync(cwd=tmp_path, compute="HIGH"),
    ):
        pass
    config.write_text('[tasks]\ndefault_compute = "LOW"\n')
    with SessionSync(cwd=tmp_path, timeout="60s") as session:
        turn = session.run("while True: pass")
        assert turn.error is not None
        assert "1.0e8 of 1.0e8 fuel" in turn.error.message


def test_what_is_written_is_bytes(tmp_path: Path) -> None:
    with (
        SessionSync(cwd=tmp_path) as session,
        pytest.raises(CapsuleError, match=r"^write: the content of 'in.csv' is bytes"),
    ):
        session.write("in.csv", "a,b")  # type: ignore[arg-type]
