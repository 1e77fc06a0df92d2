"""`python -m scripts.package_jobs [NAME ...]`: do the jobs, each in a sandbox; print one table.

A job is a requirement, the head of a module and the body of its `main`, and the answer where that
is always the same. It is done, or refused before anything runs, as something that it needs is
native or is not in this index: read the messages. Or it fails, and then the session does too.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from capsule.message_text import printable

_JOBS = Path(__file__).with_name("jobs.json")
# Fetching counts, and some of these bring a hundred packages.
_SECONDS = 600
# The exit code for what is wrong before a run.
_NOTHING_RAN = 2
_FUEL = "50_000_000_000"
_FILE = """# /// script
# dependencies = ["{requires}"]
# ///
from capsule import task
{module}

@task(name="main", compute="{fuel}")
def main():
    {main}
"""


class Ending(NamedTuple):
    """How a job ended: "done", "refused" or "failed", its fuel, and what was said of it."""

    kind: str
    fuel: int | None
    said: str


def main() -> int:
    """Do the jobs; the exit code is 1 when one of them failed, or fewer are done than have been."""
    parser = argparse.ArgumentParser(prog="package_jobs", description=main.__doc__)
    parser.add_argument("names", nargs="*", help="jobs to do; all where none is named")
    parser.add_argument("--least", type=int, default=66, help="how many have to be done of all")
    said = parser.parse_args()
    jobs: dict[str, dict[str, Any]] = json.loads(_JOBS.read_text())
    if unknown := set(said.names) - jobs.keys():
        parser.error(f"no such job: {', '.join(sorted(unknown))}")
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="capsule-jobs-") as folder:
        for name in said.names or jobs:
            ending = _do(jobs[name], Path(folder))
            counts[ending.kind] += 1
            fuel = "" if ending.fuel is None else f"{ending.fuel:,}"
            print(f"{name:18} {ending.kind:8} {fuel:>14}  {ending.said}", flush=True)
    print(", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())))
    return 1 if counts["failed"] or (not said.names and counts["done"] < said.least) else 0


def _do(job: dict[str, Any], folder: Path) -> Ending:
    file = folder / "job.py"
    file.write_text(_FILE.format(**job, fuel=_FUEL), encoding="utf-8")
    command = [sys.executable, "-m", "capsule", "run", "job.py", "--json", "--quiet"]
    try:
        ended = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Ending("failed", None, f"it took more than {_SECONDS} seconds")
    try:
        envelope = json.loads(ended.stdout)
    except ValueError:
        return Ending("failed", None, printable(ended.stdout + ended.stderr))
    error, fuel = envelope["error"], envelope["execution"]["fuel_consumed"]
    if error is None:
        result = envelope["result"]
        if "answer" in job and result != job["answer"]:
            return Ending("failed", fuel, f"{result!r} is not {job['answer']!r}")
        return Ending("done", fuel, printable(json.dumps(result, ensure_ascii=False))[:80])
    kind = "refused" if ended.returncode == _NOTHING_RAN else "failed"
    return Ending(kind, fuel, printable(f"{error['error_type']}: {error['message']}"))


if __name__ == "__main__":
    sys.exit(main())
