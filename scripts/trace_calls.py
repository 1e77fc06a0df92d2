"""Find the system calls that sandbox processes make, by running tests under strace.

    python scripts/trace_calls.py tests/integration/test_calls.py tests/integration/test_files.py

It writes `tests/unit/confine/traced_calls.json`: how often each call was made and answered, with
which commands and flags where a filter looks at these, and what was refused each time. `--from`
reads the files of an earlier trace. What was refused is either not needed, which its tests have to
show, or belongs in `capsule/confine/allowed_calls.py`.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "tests" / "unit" / "confine" / "traced_calls.json"
CALL = re.compile(r"(\w+)\((.*)\)\s+= (-?\d+|0x[0-9a-f]+|\?)(?: (\w+))?")
# Which argument says what is asked for.
TOLD = {
    "arch_prctl": 0,
    "clone": 1,
    "clone3": 0,
    "fcntl": 1,
    "ioctl": 1,
    "madvise": 2,
    "prctl": 0,
    "socketpair": 1,
}
REFUSALS = ("EPERM", "EACCES", "ENOSYS")


def main() -> int:
    """Trace, count and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tests", nargs="*")
    parser.add_argument("--from", dest="folders", nargs="*", type=Path, default=[])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folders = [*asked.folders]
        if asked.tests:
            folders.append(Path(made))
            trace = ["strace", "-f", "-ff", "-qq", "-s", "64", "-o", f"{made}/t"]
            subprocess.run(
                [*trace, sys.executable, "-m", "pytest", "-q", *asked.tests], check=False
            )
        counted = count(folders)
    TARGET.write_text(json.dumps(counted, indent=1) + "\n")
    sys.stdout.write(f"{len(counted['used'])} calls of {counted['processes']} processes\n")
    return 0


def count(folders: list[Path]) -> dict[str, Any]:
    """Count the calls of the processes that `strace -ff` has written into `folders`."""
    used: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    told: dict[str, set[str]] = defaultdict(set)
    processes = 0
    for folder in folders:
        pending = []
        for path in folder.glob("t.*"):
            lines = path.read_text(errors="replace").splitlines()
            for number, line in enumerate(lines):
                # As `capsule/process/argv.py` has it; other tests start the program by themselves.
                if line.startswith("execve(") and '"run", "-C", "cache=n,' in line:
                    pending.append(lines[number:])
                    processes += 1
                    break
        while pending:
            for line in pending.pop():
                if not (found := CALL.match(line)):
                    continue
                name, arguments, answer, error = found.groups()
                if name in ("clone", "clone3") and answer.isdigit():
                    thread = folder / f"t.{answer}"
                    pending.append(thread.read_text(errors="replace").splitlines())
                (failed if error in REFUSALS else used)[name] += 1
                if name in TOLD:
                    word = re.split(r", (?![^{]*})", arguments)[TOLD[name]]
                    told[name].add(re.sub(r"(?:flags=|\{flags=)?([A-Z_0-9|]+).*", r"\1", word))
    return {
        "processes": processes,
        "used": dict(sorted(used.items())),
        "refused": {name: n for name, n in sorted(failed.items()) if name not in used},
        "told": {name: sorted(words) for name, words in sorted(told.items())},
    }


if __name__ == "__main__":
    raise SystemExit(main())
