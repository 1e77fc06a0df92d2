"""The project's own promises: one version, one test command, what a wheel carries."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import json
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import capsule
from capsule import envelope, errors
from tests.unit.test_layers import MODULES

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_version_is_said_once() -> None:
    assert PYPROJECT["project"]["version"] == capsule.__version__
    assert f"## {capsule.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_ci_runs_the_command_of_the_readme() -> None:
    commands = [line for line in (ROOT / "README.md").read_text().splitlines() if "nox" in line]
    command = next(line for line in commands if line.startswith("python3 -m venv"))
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == command


def test_the_wheel_carries_the_toolchain_data() -> None:
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"toolchain": "capsule/_toolchain"}
    assert (ROOT / "toolchain" / "pins.toml").is_file()


# All that `pip install` brings, by name; of it, only psutil is compiled, and has wheels for every
# system that capsule knows. typer from 0.29 on would bring pydantic and its core in Rust.
BROUGHT = {
    *("annotated-doc", "anyio", "certifi", "h11", "httpcore", "idna", "markdown-it-py", "mdurl"),
    *("packaging", "platformdirs", "psutil", "pygments", "python-dotenv", "rich", "shellingham"),
    *("sniffio", "typer", "typing-extensions", "click", "exceptiongroup"),
}
COMPILED = {"psutil"}


def brought(name: str) -> set[str]:
    """The distributions that one needs to be installed, itself among them, in this environment."""
    found: set[str] = set()
    pending = [name]
    while pending:
        asked = canonicalize_name(pending.pop())
        if asked in found:
            continue
        found.add(asked)
        for text in metadata.distribution(asked).requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                pending.append(requirement.name)
    return found - {name}


def test_what_an_installation_brings_is_known() -> None:
    assert brought("capsule-run") <= BROUGHT


def test_nothing_compiled_is_brought_but_what_has_wheels_everywhere() -> None:
    compiled = {
        name
        for name in brought("capsule-run")
        for file in metadata.distribution(name).files or ()
        if file.suffix in (".so", ".pyd", ".dylib")
    }
    assert compiled == COMPILED


def named(module: ModuleType, alias: str) -> tuple[str, ...]:
    """Return the values of a `Literal` that is there for type checkers alone."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == alias:
            assert isinstance(node.value, ast.Subscript)
            values: tuple[str, ...] = ast.literal_eval(node.value.slice)
            return values
    raise AssertionError(alias)


def test_the_schema_is_held_to_the_code() -> None:
    schema = json.loads((ROOT / "capsule" / "envelope.schema.json").read_text())
    shapes = {
        "": envelope.Envelope,
        "execution": envelope.Execution,
    }
    for name, shape in shapes.items():
        part = schema["properties"][name] if name else schema
        assert set(part["required"]) == set(part["properties"]) == set(shape.__annotations__)
    error = schema["properties"]["error"]["oneOf"][1]
    assert set(error["properties"]) == set(envelope.EnvelopeError.__annotations__)
    kinds = {*named(envelope, "ErrorType"), *named(errors, "Code")}
    assert set(error["properties"]["error_type"]["enum"]) == kinds


def test_every_error_has_a_code_of_its_own() -> None:
    found = errors.CapsuleError.__subclasses__()
    codes = [kind.code for kind in found]
    assert len(set(codes)) == len(codes)
    assert {kind.exit_code for kind in found} == {1, 2, 3, 124, 130}
    assert all((kind.__doc__ or "").startswith("Raised when") for kind in found)


# Their examples run tasks: see tests/integration/test_sdk.py.
RUNNING = {
    "capsule.sdk.executor",
    "capsule.sdk.run",
    "capsule.sdk.sandbox",
    "capsule.sessions.session",
    "capsule.adapters.code_function",
}
# These alone import the package of an extra: `nox -s mcp`, `engines` and `adapters` have them.
NEED_EXTRA = {"capsule.mcp.server": "mcp", "capsule.mcp.stdio_transport": "mcp"}
NEED_EXTRA |= {
    f"capsule.adapters.{name}": name for name in ("dspy", "langchain", "pydantic_ai", "smolagents")
}
NEED_EXTRA |= {
    f"capsule.engines.{name}": "ray" if "ray" in name else "distributed"
    for name in (
        *("dask", "dask_cluster", "dask_worker"),
        *("ray", "ray_claims", "ray_cluster", "ray_nodes", "ray_worker"),
    )
}


@pytest.mark.parametrize(
    "module", [name for name in MODULES if not name.endswith("__main__") and name not in RUNNING]
)
def test_examples_in_docstrings_hold(module: str) -> None:
    if module in NEED_EXTRA:
        pytest.importorskip(NEED_EXTRA[module])
    if "windows" in module:
        importlib.import_module(module)
        return
    failures, _ = doctest.testmod(importlib.import_module(module))
    assert failures == 0


def test_no_registry_and_no_machine_is_named() -> None:
    words = ("pypi." + "org", "files.python" + "hosted", "/ro" + "ot/", "/wo" + "rk/")
    for path in ROOT.rglob("*"):
        if path.suffix in {".py", ".md", ".toml", ".json", ".ini"} and not any(
            part.startswith(".") for part in path.relative_to(ROOT).parts
        ):
            text = path.read_text()
            assert not any(word in text for word in words), path
