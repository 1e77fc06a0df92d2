"""Downloads: through which pip, what it is asked, and what its failures turn into."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from capsule.errors import ToolchainError
from capsule.toolstore import fetch, pins, pip, pip_runner, run_program
from tests.unit.toolstore.scripted_pip import FIRST, SECOND, Script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.unit.toolstore.conftest import Bench, Watcher

OK = run_program.ProgramResult(0, "Successfully downloaded\n", "")


@pytest.fixture
def wheel(bench: Bench) -> pins.Wheel:
    return pins.load(bench.pins).interpreter.wheel


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    folder = tmp_path / "staging"
    folder.mkdir()
    return folder


def run(script: Script, wheel: pins.Wheel, staging: Path, watcher: Watcher, *pips: pip.Pip) -> Path:
    means = pip_runner.Means(pips=pips, run=script, environ={"UV_INDEX_URL": "https://mirror"})
    return fetch.fetch(wheel, staging, watcher, means)


def test_a_download(wheel: pins.Wheel, staging: Path, watcher: Watcher) -> None:
    content = bytes(wheel.size)
    script = Script(OK, brings={wheel.file: content})
    path = run(script, wheel, staging, watcher, FIRST, SECOND)
    assert path.name == wheel.file
    assert path.read_bytes() == content
    assert path.is_relative_to(staging)
    assert len(script.runs) == 1


def test_what_pip_is_asked(wheel: pins.Wheel, staging: Path, watcher: Watcher) -> None:
    script = Script(OK, brings={wheel.file: b""})
    path = run(script, wheel, staging, watcher, FIRST)
    assert script.runs[0] == [
        *("/opt/first/pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--platform", "any", "--python-version", "3.15"),
        *("--implementation", "py", "--abi", "none", "--dest", str(path.parent)),
        *("--disable-pip-version-check", "--no-input", "--", "tiny-python==1.0.0"),
    ]


def test_progress_follows_the_file_that_grows(
    wheel: pins.Wheel, staging: Path, watcher: Watcher
) -> None:
    run(Script(OK, brings={wheel.file: bytes(wheel.size)}), wheel, staging, watcher, FIRST)
    (step,) = watcher.steps
    assert step.label == "downloading tiny-python 1.0.0"
    assert (step.total, step.unit) == (wheel.size, "bytes")
    assert watcher.updates == [wheel.size // 2, wheel.size]


def test_pips_partial_files_lie_in_the_staging_folder(
    wheel: pins.Wheel, staging: Path, watcher: Watcher
) -> None:
    script = Script(OK, brings={wheel.file: b""})
    run(script, wheel, staging, watcher, FIRST)
    assert Path(script.environs[0]["TMPDIR"]).is_relative_to(staging)


@pytest.mark.parametrize(
    "absent",
    [
        FileNotFoundError(2, "No such file or directory"),
        PermissionError(13, "Permission denied"),
        run_program.ProgramResult(127, "", "pyenv: pip: command not found\n"),
        run_program.ProgramResult(1, "", "/usr/bin/python3: No module named pip\n"),
    ],
)
def test_a_pip_that_is_none_gives_way_to_the_next(
    wheel: pins.Wheel, staging: Path, watcher: Watcher, absent: run_program.ProgramResult | OSError
) -> None:
    script = Script(absent, OK, brings={wheel.file: b""})
    run(script, wheel, staging, watcher, FIRST, SECOND)
    assert [argv[0] for argv in script.runs] == ["/opt/first/pip", "/opt/second/uv"]
    # Only uv's own settings have to be said again, and only where uv runs pip.
    assert "PIP_INDEX_URL" not in script.environs[0]
    assert script.environs[1]["PIP_INDEX_URL"] == "https://mirror"


def test_a_pip_that_fails_is_the_end_of_it(
    wheel: pins.Wheel, staging: Path, watcher: Watcher
) -> None:
    said = (
        "WARNING: Retrying after connection broken: Name or service not known\n"
        "ERROR: Could not find a version that satisfies the requirement tiny-python\n"
        "ERROR: No matching distribution found for tiny-python==1.0.0\n"
        "\n[notice] A new release of pip is available\n"
    )
    script = Script(run_program.ProgramResult(1, "Looking in indexes\n", said), brings={})
    with pytest.raises(ToolchainError) as caught:
        run(script, wheel, staging, watcher, FIRST, SECOND)
    assert caught.value.message == (
        "first could not download tiny-python 1.0.0 (exit status 1): "
        "WARNING: Retrying after connection broken: Name or service not known; "
        "ERROR: Could not find a version that satisfies the requirement tiny-python; "
        "ERROR: No matching distribution found for tiny-python==1.0.0"
    )
    assert "capsule toolchain import FILE" in str(caught.value.hint)
    assert caught.value.exit_code == 3
    assert len(script.runs) == 1


def test_no_pip_at_all(wheel: pins.Wheel, staging: Path, watcher: Watcher) -> None:
    script = Script(FileNotFoundError(2, "No such file"), brings={})
    with pytest.raises(ToolchainError) as caught:
        run(script, wheel, staging, watcher, FIRST)
    assert caught.value.message == (
        "no pip and no uv is there to download tiny-python 1.0.0 (first: No such file)"
    )
    assert "install pip or uv" in str(caught.value.hint)
    assert "capsule toolchain import FILE" in str(caught.value.hint)


@pytest.mark.parametrize("brings", [{}, {"tiny_python-1.0.0-py2-none-any.whl": b""}])
def test_another_file_than_the_pinned(
    wheel: pins.Wheel, staging: Path, watcher: Watcher, brings: dict[str, bytes]
) -> None:
    with pytest.raises(ToolchainError) as caught:
        run(Script(OK, brings=brings), wheel, staging, watcher, FIRST)
    brought = next(iter(brings), "nothing")
    assert f"asked for {wheel.file} and brought {brought}" in caught.value.message


def test_an_interrupted_download_ends_the_step(
    wheel: pins.Wheel, staging: Path, watcher: Watcher
) -> None:
    def interrupted(
        argv: Sequence[str], environ: Mapping[str, str], watch: run_program.Watch | None = None
    ) -> run_program.ProgramResult:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch.fetch(wheel, staging, watcher, pip_runner.Means(pips=(FIRST,), run=interrupted))


def real_pips() -> list[pip.Pip]:
    """Return this Python's own pip and the one that is bundled with it, as far as there are."""
    found = pip.candidates(pip.surroundings({"PATH": ""}))
    return [each for each in found if each.command[0] == sys.executable]


