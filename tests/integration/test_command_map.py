"""`capsule run --map`: a line in, a line out."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tests.integration.command import Command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

SECONDS = 60
JOB = """
def main(*args, **kwargs):
    if args == (3,): raise ValueError(3)
    return [list(args), kwargs]
"""


@pytest.fixture
def capsule(tmp_path: Path, toolchain_home: Path) -> Command:
    command = Command(tmp_path, toolchain_home)
    command.write("job.py", JOB)
    return command


def lines(text: str) -> dict[int, dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    assert len({line["index"] for line in found}) == len(found)
    return {line["index"]: line for line in found}


def test_a_run_for_each_line(capsule: Command) -> None:
    capsule.write("items.jsonl", '1\n"two"\n[3, [4]]\n{"k": null}\n[]\nnull\n3\n{\n\n[6]')
    done = capsule("run", "job.py", "--map", "items.jsonl")
    found = lines(done.out)
    assert done.code == 1
    assert sorted(found) == [0, 1, 2, 3, 4, 5, 6, 7, 9]
    results = {index: line["result"] for index, line in found.items() if line["success"]}
    assert results == {
        0: [[1], {}],
        1: [["two"], {}],
        2: [[[3, [4]]], {}],
        3: [[{"k": None}], {}],
        4: [[[]], {}],
        5: [[None], {}],
        9: [[[6]], {}],
    }
    errors = {n: line["error"]["error_type"] for n, line in found.items() if not line["success"]}
    assert errors == {6: "task_error", 7: "usage_error"}
    assert all("execution" in line for line in found.values())
    assert "capsule: running (9 items)" in done.err


def test_an_item_is_spread_where_that_is_said(capsule: Command) -> None:
    capsule.write("items.jsonl", '1\n[3, [4]]\n{"k": null}\n[]\n\n  \n"text"\n')
    done = capsule("run", "job.py", "--map", "items.jsonl", "--spread", "--result", "-q")
    assert (done.code, done.err) == (0, "")
    assert {n: line["result"] for n, line in lines(done.out).items()} == {
        0: [[1], {}],
        1: [[3, [4]], {}],
        2: [[], {"k": None}],
        3: [[], {}],
        6: [["text"], {}],
    }


def test_it_says_what_an_earlier_output_has_done(capsule: Command) -> None:
    capsule.write("items.jsonl", "1\n2\n")
    words = ("run", "job.py", "--map", "items.jsonl", "--result", "--resume")
    said = capsule(*words, "none.jsonl").err
    assert "capsule: --resume none.jsonl: it does not exist, so nothing is done yet" in said
    capsule.write("done.jsonl", '{"index": 0, "result": null}\n{"index": 1, "suc')
    done = capsule(*words, "done.jsonl")
    assert "capsule: --resume done.jsonl: 1 of 2 lines are items that are done" in done.err
    assert sorted(lines(done.out)) == [1]
    done = capsule(*words, "items.jsonl")
    assert "--resume items.jsonl: none of its 2 lines is an item that is done" in done.err
    assert sorted(lines(done.out)) == [0, 1]


def test_bare_results_and_failures_apart(capsule: Command) -> None:
    done = capsule("run", "job.py", "--map", "-", "--result", "--quiet", stdin="1\n3\n")
    assert (done.code, done.out) == (1, '{"index": 0, "result": [[1], {}]}\n')
    assert done.err == "capsule: item 1: task_error: ValueError: 3\n"


def test_it_goes_on_where_an_earlier_one_ended(capsule: Command) -> None:
    capsule.write("items.jsonl", "".join(f"{n}\n" for n in range(6)))
    earlier = capsule("run", "job.py", "--map", "items.jsonl", "-q").out.splitlines()
    kept = [line for line in earlier if json.loads(line)["index"] in (0, 2, 3)]
    capsule.write("done.jsonl", "\n".join(kept) + '\n{"index": 5, "success": tr')
    done = capsule("run", "job.py", "--map", "items.jsonl", "--resume", "done.jsonl", "-q")
    # What had failed is tried again, and what was cut off.
    assert sorted(lines(done.out)) == [1, 3, 4, 5]
    capsule.write("bare.jsonl", '{"index": 0, "result": null}\n')
    words = ("run", "job.py", "--map", "items.jsonl", "--result", "-q", "--resume")
    assert sorted(lines(capsule(*words, "bare.jsonl").out)) == [1, 2, 4, 5]
    assert sorted(lines(capsule(*words, "nothing.jsonl").out)) == [0, 1, 2, 4, 5]


def test_items_are_taken_as_they_are_needed(capsule: Command) -> None:
    """A reader that stops ends the batch, however many items are left."""
    with (
        subprocess.Popen(["yes", "1"], stdout=subprocess.PIPE) as endless,
        capsule.popen("run", "job.py", "--map", "-", "--quiet", stdin=endless.stdout) as batch,
    ):
        assert batch.stdout is not None
        assert endless.stdout is not None
        endless.stdout.close()
        for _ in range(20):
            assert json.loads(batch.stdout.readline())["result"] == [[1], {}]
        memory = psutil.Process(batch.pid).memory_info().rss
        for _ in range(200):
            batch.stdout.readline()
        assert psutil.Process(batch.pid).memory_info().rss - memory < 20 << 20
        batch.stdout.close()
        assert batch.wait(SECONDS) == 0
        batch.stdout = None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(capsule: Command, number: signal.Signals) -> None:
    capsule.write("sleep.py", "import time\ndef main(n): time.sleep(n)")
    capsule.write("items.jsonl", "0\n1000000\n1000000\n1000000\n")
    with capsule.popen("run", "sleep.py", "--map", "items.jsonl") as batch:
        assert batch.stdout is not None
        assert batch.stderr is not None
        assert json.loads(batch.stdout.readline())["index"] == 0
        sandboxes = psutil.Process(batch.pid).children(recursive=True)
        batch.send_signal(number)
        assert batch.stderr is not None
        said = batch.stderr.read().decode().splitlines()
        assert batch.wait(SECONDS) == 130
        assert said[-2].startswith("capsule: running: stopped at 1 of 4 items after ")
        assert said[-1] == "capsule: interrupted"
        assert psutil.wait_procs(sandboxes, SECONDS)[1] == []


def test_results_come_while_the_next_line_is_waited_for(capsule: Command) -> None:
    """And a signal ends it all the same."""
    words = ("run", "job.py", "--map", "-", "--concurrency", "2")
    with capsule.popen(*words, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(b"%d\n" % number)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["result"] == [[number], {}]
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 130


def test_a_bar_on_a_terminal(capsule: Command) -> None:
    capsule.write("items.jsonl", "1\n2\n4\n")
    done = capsule.on_terminal("run", "job.py", "--map", "items.jsonl", "--concurrency", "2")
    assert done.code == 0
    assert "capsule: running: 3 items in " in done.out


def test_an_artifact_too(capsule: Command) -> None:
    assert capsule("build", "--export", "job.py", "-q").code == 0
    done = capsule("exec", "job.wasm", "--map", "-", "--result", "-q", stdin="7\n")
    assert (done.code, done.out) == (0, '{"index": 0, "result": [[7], {}]}\n')


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--map", "nothing.jsonl"), "--map nothing.jsonl: No such file"),
        (("--map", "."), "--map .: Is a directory"),
        (("--map", "items.jsonl", "word"), "takes the arguments from its file"),
        (("--map", "items.jsonl", "--args-file", "x"), "takes the arguments from its file"),
        (("--map", "items.jsonl", "--concurrency", "0"), "--concurrency '0': a number from 1"),
        (("--map", "items.jsonl", "--concurrency", "1" * 5_000), "'...: a number from 1 to 256"),
        (("--map", "items.jsonl", "--concurrency", "many"), "--concurrency 'many': a number"),
        (("--map", "items.jsonl", "--resume", "."), "--resume .: it is no file"),
        (("--map", "items.jsonl", "--resume", "/dev/zero"), "--resume /dev/zero: it is no file"),
        (("--concurrency", "2"), "go with --map"),
        (("--resume", "x"), "go with --map"),
    ],
)
def test_what_does_not_fit(capsule: Command, words: tuple[str, ...], message: str) -> None:
    capsule.write("items.jsonl", "1\n")
    done = capsule("run", "job.py", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_source_and_items_cannot_both_be_stdin(capsule: Command) -> None:
    done = capsule("run", "-", "--map", "-", stdin="def main(n): return n")
    assert done.code == 2
    assert "both the source and the --map file" in done.err


HARMFUL = "a\\x1b[2Jb\\x7f\\x9b2J\\u202ec"


def test_what_a_task_chose_does_nothing_to_a_terminal(capsule: Command) -> None:
    capsule.write("items.jsonl", "1\n")
    capsule.write("job.py", f"def main(n): print('{HARMFUL}'); return '{HARMFUL}'\n")
    for words in (
        ("--map", "items.jsonl"),
        ("--map", "items.jsonl", "--result"),
        ("1",),
        ("1", "--json"),
        ("1", "--result"),
    ):
        shown = capsule.on_terminal("run", "job.py", *words, "-q").out
        assert not {"\x1b", "\x7f", "\x9b", "\u202e"} & set(shown), words
    # In a pipe it comes as it is.
    done = capsule("run", "job.py", "1", "--result", "-q")
    assert done.out == "a\x1b[2Jb\x7f\x9b2J\u202ec\n"
