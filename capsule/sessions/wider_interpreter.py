"""A larger interpreter for a session that has begun on a smaller one.

All are made of one file, of which the smaller ones lack functions; memory is the same byte for byte
in all of them, and so are the places of functions in the table. So a state of one goes on in
another that has more.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from capsule.packages.builtin_distributions import science_imports
from capsule.packages.native_imports import natives_of
from capsule.runner.cancellable_progress import CancellableProgress
from capsule.runner.interpreter_choice import toolchain_for
from capsule.sessions import state_memory
from capsule.sessions.session_base import Wider
from capsule.snapshot import cache
from capsule.snapshot.base_snapshot import open_base
from capsule.snapshot.memory_image import Image, compile_image
from capsule.toolstore.flavours import KEEPS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from capsule.process.cancel import Cancellation
    from capsule.progress import Progress
    from capsule.runner.attempt import Plan
    from capsule.sessions.session_base import SessionBase
    from capsule.snapshot.base_snapshot import Base
    from capsule.toolstore.toolchain_lock import Lease

# Of code that is looked through, in characters: what is longer is data, mostly. To parse it takes
# six hundred times its size of memory, and holds Python's lock: lines are looked at then.
_MOST, _PARSED = 1 << 20, 16 << 10
_LINE = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import\b|import[ \t]+([\w., \t]+))", re.MULTILINE
)
_IMAGE = "memory.cwasm"


def large_imports(code: str) -> list[str]:
    """Return what code imports of the scientific stack.

    >>> large_imports("import json, pandas as pd\\nfrom numpy.random import default_rng")
    ['numpy', 'pandas']
    """
    if "import" not in code or len(code) > _MOST:
        return []
    if len(code) > _PARSED:
        return sorted(_on_lines(code) & science_imports())
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # which is said by the turn
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return sorted(found & science_imports())


def _on_lines(code: str) -> set[str]:
    """Return the top-level names that lines import, as far as they look like that."""
    found: set[str] = set()
    for match in _LINE.finditer(code):
        names = match[1] or match[2]
        found |= {part.split()[0].partition(".")[0] for part in names.split(",") if part.split()}
    return found


def with_imports(base: SessionBase, code: str, stop: Cancellation) -> SessionBase:
    """Return what a turn with this code can run on: a larger interpreter where it needs one.

    Raises `ToolchainError` when that cannot be made.
    """
    names = frozenset((*base.order.inputs.natives, *base.natives, *large_imports(code)))
    if not names or len(code) > _MOST:
        return base
    source = code.encode(errors="replace")
    return with_natives(base, natives_of(names, (source,), guesses=False), stop)


def with_natives(base: SessionBase, natives: Iterable[str], stop: Cancellation) -> SessionBase:
    """Return a base whose turns have the native code of these packages too.

    Raises `ToolchainError` when an interpreter that has it cannot be made.
    """
    wanted = base.natives | frozenset(natives)
    runtime = base.runs_on.runtime
    if wanted <= KEEPS[runtime.flavour]:
        return base
    inputs, progress = base.order.inputs, CancellableProgress(base.progress, stop)
    toolchain = toolchain_for(inputs.home, inputs.natives | wanted, progress)
    larger = open_base(inputs.home, toolchain, base.order.layers, progress, asyncio=runtime.asyncio)
    image, lease = base.choice.snapshot.image, None
    if larger.launch.codegen != inputs.base.launch.codegen:
        image, lease = _image_for(base, larger, progress)
    return base._replace(wider=Wider(larger, image, lease), natives=wanted)


def _image_for(base: SessionBase, larger: Base, progress: Progress) -> tuple[Path, Lease | None]:
    """Return the memory that turns begin with, compiled as the code of another interpreter is."""
    home, snapshot = base.order.inputs.home, base.choice.snapshot

    def made(folder: Path) -> cache.Facts:
        pages = state_memory.layer_of(base, home).pages()
        whole = Image(larger.initial.read_bytes(), pages, snapshot.memory)
        launch = larger.launch
        compile_image(launch.wasmtime, whole, folder / _IMAGE, codegen=launch.codegen)
        return {}

    key = cache.key(snapshot.image.parent.name.encode(), larger.launch.codegen.encode(), b"image")
    entry = cache.obtain(home / "cache" / "generic", key, made, progress)
    return entry.folder / _IMAGE, entry.lease


def for_turns(plan: Plan, base: SessionBase) -> Plan:
    """Return how a turn is started, by how a run would be."""
    own, on = base.order.inputs.base, base.runs_on
    there = plan.launch
    launch = on.launch._replace(
        image=base.image,
        driver=on.turn_driver,
        fuel=there.fuel,
        budget=there.budget,
        memory=there.memory,
        mounts=(
            *on.launch.mounts,
            *(each for each in there.mounts if each not in own.launch.mounts),
        ),
    )
    return plan._replace(launch=launch, first_step=on.first_step)


def allowed(base: SessionBase) -> dict[str, object]:
    """Return what a turn is told of its interpreter: nothing where it is that of the beginning."""
    if base.wider is None:
        return {}
    flavour = base.runs_on.runtime.flavour
    return {"interpreter": {"flavour": flavour, "natives": sorted(KEEPS[flavour])}}
