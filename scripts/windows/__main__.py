"""Run the product, and its integration tests, in the real Windows Python under wine.

    python -m scripts.windows [--folder DIR] [--again] [--each] [--short | TEST ...]

All that is needed is made in the folder and kept there. Without tests, all integration tests are
run; with `--short` those that say most in the least time. Of cases that are alike, as
`excused.toml` says, the first of some is run, with `--each` each. With `--again` what has passed
when it ran last in this folder counts, and only the others are run. It ends with 0 where none
failed, and none passed that is excused; with 77 where there is no wine, and says so. Where CI is
set, and it may, it installs wine.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scripts.windows import interrupt, outcomes, windows_python
from scripts.windows.recorder_variable import EACH, VARIABLE
from scripts.windows.wine import INSTALL, Wine, install, lacking, windows_path

ROOT = Path(__file__).parents[2]
NO_WINE = 77
# A test that hangs ends pytest, as there is no SIGALRM on Windows; then the others go on.
_ROUNDS, _SECONDS = 30, 250
_TESTS = "tests/integration"
# What is about Windows alone, and what the guard does there.
_SHORT = ("tests/integration/test_windows.py", "tests/integration/test_wasi_guard.py")
_PYTEST = ("-q", "-p", "no:cacheprovider", "-p", "scripts.windows.recorder")


def main(words: list[str]) -> int:
    """Run what `words` say and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.windows", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / ".toolchain" / "windows")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--each", action="store_true")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("tests", nargs="*")
    asked = parser.parse_args(words)
    if lacking():
        why = install() if os.environ.get("CI") else f"{', '.join(lacking())}: {INSTALL}"
        if why is not None:
            print(f"windows: not run: {why}")
            return NO_WINE
    folder = asked.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    wine = Wine(folder)
    short = asked.short and not asked.tests
    with wine.serving(), ThreadPoolExecutor(1) as beside:
        prefix = beside.submit(wine.prepare)
        python = windows_path(windows_python.prepare(folder, short=short))
        prefix.result()
        print(f"windows: Python and wine are there after {time.monotonic() - begin:.0f} s")
        record = folder / "outcomes.jsonl"
        if asked.again:
            outcomes.keep_passed(record)
        else:
            record.unlink(missing_ok=True)
        tests = asked.tests or (_SHORT if short else (_TESTS,))
        return _run(wine, python, record, tests, each=asked.each)


def _run(wine: Wine, python: str, record: Path, tests: tuple[str, ...], *, each: bool) -> int:
    folder = record.parent
    home = windows_path(folder / "home")
    environ = {
        "CAPSULE_HOME": home,
        "CAPSULE_TEST_HOME": home,
        "PYTHONPATH": windows_path(ROOT),
        "PYTHONPYCACHEPREFIX": windows_path(folder / "pycache"),
    }
    begin = time.monotonic()
    for line in (("toolchain", "install"), ("doctor",), ("run", "-c", "6 * 7")):
        if status := wine.run([python, "-m", "capsule", *line], environ, folder):
            print(f"windows: capsule {' '.join(line)} ended with {status}")
            return 1
    if (wrong := interrupt.trouble(wine, python, environ, folder)) is not None:
        print(f"windows: a run that is interrupted: {wrong}")
        return 1
    took = time.monotonic() - begin
    print(f"windows: the toolchain is there, and Ctrl-C ends a run, after {took:.0f} s")
    # Tests write files as text, in UTF-8; the commands that they run have the code page.
    environ |= {VARIABLE: windows_path(record), "PYTHONUTF8": "1"}
    if each:
        environ[EACH] = "1"
    del environ["CAPSULE_HOME"]
    options = (*_PYTEST, "--continue-on-collection-errors", "-o", f"timeout={_SECONDS}")
    for _ in range(_ROUNDS):
        wine.run([python, "-m", "pytest", *options, *tests], environ, ROOT)
        if not outcomes.has_ended_pytest(record):
            break
        # What the test had started runs on.
        wine.end_programs()
    ended = outcomes.read(record)
    print("\n".join(outcomes.summary(ended)))
    print(f"windows: {time.monotonic() - begin:.0f} s")
    return 0 if outcomes.is_good(ended) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
