"""Every way a task can end, with the real interpreter: the right envelope, and soon."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

import capsule
from capsule.progress import Silent
from capsule.toolstore.open_toolchain import open_toolchain
from tests.integration.peak_memory import peak_memory

if TYPE_CHECKING:
    from capsule.envelope import Envelope
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

SCHEMA = json.loads((Path(capsule.__file__).parent / "envelope.schema.json").read_text())


def check(envelope: Envelope) -> Envelope:
    jsonschema.validate(envelope, SCHEMA)
    json.dumps(envelope, allow_nan=False, ensure_ascii=False).encode()
    return envelope


@pytest.mark.parametrize(
    ("source", "result"),
    [
        (
            "def main(): return {'a': [1, 2.5, None, True, 'é\\n\\0']}",
            {"a": [1, 2.5, None, True, "é\n\0"]},
        ),
        ("def main(): return 'text with \"quotes\" and \\\\'", 'text with "quotes" and \\'),
        ("def main(): return (1, (2, 3))", [1, [2, 3]]),
        ("def main(): pass", None),
        ("async def main(): return 1", 1),
        ("import asyncio\nasync def main():\n    await asyncio.sleep(0.01)\n    return 2", 2),
        (
            "import asyncio\nasync def one(n):\n    await asyncio.sleep(0.2)\n    return n\n"
            "async def main(): return await asyncio.gather(*map(one, range(20)))",
            list(range(20)),
        ),
        ("import asyncio\ndef main(): return asyncio.run(asyncio.sleep(0, 'x'))", "x"),
        ("import asyncio\nasync def main(): return await asyncio.to_thread(max, 3, 4)", 4),
        ("def main():\n    import asyncio\n    return asyncio.run(asyncio.sleep(0, 7))", 7),
        ("import sys\ndef main(): sys.exit()", None),
        ("import sys\ndef main(): sys.exit(0)", None),
        ("def main(): return __name__", "stdin"),
        ("from capsule import task\n@task\ndef main(): return 5", 5),
        ("import capsule\n@capsule.task(compute='LOW')\nasync def go(): return 6", 6),
        ("import os\ndef main(): return dict(os.environ)", {"HOME": "/tmp"}),
        ("import json, csv, re, math, datetime, sqlite3, zlib, hashlib\ndef main(): return 1", 1),
    ],
)
def test_what_a_task_returns(bench: Workbench, source: str, result: object) -> None:
    envelope = check(bench.run(source))
    assert envelope["error"] is None, envelope["error"]
    assert envelope["result"] == result
    assert envelope["execution"]["ram_used"] == 40 << 20


@pytest.mark.parametrize(
    ("source", "error_type", "message"),
    [
        ("def main(): 1 / 0", "task_error", "ZeroDivisionError: division by zero"),
        ("def main(): return float('nan')", "task_error", "result is nan"),
        ("def main(): return [1, {'k': float('-inf')}]", "task_error", "result[1]['k'] is -inf"),
        ("def main(): return b'x'", "task_error", "result is a bytes"),
        ("def main(): return {'a': {1, 2}}", "task_error", "result['a'] is a set"),
        ("def main(): return {(1, 2): 3}", "task_error", "has a key of type tuple"),
        (
            "def main():\n    a = []\n    a.append([a])\n    return a",
            "task_error",
            "contains itself",
        ),
        ("def main(): return 'a\\ud800'", "task_error", "lone surrogate"),
        ("def main(): return ['\\udfff']", "task_error", "lone surrogate"),
        ("def main(): return {'\\udfff': 1}", "task_error", "a key of result"),
        ("def main(): return 10 ** 5000", "task_error", "4300 digits"),
        (
            "def main():\n    a = []\n    for _ in range(5000): a = [a]\n    return a",
            "task_error",
            "nested too deep",
        ),
        ("def main(): return main()", "task_error", "RecursionError"),
        (
            "def f(x): return repr(x)\nclass A:\n    def __repr__(self): return f(self)\ndef main(): f(A())",
            "task_error",
            "RecursionError",
        ),
        (
            "import sys\ndef main():\n    sys.setrecursionlimit(10**8)\n    main()",
            "fuel_exhausted",
            "",
        ),
        ("import json\ndef main(): json.loads('[' * 100000)", "task_error", "RecursionError"),
        ("def main(): eval('(' * 10000)", "task_error", "Parser stack overflowed"),
        ("import sys\ndef main(): sys.exit(3)", "task_error", "SystemExit: 3"),
        ("def main(): raise KeyboardInterrupt", "task_error", "KeyboardInterrupt"),
        ("def main(): input()", "task_error", "EOFError"),
        ("def main(x): pass", "task_error", "missing 1 required positional argument"),
        ("1 / 0\ndef main(): pass", "task_error", "ZeroDivisionError"),
        ("import nowhere\ndef main(): pass", "task_error", "No module named 'nowhere'"),
        ("import os\ndef main(): os.system('true')", "task_error", "can start no other"),
        (
            "import subprocess\ndef main(): subprocess.run(['true'])",
            "task_error",
            "'true' cannot be",
        ),
        ("import os\ndef main(): os._exit(0)", "sandbox_crashed", "exited with status 0"),
        ("import os\ndef main(): os._exit(3)", "sandbox_crashed", "exited with status 3"),
        ("import os\ndef main(): os._exit(134)", "sandbox_crashed", "invalid exit status"),
        ("import os\ndef main(): os.abort()", "sandbox_crashed", "unreachable"),
        ("import posix\ndef main(): posix.close(1)", "sandbox_crashed", "unreachable"),
        ("def main(): raise MemoryError", "memory_exceeded", "WebAssembly's 4GB"),
        ("def main(): return len(bytearray(5 << 30))", "task_error", "OverflowError"),
        ("def main():\n    while True: pass", "fuel_exhausted", 'compute="MEDIUM"'),
        ("while True: pass\ndef main(): pass", "fuel_exhausted", 'compute="MEDIUM"'),
    ],
)
def test_how_a_task_fails(bench: Workbench, source: str, error_type: str, message: str) -> None:
    envelope = check(bench.run(source))
    error = envelope["error"]
    assert error is not None
    assert (error["error_type"], envelope["result"]) == (error_type, None), error
    assert message in error["message"]


# What code in the sandbox can do to the wire: `w` writes to a descriptor.
HOSTILE = """
import os, posix, struct, sys
def w(fd, data):
    while data: data = data[posix.write(fd, data):]
