"""The table of layers in the design: imports only go down, and files stay small."""

from __future__ import annotations

import ast
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "capsule"
GUEST = ROOT / "toolchain" / "guest"
LONGEST = 400

# A module's layer is that of the longest prefix of its name.
LAYERS = {
    "capsule": 0,
    "capsule.child_process": 1,
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
    "capsule.type_check": 4,
    "capsule.sdk": 5,
    "capsule.sessions": 5,
    "capsule.adapters": 6,
    "capsule.engines": 6,
    "capsule.mcp": 6,
    "capsule.cli": 7,
    "capsule.__main__": 8,
}
# Folders of one layer that may use each other, and in which direction.
SIDEWAYS = {
    ("capsule.snapshot", "capsule.process"),
    ("capsule.artifact", "capsule.snapshot"),
    ("capsule.pool", "capsule.runner"),
    ("capsule.sessions", "capsule.sdk"),
}
# The rooms of the command line, from the top down: each may import from those behind it. The files
# beside them are above all rooms.
ROOMS = (
    "declarations",
    "commands",
    "worker",
    "parsing",
    "runtime",
    "terminal",
    "render",
    "grammar",
)
# Those that any room may import: what they hold loads nothing else.
LEAVES = {"capsule.cli", "capsule.cli.handover"}
# What a word can end in and still be the same word.
ENDINGS = ("s", "es", "ies", "ed", "d", "ing", "er", "r", "or", "ion", "ment", "ly", "y", "e")


def modules_in(folder: Path, root: Path) -> dict[str, Path]:
    """The modules of a package by their names."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted(folder.rglob("*.py"))
        if "_toolchain" not in path.parts
    }


MODULES = modules_in(PACKAGE, ROOT)
GUEST_MODULES = modules_in(GUEST / "capsule_guest", GUEST)
EVERY = MODULES | GUEST_MODULES


def folder_of(module: str) -> str:
    parts = module.split(".")
    while ".".join(parts) not in LAYERS:
        parts.pop()
    return ".".join(parts)


def room_of(module: str) -> str | None:
    """The room that a module of the command line is in, None for those beside the rooms."""
    _, _, *inside = module.split(".")
    return inside[0] if inside and inside[0] in ROOMS else None


def imports_of(module: str) -> set[str]:
    """The modules of ours that one imports, wherever in its file, for type checkers too."""
    found: set[str] = set()
    if module == "capsule":
        # The public names, for type checkers alone: at run time each is looked up when asked for.
        return found
    for node in ast.walk(ast.parse(EVERY[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    names = {name if name in EVERY else name.rpartition(".")[0] for name in found}
    return {name for name in names if name in EVERY}


GRAPH = {module: imports_of(module) - {module} for module in EVERY}


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down(module: str) -> None:
    mine = folder_of(module)
    for imported in GRAPH[module]:
        theirs = folder_of(imported)
        same = mine == theirs or (mine, theirs) in SIDEWAYS
        assert same or LAYERS[theirs] < LAYERS[mine], f"{module} imports {imported}"


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("capsule.cli.")])
def test_rooms_of_the_command_line_only_import_what_is_below(module: str) -> None:
    mine = room_of(module)
    for imported in GRAPH[module]:
        if mine is None or imported in LEAVES or folder_of(imported) != "capsule.cli":
            continue
        theirs = room_of(imported)
        assert theirs is not None, f"{module} imports {imported}, which is above all rooms"
        below = ROOMS.index(theirs) >= ROOMS.index(mine)
        assert below, f"{module} imports {imported}: {mine} is below {theirs}"


def test_the_rooms_are_those_that_there_are() -> None:
    found = {path.parent.name for path in (PACKAGE / "cli").glob("*/__init__.py")}
    assert found == set(ROOMS)


@pytest.mark.parametrize("leaf", sorted(LEAVES))
def test_what_any_room_may_import_loads_nothing(leaf: str) -> None:
    assert GRAPH[leaf] <= {"capsule"}


def circle_in(graph: dict[str, set[str]]) -> str | None:
    """The first circle of a graph, as text."""
    done: set[str] = set()

    def visit(name: str, above: tuple[str, ...]) -> str | None:
        if name in above:
            return " -> ".join((*above[above.index(name) :], name))
        if name not in done:
            for below in sorted(graph[name]):
                if found := visit(below, (*above, name)):
                    return found
            done.add(name)
        return None

    return next(filter(None, (visit(name, ()) for name in sorted(graph))), None)


def test_no_file_imports_itself_by_way_of_others() -> None:
    assert circle_in(GRAPH) is None
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == "b -> c -> b"


def folders(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The graph of folders: a package's own file, like all that it holds, is in it."""
    packages = {name for name, path in EVERY.items() if path.name == "__init__.py"}

    def holder(module: str) -> str:
        return module if module in packages else module.rpartition(".")[0]

    found: dict[str, set[str]] = {holder(module): set() for module in graph}
    for module, imported in graph.items():
        found[holder(module)] |= {holder(name) for name in imported} - {holder(module)}
    # What stands in `capsule` and `capsule.cli` themselves is a layer, not the folder around others.
    for around in ("capsule", "capsule.cli", "capsule_guest"):
        found.pop(around, None)
    return {name: below & found.keys() for name, below in found.items()}


def test_no_folder_imports_itself_by_way_of_others() -> None:
    assert circle_in(folders(GRAPH)) is None


def stem(name: str) -> str:
    """A name without what its last word ends in."""
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.endswith(ending) and len(name) - len(ending) > 2:
            return name.removesuffix(ending)
    return name


def differ_by_an_ending(one: str, other: str) -> bool:
    """Whether two names are one word twice: `live` and `lives`, `export` and `exported`."""
    one, other = one.rstrip("_"), other.rstrip("_")
    return stem(one) == stem(other) or any(
        longer.startswith(shorter) and longer.removeprefix(shorter) in ENDINGS
        for shorter, longer in ((one, other), (other, one))
    )


@pytest.mark.parametrize(
    "pair",
    ["live lives", "export exported", "solve solver", "policy policies"],
)
def test_names_that_differ_by_an_ending_are_told(pair: str) -> None:
    assert differ_by_an_ending(*pair.split())
    assert not differ_by_an_ending("attempt", "attempt_events")
    assert not differ_by_an_ending("run", "run_budget")


FOLDERS = sorted({path.parent for path in EVERY.values()}, key=str)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_two_files_differ_by_an_ending_alone(folder: Path) -> None:
    names = sorted({path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"})
    names += sorted(path.name for path in folder.iterdir() if (path / "__init__.py").exists())
    alike = [pair for pair in combinations(names, 2) if differ_by_an_ending(*pair)]
    assert alike == []


@pytest.mark.parametrize("module", EVERY)
def test_no_module_is_long(module: str) -> None:
    assert len(EVERY[module].read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("module", MODULES)
def test_adapters_are_imported_by_nobody_else(module: str) -> None:
    mine = folder_of(module) == "capsule.adapters"
    assert mine or not any(folder_of(name) == "capsule.adapters" for name in GRAPH[module])


@pytest.mark.parametrize("module", MODULES)
def test_the_host_never_imports_the_guest(module: str) -> None:
    assert not any(name.startswith("capsule_guest") for name in GRAPH[module])


@pytest.mark.parametrize("module", GUEST_MODULES)
def test_the_guest_imports_what_both_sides_share_and_no_more(module: str) -> None:
    assert all(name.startswith(("capsule_guest", "capsule.shared")) for name in GRAPH[module])