@pytest.mark.skipif(
    not (importlib.util.find_spec("pip") or importlib.util.find_spec("ensurepip")),
    reason="this Python has no pip",
)
@pytest.mark.parametrize("kind", ["for any machine", "for one kind of machine"])
def test_real_pips(bench: Bench, staging: Path, watcher: Watcher, kind: str) -> None:
    """Without an index: from a folder, by the same command."""
    pinned = pins.load(bench.pins)
    wheel = pinned.interpreter.wheel if "any" in kind else pinned.wasmtime.builds[0].wheel
    environ = {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(bench.index),
        "PIP_CONFIG_FILE": "/dev/null",
    }
    for each in real_pips():
        means = pip_runner.Means(pips=(each,), environ=environ)
        path = fetch.fetch(wheel, staging, watcher, means)
        assert path.read_bytes() == (bench.index / wheel.file).read_bytes()
    assert watcher.updates[-1] == wheel.size


@pytest.mark.skipif(not importlib.util.find_spec("pip"), reason="this Python has no pip")
def test_a_real_pip_that_finds_nothing(
    wheel: pins.Wheel, staging: Path, watcher: Watcher, tmp_path: Path
) -> None:
    environ = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": "/dev/null"}
    with pytest.raises(ToolchainError) as caught:
        fetch.fetch(wheel, staging, watcher, pip_runner.Means((real_pips()[0],), environ=environ))
    assert "No matching distribution found for tiny-python==1.0.0" in caught.value.message


@pytest.mark.skipif(not importlib.util.find_spec("pip"), reason="this Python has no pip")
def test_a_module_in_the_working_folder_is_not_pip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What capsule is called in may be a project of unknown origin."""
    (tmp_path / "pip.py").write_text("print('run as the user')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    outcome = run_program.run([*real_pips()[0].command, "--version"], os.environ)
    assert outcome.stdout.startswith("pip ")