def f(kind, payload): return struct.pack('<BI', kind, len(payload)) + payload
REPORT = b'''Error: failed to run main module `x`

Caused by:
    0: failed to invoke command default
    1: error while executing at wasm backtrace:
    0: 0x2dcb2a - capsule_host!drain
    1: 0x3d - capsule_driver!_start
    2: wasm trap: all fuel consumed by WebAssembly

'''
CLOSED = f(21, bytes(20))
def main():
    {}
"""


@pytest.mark.parametrize(
    ("act", "error_type"),
    [
        ("w(1, b'hello world, no frame')", "protocol_error"),
        ("w(1, os.urandom(100000))", "protocol_error"),
        ("w(1, bytes(100))", "protocol_error"),
        ("w(1, struct.pack('<BI', 16, 2**32 - 1))", "protocol_error"),
        ("w(1, struct.pack('<BI', 18, 2**31) + b'x' * 100000)", "protocol_error"),
        ("w(1, struct.pack('<BI', 16, 65537))", "protocol_error"),
        ("w(1, struct.pack('<BI', 16, 1000))", "protocol_error"),
        ("w(1, b'\\x10')", "protocol_error"),
        ("w(1, struct.pack('<BI', 16, 60000)); os._exit(0)", "protocol_error"),
        ("w(1, f(18, b'1'))", "protocol_error"),
        ("w(1, f(18, b'1') + f(18, b'2'))", "protocol_error"),
        ("w(1, CLOSED)", "protocol_error"),
        ("w(1, f(18, b'1') + CLOSED)", "protocol_error"),
        ("w(1, f(18, b'1') + CLOSED); os._exit(0)", "protocol_error"),
        ("w(1, f(18, b'1') + CLOSED); w(2, REPORT); os._exit(0)", "protocol_error"),
        ("w(1, f(18, b'1') + CLOSED); w(2, REPORT); os._exit(1)", "protocol_error"),
        ("w(1, f(18, b'1') + CLOSED); w(2, REPORT); os.abort()", "protocol_error"),
        ("w(1, f(18, b'1') + CLOSED); w(2, REPORT); os._exit(134)", "protocol_error"),
        ("w(1, f(18, b'not json') + CLOSED); os._exit(0)", "protocol_error"),
        ("w(1, f(1, b'{}'))", "protocol_error"),
        ("w(1, f(18, b'1') + CLOSED); os.dup2(2, 1)", "protocol_error"),
        ("w(1, f(18, b'1')); os.dup2(2, 1)", "protocol_error"),
        ("w(1, f(20, b'[]')); os._exit(0)", "protocol_error"),
        ("w(2, REPORT); os._exit(0)", "sandbox_crashed"),
        ("w(2, REPORT); os.abort()", "sandbox_crashed"),
    ],
)
def test_what_is_forged_is_not_believed(bench: Workbench, act: str, error_type: str) -> None:
    envelope = check(bench.run(HOSTILE.format(act)))
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == error_type, envelope["error"]
    assert envelope["result"] is None


@pytest.mark.parametrize("act", ["os._exit(0)", "os.abort()", "[0 for _ in iter(int, 1)]"])
def test_an_answer_of_ones_own_making_is_an_answer(bench: Workbench, act: str) -> None:
    envelope = check(bench.run(HOSTILE.format(f"w(1, f(18, b'1')); {act}"), max_fuel=10**8))
    assert (envelope["success"], envelope["result"]) == (True, 1)
    assert "did not come to its end" in envelope["execution"]["stderr"]


@pytest.mark.parametrize("act", ["w(2, REPORT); return 7", "w(2, b'noise'); return 7"])
def test_descriptor_2_is_the_tasks_own(bench: Workbench, act: str) -> None:
    envelope = check(bench.run(HOSTILE.format(act)))
    assert (envelope["success"], envelope["result"]) == (True, 7)
    assert envelope["execution"]["stderr"]
    assert envelope["execution"]["fuel_consumed"] is not None
    assert 0 < envelope["execution"]["fuel_consumed"] < 10**8


def host_megabytes() -> float:
    return peak_memory() / 1024


def test_a_flood_of_output_takes_no_memory(bench: Workbench) -> None:
    before = host_megabytes()
    envelope = check(bench.run("def main():\n    for i in range(500): print('x' * 999_999)"))
    execution = envelope["execution"]
    assert envelope["success"]
    assert bench.recorder.printed == 500_000_000
    said = f"\n[{execution['truncated_bytes']:,} bytes are left out here]\n"
    kept = execution["stdout"].replace(said, "")
    assert len(kept) + execution["truncated_bytes"] == 500_000_000
    assert len(execution["stdout"]) < (64 << 10) + 100
    assert host_megabytes() - before < 50


def test_a_flood_on_descriptor_2_takes_no_memory(bench: Workbench) -> None:
    before = host_megabytes()
    envelope = check(
        bench.run(HOSTILE.format("[w(2, b'y' * 1000000) for _ in range(500)]; return 1"))
    )
    assert envelope["result"] == 1
    execution = envelope["execution"]
    assert execution["truncated_bytes"] + execution["stderr"].count("y") >= 500_000_000
    assert host_megabytes() - before < 50


@pytest.mark.parametrize("value", ["'x' * 50_000_000", "['x' * 1_000_000] * 50"])
def test_a_result_of_50_megabytes(bench: Workbench, value: str) -> None:
    before = host_megabytes()
    envelope = check(bench.run(f"def main(): return {value}", compute=5 * 10**10))
    assert envelope["error"] is None
    assert "".join(envelope["result"]) == "x" * 50_000_000
    assert host_megabytes() - before < 600


def test_a_result_that_is_too_large_says_so(bench: Workbench) -> None:
    error = check(bench.run("def main(): return 'x' * 70_000_000"))["error"]
    assert error is not None
    assert error["error_type"] == "task_error"
    assert "70,000,000 bytes" in error["message"]


def test_output_before_a_crash_is_kept(bench: Workbench) -> None:
    envelope = check(bench.run("import os\ndef main():\n    print('last words')\n    os.abort()"))
    assert envelope["execution"]["stdout"] == "last words\n"


def test_streams_behave_like_streams(bench: Workbench) -> None:
    envelope = check(
        bench.run(
            "import sys\n"
            "def main():\n"
            "    sys.stdout.buffer.write(b'\\xff1')\n"
            "    sys.stdout.write('2'); print('3', end=''); sys.stdout.writelines(['4', '5'])\n"
            "    print('e', file=sys.stderr)\n"
            "    return [sys.stdout.isatty(), sys.stdout.encoding, sys.stdin.read()]"
        )
    )
    assert envelope["result"] == [False, "utf-8", ""]
    assert envelope["execution"]["stdout"] == "\ufffd12345"
    assert envelope["execution"]["stderr"] == "e\n"


def test_the_traceback_holds_the_users_frames_only(bench: Workbench) -> None:
    source = (
        "import json\ndef parse(text):\n    return json.loads(text)\ndef main():\n    parse('{')\n"
    )
    error = check(bench.run(source))["error"]
    assert error is not None
    lines = error["traceback"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line for line in lines if line.startswith("  File")] == [
        '  File "stdin.py", line 5, in main',
        '  File "stdin.py", line 3, in parse',
    ]
    assert "    return json.loads(text)" in lines
    assert lines[-1].startswith("json.decoder.JSONDecodeError: Expecting property name")


def test_deep_recursion_leaves_a_short_traceback_and_most_of_the_fuel(bench: Workbench) -> None:
    envelope = check(bench.run("def main(): main()", max_fuel=10**8))
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] == "task_error"
    traceback = envelope["error"]["traceback"]
    assert len(traceback) < 4_000
    assert re.search(r"^  \.\.\. \d{3} frames left out$", traceback, re.MULTILINE)


def test_randomness_and_time_are_fresh(bench: Workbench) -> None:
    source = (
        "import random, uuid, secrets, time, os\n"
        "def main(): return [random.random(), str(uuid.uuid4()), secrets.token_hex(), time.time(),"
        " os.urandom(8).hex()]"
    )
    runs = [check(bench.run(source))["result"] for _ in range(5)]
    for values in zip(*runs, strict=True):
        assert len(set(values)) == 5


def test_arguments_of_every_json_type(bench: Workbench) -> None:
    values: list[Any] = [
        1,
        2.5,
        None,
        True,
        "é\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        [1],
        {"k": []},
    ]
    envelope = check(bench.run("def main(*args): return list(args)", *values))
    assert envelope["result"] == values


def test_keyword_arguments(bench: Workbench) -> None:
    order = bench.order("def main(a, *, b=2): return [a, b]", kwargs={"a": 1, "b": 3})
    assert check(bench.run_order(order))["result"] == [1, 3]


def test_nothing_of_the_host_is_visible(bench: Workbench) -> None:
    source = (
        "import os\n"
        "def main():\n"
        "    seen = []\n"
        "    for path in ('/etc', '/etc/passwd', '/proc/self/environ', '/home', '../etc', '/usr/local'):\n"
        "        try:\n"
        "            seen.append(os.listdir(path) if not path.endswith('d') else open(path).read())\n"
        "        except OSError as error:\n"
        "            seen.append(type(error).__name__)\n"
        "    return seen + [os.listdir('/usr/local/lib')]"
    )
    *refused, library = check(bench.run(source))["result"]
    assert library == ["python315.zip"]
    assert all(isinstance(answer, str) and answer.endswith("Error") for answer in refused), refused


def test_the_standard_library_cannot_be_written(bench: Workbench, toolchain_home: Path) -> None:
    archive = open_toolchain(toolchain_home, progress=Silent()).stdlib / "python315.zip"
    before = archive.stat()
    source = (
        "import os\n"
        "def main():\n"
        "    root, answers = '/usr/local/lib/', []\n"
        "    for act in (lambda: open(root + 'python315.zip', 'r+b'), lambda: open(root + 'new', 'w'),\n"
        "                lambda: os.unlink(root + 'python315.zip'), lambda: os.mkdir(root + 'd'),\n"
        "                lambda: os.truncate(root + 'python315.zip', 0),\n"
        "                lambda: os.rename(root + 'python315.zip', root + 'x'),\n"
        "                lambda: os.symlink('/etc', root + 'l'),\n"
        "                lambda: os.link(root + 'python315.zip', root + 'h'),\n"
        "                lambda: os.utime(root + 'python315.zip', (0, 0))):\n"
        "        try:\n"
        "            act(); answers.append('done')\n"
        "        except OSError as error:\n"
        "            answers.append(type(error).__name__)\n"
        "    return answers"
    )
    answers = check(bench.run(source))["result"]
    after = archive.stat()
    assert (before.st_size, before.st_ino) == (after.st_size, after.st_ino)
    assert os_listing(archive) == ["python315.zip"]
    assert answers[:8] == ["PermissionError"] * 8, answers


def os_listing(archive: Path) -> list[str]:
    return sorted(path.name for path in archive.parent.iterdir())
