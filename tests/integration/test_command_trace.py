"""`capsule trace`, of real runs: on a terminal, in a pipe, in JSON; and what goes wrong."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.records import command_with_a_record, flat

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.command import Command

pytestmark = pytest.mark.integration

FAMILY = """
from capsule import task
@task(max_retries=1, compute="LOW", ram="64MB")
def shaky():
    print("\\x1b[2Jtrying")
    raise ValueError("no\\x1b[2J\\n.9 forged: completed")
@task(timeout="200ms")
def slow():
    import time
    time.sleep(9)
@task(allowed_hosts=["localhost:9"])
def net():
    import urllib.request
    try: urllib.request.urlopen("http://localhost:9/x")
    except OSError: pass
@task(name="日本 </script>")
def odd(): return 1
@task(name="main", timeout="1h")
def main():
    shaky(); slow(); net()
    return odd()["result"]
"""


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    made = command_with_a_record(toolchain_home, tmp_path)
    made.write("family.py", FAMILY)
    return made


def listed(capsule: Command, *words: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(capsule("trace", *words, "--json").out)
    return rows


def lifecycle(capsule: Command) -> Path:
    return capsule.folder / "home" / "lifecycle"


def test_a_run_with_all_that_it_called(capsule: Command) -> None:
    done = capsule("run", "family.py", "--result")
    assert done.out == "1\n", done.err
    found = json.loads(capsule("trace", "latest", "--json").out)
    rows = list(flat(found["attempts"]))
    assert [(row["task"], row["number"], row["state"]) for row in rows] == [
        ("main", 0, "completed"),
        ("shaky", 0, "failed"),
        ("shaky", 1, "failed"),
        ("slow", 0, "timed_out"),
        ("net", 0, "completed"),
        ("日本 </script>", 0, "completed"),
    ]
    (request,) = rows[4]["host_requests"]
    assert request["url"] == "http://localhost:9/x"
    shown = capsule("trace", found["run"][:12])
    assert (shown.code, shown.err) == (0, "")
    text = shown.out
    assert text.startswith(f"run {found['run']}: completed after ")
    for said in (
        "  file     family.py\n",
        "  walls    WebAssembly",
        "  .3  ├─ shaky (retry 1)  failed     ",
        "  .4  ├─ slow             timed_out  ",
        "  .6  └─ 日本 </script>   completed  ",
        ".2 shaky: failed, in a process that was started for it\n",
        "  memory   40 MB of 64 MB (62 %)\n",
        " of 200 ms (100 %)\n",
        "  stdout   │ ?[2Jtrying\n",
        "  error    │ task_error: ValueError: no?[2J\n           │ .9 forged: completed\n",
        '  trace    │ Traceback (most recent call last):\n           │   File "family.py", line 6',
        "  request  GET http://localhost:9/x: failed (connecting to localhost:9 failed",
    ):
        assert said in text, text
    # Nothing that a task chose is at the beginning of a line, or drives a terminal.
    assert "\x1b" not in text
    assert not re.search(r"^\.9", text, re.MULTILINE)
    assert all(len(line) <= 80 for line in text.splitlines())
    on_terminal = capsule.on_terminal("trace", "latest").out
    assert [line for line in on_terminal.splitlines() if "began" not in line] == [
        line for line in text.splitlines() if "began" not in line
    ]
    wide = capsule.on_terminal("trace", "latest", columns=120).out
    assert max(map(len, wide.splitlines())) > 100


def test_a_page_of_a_run(capsule: Command) -> None:
    capsule("run", "family.py")
    done = capsule("trace", "latest", "--html", "page.html")
    assert (done.code, done.out, done.err) == (0, "page.html\n", "")
    path = capsule.folder / "page.html"
    text = path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert text.startswith("<!doctype html>")
    assert "日本 &lt;/script&gt;" in text
    assert "</script" not in text
    assert capsule("trace", "latest", "--html", "-").out.startswith("<!doctype html>")
    done = capsule("trace", "latest", "--html", "no/folder.html")
    assert (done.code, done.out) == (2, "")
    assert "--html no/folder.html: No such file" in done.err
    assert capsule("trace", "latest", "--html", "-", "--json").code == 2


def test_a_list_and_its_filters(capsule: Command) -> None:
    capsule("run", "hello.py")
    capsule("run", "hello.py", "x")
    capsule.write("other.py", "from capsule import task\n@task()\ndef other(): pass\n")
    capsule("run", "other.py")
    heading, *lines = capsule("trace").out.splitlines()
    assert heading.split() == ["RUN", "AGE", "STATE", "TIME", "FUEL", "MEMORY", "TASK"]
    assert [line.split()[2] for line in lines] == ["completed", "failed", "completed"]
    assert lines[0].endswith("40 MB  other  other.py")
    assert capsule.on_terminal("trace").out.splitlines()[0] == heading
    rows = listed(capsule)
    assert [row["task"] for row in rows] == ["other", "main", "main"]
    assert rows[1].keys() >= {"error_type", "attempts", "run_created_ns", "fuel_consumed"}
    assert "stdout" not in rows[1]
    ids = [row["run"] for row in rows]
    assert [row["run"] for row in listed(capsule, "--state", "failed")] == ids[1:2]
    assert [row["run"] for row in listed(capsule, "--task", "main")] == ids[1:]
    assert [row["run"] for row in listed(capsule, "--limit", "1", "--since", "1h")] == ids[:1]
    assert listed(capsule, "--since", "0s") == []
    assert len(listed(capsule, "--since", "999999999d", "--limit", "9" * 9)) == 3
    assert listed(capsule, "--task", "\udcff") == []
    done = capsule("trace", "--task", "none")
    assert (done.code, done.out) == (0, "")
    assert "no run is like that" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--state", "timed-oud"), "try: timed_out"),
        (("--since", "1w"), "a number and s, m, h or d is needed"),
        (("--limit", "0"), "--limit '0': a whole number is needed, 1 or more\n  try: --limit 20"),
        (("latest", "--limit", "3"), "one is named already"),
        (("latest",), "no run is recorded yet\n  try: capsule run FILE.py"),
        (("none",), "there is no run 'none'\n  try: capsule trace"),
        (("\udcff",), "there is no run '\\udcff'"),
        (("--html", "page.html"), "--html is for one run"),
    ],
)
def test_what_is_wrong_is_said(capsule: Command, words: tuple[str, ...], said: str) -> None:
    done = capsule("trace", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_what_was_probably_meant(capsule: Command) -> None:
    capsule.write("odd.py", "from capsule import task\n@task(name='re size;x')\ndef main(): pass\n")
    capsule("run", "hello.py")
    capsule("run", "odd.py")
    assert capsule("trace", "--task", "mian").err.endswith("\n  try: --task main\n")
    # As a shell takes it: what a task is called is a stranger's choice.
    assert capsule("trace", "--task", "re size").err.endswith("\n  try: --task 're size;x'\n")
    assert "without filters" in capsule("trace", "--task", "main", "--since", "0s").err
    odd, hello = (row["run"] for row in listed(capsule))
    for run in (odd, hello):
        wrong = run[:14] + run[15] + run[14] if run[14] != run[15] else run[:15] + "x"
        done = capsule("trace", wrong)
        assert (done.code, done.out) == (2, "")
        assert done.err == f"capsule: there is no run {wrong!r}\n  try: capsule trace {run}\n"
    assert capsule("trace", "zzz").err.endswith("\n  try: capsule trace latest\n")


def test_nothing_is_recorded_yet(capsule: Command) -> None:
    done = capsule("trace")
    assert (done.code, done.out) == (0, "")
    assert done.err == "capsule: no run is recorded yet\n  try: capsule run FILE.py\n"
    assert listed(capsule) == []


def test_a_beginning_that_several_have(capsule: Command) -> None:
    capsule("run", "hello.py")
    capsule("run", "hello.py")
    done = capsule("trace", listed(capsule)[0]["run"][0])
    assert done.code == 2
    assert all(row["run"] in done.err for row in listed(capsule))


def test_recording_is_off(capsule: Command) -> None:
    capsule.environ["CAPSULE_RECORD"] = "0"
    assert capsule("run", "hello.py", "--result").out == "hello \n"
    assert not lifecycle(capsule).exists()
    assert "CAPSULE_RECORD=0" in capsule("trace").err


@pytest.mark.parametrize("words", [("--json",), ("--result",), ("--json", "--quiet")])
def test_a_home_that_cannot_be_written(capsule: Command, words: tuple[str, ...]) -> None:
    lifecycle(capsule).write_text("in the way, even of root")
    capsule.folder.joinpath("home").chmod(0o500)
    try:
        done = capsule("run", "hello.py", *words)
    finally:
        capsule.folder.joinpath("home").chmod(0o700)
    assert done.code == 0
    assert done.out.count("\n") == 1
    assert done.err.count("capsule: some runs are not recorded: ") == 1
    assert done.err.count("\n") == 1


def test_a_record_that_is_damaged(capsule: Command) -> None:
    lifecycle(capsule).mkdir()
    (lifecycle(capsule) / "runs.db").write_bytes(b"no database" * 1_000)
    shown = capsule("trace")
    assert shown.code == 2
    assert "the record of runs was damaged: it is " in shown.err
    assert "no run is recorded yet" in capsule("trace").err
    (lifecycle(capsule) / "runs.db").write_bytes(b"no database" * 1_000)
    done = capsule("run", "hello.py", "--result")
    assert (done.code, done.out) == (0, "hello \n")
    assert done.err.startswith("capsule: the record of runs was damaged and begun anew; it is ")
    assert done.err.count("\n") == 1
    assert [row["state"] for row in listed(capsule)] == ["completed"]


def test_exec_and_map(capsule: Command) -> None:
    capsule("build", "--export", "hello.py")
    assert capsule("exec", "hello.wasm", "2", "--result").out == "hello hello \n"
    assert capsule("run", "hello.py", "--map", "-", stdin="1\n2\n3\n").code == 0
    rows = listed(capsule)
    assert [row["file"] for row in rows] == ["hello.py"] * 3 + ["hello.wasm"]
    assert {row["state"] for row in rows} == {"completed"}
    assert len({row["host"] for row in rows}) == 2


def test_a_worker_and_what_is_handed_over_to_it(capsule: Command) -> None:
    # The path of a socket has to be short.
    capsule.environ["CAPSULE_SOCKET"] = str(capsule.folder / "s" / "w")
    line = json.dumps({"file": "hello.py"}) + "\n"
    assert '"success": true' in capsule("worker", stdin=line).out
    worker = capsule.popen("worker", "--listen")
    with worker:
        assert worker.stderr is not None
        assert b"listening" in worker.stderr.readline()
        assert capsule("run", "hello.py", "2", "--result").out == "hello hello \n"
        capsule.environ["CAPSULE_RECORD"] = "0"
        assert capsule("run", "hello.py", "3", "--result").out == "hello hello hello \n"
        worker.terminate()
        assert worker.wait(60) == 0
    rows = listed(capsule)
    assert [row["host_pid"] == worker.pid for row in rows] == [True, False]


PROGRAM = """
import asyncio
from capsule import Sandbox, run, run_sync
async def main():
    await run("hello.py")
    async with Sandbox("hello.py") as sandbox:
        await sandbox.run("2")
        async for _ in sandbox.map(["3", "x"]): pass
