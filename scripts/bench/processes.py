"""One sandbox process each: from a snapshot, and what it stands against."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capsule import wasm
from capsule.process.argv import command_line
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.observer import NOBODY
from capsule.runner.run import Order, run
from capsule.runner.snapshot_choice import SnapshotChoice, choose_snapshot
from capsule.runner.source import read_text
from capsule.snapshot.task_snapshot import SnapshotSettings, Unfrozen
from scripts.bench.timing import Row, by_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from capsule.process.cancel import Cancellation

_STARTS = 25
_IMPORTS = 3
_FLOORS = 40
_BARE = "bare wasmtime"

# What the lab's own snapshot holds, so that the same pages are restored.
SAME_AS_THE_LAB = "import json, asyncio, urllib.request\ndef main(): return 1\n"
# A module that exports one function, `_start`, whose body is empty.
EMPTY = wasm.HEADER + bytes.fromhex(
    "01040160 0000 03020100 070a01 06 5f7374617274 0000 0a040102000b"
)
PANDAS = """
import pandas as pd
from capsule import task

@task(compute="HIGH")
def main():
    frame = pd.DataFrame({"key": ["a", "b", "a", "c"] * 1000, "value": range(4000)})
    return frame.groupby("key")["value"].sum().to_dict()
"""


def rows(home: Path, lab: Path | None, cancellation: Cancellation) -> list[Row]:
    """Measure single processes."""
    small = order(home, SAME_AS_THE_LAB)
    ways = {
        "ours": lambda: checked(small, cancellation),
        "bare": bare(small, cancellation),
    }
    if lab is not None:
        ways["lab"] = the_lab(lab, home / "lab")
    taken = by_turns(_STARTS, ways)
    found = [Row("a new process from a snapshot, one call", taken["ours"], taken["bare"], _BARE)]
    if lab is not None:
        found.append(Row("the same, against the lab's", taken["ours"], taken["lab"], "lab", 1.3))
    return [*found, _pandas(home, cancellation)]


def floors(home: Path) -> list[Row]:
    """Measure what nothing can be faster than: an empty module, and a Python that does nothing."""
    wasmtime = str(order(home, SAME_AS_THE_LAB).inputs.base.launch.wasmtime)
    with tempfile.TemporaryDirectory() as folder:
        module, compiled = Path(folder, "empty.wasm"), Path(folder, "empty.cwasm")
        module.write_bytes(EMPTY)
        subprocess.run([wasmtime, "compile", "-o", str(compiled), str(module)], check=True)
        empty = [wasmtime, "run", "--allow-precompiled", str(compiled)]
        taken = by_turns(
            _FLOORS,
            {
                "wasmtime": lambda: subprocess.run(empty, capture_output=True, check=True),
                "python": bare_python,
            },
        )
    return [
        Row("floor: wasmtime run of an empty module", taken["wasmtime"]),
        Row("floor: python -c pass", taken["python"]),
    ]


def bare_python() -> None:
    """Run a Python that does nothing, in the way that whole commands are run."""
    subprocess.run([sys.executable, "-c", "pass"], capture_output=True, check=True)


def order(home: Path, source: str) -> Order:
    """Return the order of a source, with its snapshot taken."""
    read = read_text(source.encode(), Path.cwd())
    return prepare.order(read, prepare.Call(), home, Silent())


def checked(order: Order, cancellation: Cancellation) -> None:
    """Run the task, which has to succeed."""
    envelope = run(order, NOBODY, cancellation)
    if envelope["error"] is not None:
        raise SystemExit(f"a task failed: {envelope['error']}")


def bare(order: Order, cancellation: Cancellation) -> Callable[[], None]:
    """Return a run of the same driver by `wasmtime` alone: no walls, no wire, nothing watched."""
    argv, request = bare_of(order, cancellation)

    def once() -> None:
        done = subprocess.run(argv, input=request, capture_output=True, env={}, check=False)
        if b"1" not in done.stdout:
            raise SystemExit(f"wasmtime failed: {done.stderr.decode()[-500:]}")

    return once


def bare_of(order: Order, cancellation: Cancellation) -> tuple[list[str], bytes]:
    """Return the command line that runs the driver of an order, and what it reads from stdin."""
    settings = SnapshotSettings(order.layers, None, None, cancellation, Silent())
    start = choose_snapshot(order.inputs, order.call, settings)
    if not isinstance(start, SnapshotChoice):
        raise SystemExit("the snapshot could not be taken")
    launch = order.inputs.base.launch._replace(
        image=start.snapshot.image,
        fuel=order.policy.compute + start.snapshot.overhead,
        budget=order.policy.compute,
        mounts=start.mounts,
    )
    return command_line(launch), start.request


def the_lab(path: Path, folder: Path) -> Callable[[], None]:
    """Return the lab's way to make one call: its script's functions, in a folder for its files."""
    spec = importlib.util.spec_from_file_location("lab", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} cannot be imported")
    prove: Any = importlib.util.module_from_spec(spec)
    mine, sys.argv = sys.argv, [str(path), str(folder)]
    spec.loader.exec_module(prove)
    sys.argv = mine
    lab = prove.Lab()
    for name in ("boot", "empty", "data"):
        (prove.WORK / name).mkdir(exist_ok=True)
    (prove.WORK / "boot" / "runner.py").write_text(prove.RUNNER)
    boot = (prove.WORK / "boot", "/boot")
    base = lab.base()
    imports = "import sys; sys.path.insert(0, '/boot')\nimport runner, asyncio, urllib.request\n"
    after = lab.memory(imports, [boot, (prove.WORK / "empty", "/data")])
    budget = 2_000_000_000
    module, _ = prove.driver(
        "runner.main()",
        restore=prove.changed(base, after),
        grow=(len(after) - len(base)) // prove.WASM_PAGE,
        budget=budget,
    )
    task = lab.module("task", module)
    argv = lab.argv(task, [boot, (prove.WORK / "data", "/data")], fuel=budget)
    request = json.dumps({"code": "result = 1"}).encode() + b"\n"

    def once() -> None:
        environ = {"RUST_BACKTRACE": "0"}
        done = subprocess.run(argv, input=request, capture_output=True, env=environ, check=False)
        if b'{"result": 1}' not in done.stdout:
            raise SystemExit(f"the lab failed: {done.stderr.decode()[-500:]}")

    return once


def _pandas(home: Path, cancellation: Cancellation) -> Row:
    frozen = order(home, PANDAS)
    # The same task on the generic snapshot, as one whose import cannot be frozen.
    code = frozen.inputs.code._replace(libraries=frozenset())
    inputs = frozen.inputs._replace(code=code, frozen=Unfrozen("not tried"))
    plain = frozen._replace(inputs=inputs)
    checked(frozen, cancellation)
    checked(plain, cancellation)
    taken = by_turns(_IMPORTS, {"plain": lambda: checked(plain, cancellation)})
    taken |= by_turns(_STARTS, {"frozen": lambda: checked(frozen, cancellation)})
    return Row(
        "pandas group-by, new process, snapshot",
        taken["frozen"],
        taken["plain"],
        "importing it",
        1 / 10,
    )
