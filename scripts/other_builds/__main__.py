"""`python -m scripts.other_builds NAME --kept FOLDER`: another build of the program, run for real.

Artifacts that were made with this machine's own build run with the other: results have to be the
same, and fuel within a hundredth. It prints a table, and the exit code is 0 where all of it holds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.other_builds import aarch64, musl
from scripts.other_builds.build_side import BuildSide
from scripts.other_builds.tasks import TASKS

if TYPE_CHECKING:
    from types import ModuleType

_BUILDS: dict[str, ModuleType] = {"aarch64": aarch64, "musl": musl}
_MOST = 0.01


def main() -> int:
    """Compare, and say how it was."""
    parser = argparse.ArgumentParser(prog="other_builds", description="Run another build here.")
    parser.add_argument("build", choices=_BUILDS)
    parser.add_argument("--kept", type=Path, required=True, help="where programs and homes are")
    asked = parser.parse_args()
    kept, build = asked.kept.resolve(), _BUILDS[asked.build]
    if why := build.lacking():
        print(f"not run: {why}")
        return 0
    for name in ("home", f"home.{asked.build}", "tasks"):
        (kept / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    own = {**os.environ, "CAPSULE_HOME": os.environ.get("CAPSULE_HOME") or str(kept / "home")}
    here = BuildSide((sys.executable, "-m", "capsule"), own)
    made = build.side(kept)
    home = {"CAPSULE_HOME": str(kept / f"home.{asked.build}")}
    there = made._replace(environ={**made.environ, **home})
    begin = time.monotonic()
    said = _run(there, kept / "tasks", "run", "-c", "import sys; sys.version")
    took = time.monotonic() - begin
    print(f"the interpreter is compiled, and answers {said['result']!r}: {took:.1f} s")
    wrong = build.wrong()
    wrong += [problem for name in TASKS for problem in _compared(name, here, there, kept / "tasks")]
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


def _compared(name: str, here: BuildSide, there: BuildSide, folder: Path) -> list[str]:
    task, artifact = folder / f"{name}.py", folder / f"{name}.wasm"
    task.write_text(f"{TASKS[name]}\n")
    words = ("build", "--export", str(task), "--output", str(artifact))
    subprocess.run([*here.command, *words], env=here.environ, check=True, stdout=subprocess.DEVNULL)
    ours = _run(here, folder, "exec", artifact.name)
    theirs = _run(there, folder, "exec", artifact.name)
    source = _run(there, folder, "run", task.name)
    fuel = [each["execution"]["fuel_consumed"] for each in (ours, theirs, source)]
    # The result, or the error with its traceback.
    answers = [(each["result"], each["error"]) for each in (ours, theirs, source)]
    ratios = [one / fuel[0] for one in fuel[1:]]
    print(f"{name:<12} {fuel[0]:>12,} fuel; there {ratios[0]:.5f}, and from source {ratios[1]:.5f}")
    found = [f"{name}: {answers}"] if answers[0] != answers[1] or answers[0] != answers[2] else []
    if any(abs(ratio - 1) > _MOST for ratio in ratios):
        found.append(f"{name}: fuel {fuel}")
    return found


def _run(side: BuildSide, folder: Path, *words: str) -> Any:
    done = subprocess.run(
        [*side.command, *words, "--json"],
        cwd=folder,
        env={**side.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.startswith("{"):
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    sys.exit(main())