run_sync("hello.py")
asyncio.run(main())
"""


def python(capsule: Command, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=capsule.folder,
        env=capsule.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def test_runs_of_a_program(capsule: Command) -> None:
    assert python(capsule, PROGRAM).stderr == ""
    rows = listed(capsule)
    assert sorted(row["state"] for row in rows) == ["completed"] * 4 + ["failed"]
    # One recorder writes all of it.
    assert len({row["host"] for row in rows}) == 1


def test_a_program_is_told_once_what_is_lost(capsule: Command) -> None:
    lifecycle(capsule).write_text("in the way")
    said = python(capsule, PROGRAM).stderr
    assert re.fullmatch(r"capsule: some runs are not recorded: .*\n", said)


PROCESSES = """
import multiprocessing
from capsule import run_sync
def work(n): return run_sync("hello.py", [n]).result
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work, args=("2",)) for _ in range(2)]
    for process in processes: process.start()
    for process in processes: process.join()
    work("1")
"""


def test_runs_of_child_processes(capsule: Command) -> None:
    assert python(capsule, PROCESSES).stderr == ""
    rows = listed(capsule)
    assert [row["state"] for row in rows] == ["completed"] * 3
    assert len({row["host_pid"] for row in rows}) == 3


def test_any_client_reads_it(capsule: Command) -> None:
    capsule("run", "hello.py")
    # What a short command has left is taken in by the next look.
    assert capsule("trace").code == 0
    with sqlite3.connect(lifecycle(capsule) / "runs.db") as connection:
        assert connection.execute("SELECT task, state FROM attempts").fetchall() == [
            ("main", "completed")
        ]
    connection.close()
