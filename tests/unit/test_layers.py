"""The table of layers in the design: imports only go down, and files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "capsule"
LONGEST = 400

# A module's layer is that of the longest prefix of its name.
LAYERS = {
    "capsule": 0,
    "capsule.policy": 1,
    "capsule.wire": 1,
    "capsule.lifecycle": 1,
    "capsule.toolstore": 2,
    "capsule.confine": 2,
    "capsule.services": 2,
    "capsule.bundle": 3,
    "capsule.packages": 3,
    "capsule.snapshot": 3,
    "capsule.artifact": 3,
    "capsule.process": 3,
    "capsule.pool": 4,
    "capsule.runner": 4,
    "capsule.sdk": 5,
    "capsule.cli": 6,
    "capsule.__main__": 7,
}
# Folders of one layer that may use each other, and in which direction.
SIDEWAYS = {
    ("capsule.snapshot", "capsule.process"),
    ("capsule.artifact", "capsule.snapshot"),
    ("capsule.pool", "capsule.runner"),
}

MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "_toolchain" not in path.parts
}


def folder_of(module: str) -> str:
    parts = module.split(".")
    while ".".join(parts) not in LAYERS:
        parts.pop()
    return ".".join(parts)


def imports_of(module: str) -> set[str]:
    found: set[str] = set()
    if module == "capsule":
        # The public names, for type checkers alone: at run time each is looked up when asked for.
        return found
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    names = {name if name in MODULES else name.rpartition(".")[0] for name in found}
    return {name for name in names if name.split(".")[0] == "capsule"}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    mine = folder_of(module)
    for imported in imports_of(module):
        theirs = folder_of(imported)
        same = mine == theirs or (mine, theirs) in SIDEWAYS
        assert same or LAYERS[theirs] < LAYERS[mine], f"{module} imports {imported}"


def test_there_are_no_cycles() -> None:
    graph = {module: imports_of(module) - {module} for module in MODULES}
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above, module))
        if module not in done:
            for imported in graph[module]:
                visit(imported, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())
    assert done == set(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_long(module: str) -> None:
    assert len(MODULES[module].read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("module", MODULES)
def test_the_host_never_imports_the_guest(module: str) -> None:
    assert "capsule_guest" not in {
        name.split(".")[0]
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or ""]
    }
