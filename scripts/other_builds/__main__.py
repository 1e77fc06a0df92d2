"""`python -m scripts.arm --kept FOLDER`: the pinned program for aarch64, run here for real.

Artifacts that were made on this machine run on both processors: results have to be the same, and
fuel within a hundredth. It prints a table, and the exit code is 0 where all of it holds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from scripts.arm import call_numbers, emulated
from scripts.arm.tasks import TASKS

_MOST = 0.01
_HERE = ("-m", "capsule")
_THERE = ("-m", "scripts.arm.without_walls")


def main() -> int:
    """Compare, and say how it was."""
    parser = argparse.ArgumentParser(prog="arm", description="Run the program for aarch64 here.")
    parser.add_argument("--kept", type=Path, required=True, help="where programs and homes are")
    kept = parser.parse_args().kept.resolve()
    emulator = emulated.qemu()
    if emulator is None:
        print(f"not run: aarch64 cannot be emulated here (Debian: {emulated.PACKAGES})")
        return 0
    for folder in (kept / "home", kept / "home.aarch64", kept / "tasks"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = os.environ.get("CAPSULE_HOME") or str(kept / "home")
    here = {**os.environ, "CAPSULE_HOME": home}
    program = emulated.program(kept, emulator)
    there = {
        **os.environ,
        "CAPSULE_HOME": str(kept / "home.aarch64"),
        "CAPSULE_WASMTIME": str(program),
    }
    begin = time.monotonic()
    said = _run(_THERE, there, kept / "tasks", "run", "-c", "import sys; sys.version")
    print(f"the interpreter is compiled, and answers {said['result']!r}: {_seconds(begin)}")
    wrong = call_numbers.differing(emulated.LIBRARIES / "include" / "asm-generic" / "unistd.h")
    print(
        f"system calls that are closed on aarch64, against the kernel's header: {len(wrong)} wrong"
    )
    wrong += [problem for name in TASKS for problem in _compared(name, here, there, kept / "tasks")]
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


def _compared(name: str, here: dict[str, str], there: dict[str, str], folder: Path) -> list[str]:
    task, artifact = folder / f"{name}.py", folder / f"{name}.wasm"
    task.write_text(f"{TASKS[name]}\n")
    words = ("build", "--export", str(task), "--output", str(artifact))
    built = [sys.executable, *_HERE, *words]
    subprocess.run(built, env=here, check=True, stdout=subprocess.DEVNULL)
    ours = _run(_HERE, here, folder, "exec", artifact.name)
    theirs = _run(_THERE, there, folder, "exec", artifact.name)
    source = _run(_THERE, there, folder, "run", task.name)
    fuel = [each["execution"]["fuel_consumed"] for each in (ours, theirs, source)]
    # The result, or the error with its traceback.
    answers = [(each["result"], each["error"]) for each in (ours, theirs, source)]
    ratios = [one / fuel[0] for one in fuel[1:]]
    print(f"{name:<12} {fuel[0]:>12,} fuel; there {ratios[0]:.5f}, and from source {ratios[1]:.5f}")
    found = [f"{name}: {answers}"] if answers[0] != answers[1] or answers[0] != answers[2] else []
    if any(abs(ratio - 1) > _MOST for ratio in ratios):
        found.append(f"{name}: fuel {fuel}")
    return found


def _run(how: tuple[str, ...], environ: dict[str, str], folder: Path, *words: str) -> Any:
    done = subprocess.run(
        [sys.executable, *how, *words, "--json"],
        cwd=folder,
        env={**environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.startswith("{"):
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    return json.loads(done.stdout)


def _seconds(begin: float) -> str:
    return f"{time.monotonic() - begin:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
