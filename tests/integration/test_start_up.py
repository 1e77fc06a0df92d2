"""What a second `run` and `exec` import: every start pays for each module."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.integration.command import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

# As the installed command does it; `-m capsule` imports a little more.
_PROGRAM = "from capsule.cli.main import main; main()"
# However slow the machine is, the record is not written before the program is about to end.
_PATIENT = "from capsule.lifecycle import recorder; recorder._LINGER = 600; " + _PROGRAM
# Python tells of what it imports, and not of what is loaded together.
_TOLD = (
    "from capsule.cli.code_cache import CodeCache; CodeCache.load = lambda *_: None; " + _PATIENT
)
# What writes the database of runs; a short command leaves it to the next that opens that.
WRITING = {"sqlite3", "_sqlite3", "capsule.lifecycle.writer", "capsule.lifecycle.database"}

# With what Python itself starts with: 16 more than 0.9.0 had, six of them folders to look into, four
# for the process that is started early, which are worth a dozen milliseconds, and three for which
# of seven interpreters it is.
MOST = 221
# Each was measured to cost a millisecond or more, or brings one that does.
HEAVY = {
    *("typer", "click", "rich", "pydantic", "httpx", "httpcore", "certifi", "anyio", "packaging"),
    *("psutil", "platformdirs", "dotenv"),
    *(
        "argparse",
        "asyncio",
        "concurrent.futures",
        "dataclasses",
        "email",
        "hashlib",
        "importlib.util",
    ),
    *("inspect", "logging", "multiprocessing", "random", "shutil", "socket", "ssl", "subprocess"),
    *("tempfile", "tomllib", "traceback", "typing", "zipfile"),
}
# What was read once is not read again.
READING = {
    *(
        "ast",
        "zlib",
        "capsule.policy.parse",
        "capsule.policy.task_declarations",
        "capsule.bundle.imports",
    ),
    *("capsule.artifact.read", "capsule.artifact.inflate", "capsule.artifact.file_table"),
    *("capsule.artifact.manifest", "capsule.artifact.layout"),
}
# What only those need who make something.
MAKING = {
    *("capsule.snapshot.memory_dump", "capsule.snapshot.eviction", "capsule.snapshot.calibration"),
    *("capsule.toolstore.compile", "capsule.toolstore.prepare", "capsule.toolstore.pins"),
    *(
        "capsule.packages.builtin_table",
        "capsule.packages.provision",
        "capsule.packages.package_store",
    ),
    *("capsule.services.http.broker", "capsule.cli.app"),
}


class Started:
    """Runs the command and tells which modules it imported until its answer was out."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home

    def __call__(self, *words: str, flags: tuple[str, ...] = ()) -> list[set[str]]:
        done = subprocess.run(
            [sys.executable, *flags, "-c", _TOLD if flags else _PATIENT, *words],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "CAPSULE_HOME": str(self.home),
                "PYTHONPATH": str(REPOSITORY),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        before, answer, after = done.stdout.partition('{"success": true')
        assert answer or words[0] == "build", done.stdout
        return [_modules(before), _modules(after)]


def _modules(told: str) -> set[str]:
    return {
        line.rpartition("|")[2].strip()
        for line in told.splitlines()
        if line.startswith("import time:") and not line.endswith("imported package")
    }


@pytest.fixture
def started(tmp_path: Path, toolchain_home: Path) -> Started:
    (tmp_path / "hello.py").write_text(
        f"# {tmp_path}\nimport json\nfrom capsule import task\n"
        "@task(ram='64MB', timeout='20s')\ndef main(n='3'): return 'hello ' * int(n)\n"
    )
    return Started(tmp_path, toolchain_home)


@pytest.mark.parametrize("words", [("run", "hello.py", "2"), ("exec", "hello.wasm", "--json")])
def test_the_modules_of_a_later_start(started: Started, words: tuple[str, ...]) -> None:
    started("build", "--export", "hello.py")
    # More than once: a file that is very new is not remembered.
    for _ in range(4):
        started(*words)
    imported, behind = started(*words, flags=("-X", "importtime"))
    assert "capsule.runner.attempt" in imported
    assert sorted(imported & (HEAVY | READING | MAKING | WRITING)) == []
    assert "capsule.lifecycle.spool" in behind
    assert sorted(behind & WRITING) == []
    assert len(imported) <= MOST, sorted(imported)


_TELLING = """
import os, sys
leave = os._exit
def left(code):
    kept = lambda module: type(module.__loader__).__name__ == "_KeptLoader"
    with open("modules", "w") as file:
        print(*(name for name, module in sys.modules.items()
                if name.startswith("capsule") and not kept(module)), file=file)
        print(*(name for name in ("json", "_sre", "ipaddress") if name in sys.modules
                and type(sys.modules[name]).__name__ != "_LateModule"), file=file)
    leave(code)
os._exit = left
from capsule.cli.main import main
main()
"""


def test_the_code_of_later_starts_is_in_one_file(started: Started, tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "CAPSULE_HOME": str(started.home),
        "PYTHONPATH": str(REPOSITORY),
    }
    command = [sys.executable, "-c", _TELLING, "run", "hello.py"]
    for _ in range(4):
        subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=True)
    missing, *heavy = (tmp_path / "modules").read_text().splitlines()
    # A regular expression, of which a plain run needs none, would need the first two.
    assert heavy == [""]
    # What there is before it is known where that file is.
    assert set(missing.split()) == {
        *("capsule", "capsule.cli", "capsule.cli.code_cache", "capsule.cli.handover"),
        *("capsule.cli.main", "capsule.cli.run_modules", "capsule.errors", "capsule.state_folder"),
    }


def test_the_package_itself_imports_nothing() -> None:
    program = (
        "import sys; before = set(sys.modules); import capsule; print(*set(sys.modules) - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["capsule"]
