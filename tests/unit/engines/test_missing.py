"""What is said where the library of an engine is not installed."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from capsule import engines
from capsule.engines import missing
from capsule.errors import EngineError, UsageError
from tests.integration.command import REPOSITORY


@pytest.mark.parametrize("name", ["dask", "ray"])
def test_it_says_what_installs_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing, "find_spec", lambda _: None)
    module, requirement = missing.REQUIREMENTS[name]
    with pytest.raises(EngineError) as raised:
        engines.Dask("tcp://127.0.0.1:1") if name == "dask" else engines.Ray()
    assert raised.value.message == (
        f"the engine {name} needs the package {module}, which is not installed"
    )
    assert raised.value.hint == (
        f"pip install '{requirement}', or pip install '.[{name}]' in a checkout of capsule"
    )


def test_it_names_what_the_extras_bring() -> None:
    project = tomllib.loads(Path(REPOSITORY, "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert {name: [said] for name, (_, said) in missing.REQUIREMENTS.items()} == {
        name: extras[name] for name in missing.REQUIREMENTS
    }


def test_the_options_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missing, "find_spec", lambda _: True)
    with pytest.raises(UsageError, match="the address of a scheduler is needed"):
        engines.Dask("")
    with pytest.raises(UsageError, match="wait="):
        engines.Dask("x", wait=-1)
    with pytest.raises(UsageError, match="retry_lost="):
        engines.Ray(retry_lost="no")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="num_cpus="):
        engines.Ray(num_cpus=0)
    assert repr(engines.Ray()) == "Ray()"
    assert repr(engines.Dask("tcp://a:1")) == "Dask('tcp://a:1')"


def test_capsule_imports_no_engine() -> None:
    program = (
        "import sys, capsule; capsule.Sandbox; capsule.SandboxExecutor; from capsule import engines;"
        " print(sorted({'distributed', 'dask', 'ray', 'capsule.engines.dask'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert done.stdout == "[]\n"
