"""What every engine gives, and the map without one: the same batches with the same results."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capsule import Sandbox, SandboxSync
from capsule.errors import EngineError, UsageError
from tests.engines.clusters import SLOTS, until
from tests.engines.conftest import ITEMS
from tests.integration.origin import Origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from capsule import Envelope
    from tests.engines.clusters import Backend

GRADE = """
import time
from capsule import task

@task(name="main", compute="LOW", timeout="3s")
def main(n):
    if n % 20 == 7:
        raise ValueError(f"bad {n}")
    if n % 20 == 13:
        time.sleep(1e6)
    return [n, sum(i * i for i in range(n % 500))]
"""


def expected(n: int) -> Any:
    """What comes of an item: its result, or the type of its error."""
    kinds = {7: "task_error", 13: "timeout"}
    return kinds.get(n % 20, [n, sum(i * i for i in range(n % 500))])


def outcome(envelope: Envelope) -> Any:
    return envelope.result if envelope.error is None else envelope.error.error_type


def write(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


async def results(
    backend: Backend, file: str, items: Any, *, options: Any = None, **said: Any
) -> list[Envelope]:
    engine = backend.engine()
    async with Sandbox(file, warm=2 if engine is None else 0, **(options or {})) as sandbox:
        stream = sandbox.map(
            items, concurrency=None if engine is not None else SLOTS, engine=engine, **said
        )
        return [envelope async for envelope in stream]


def one_each(envelopes: list[Envelope], indexes: Any) -> dict[int, Envelope]:
    """The envelopes by their index, of which each is there once."""
    found = {}
    for envelope in envelopes:
        assert envelope.index is not None
        assert envelope.index not in found
        found[envelope.index] = envelope
    assert found.keys() == set(indexes)
    return found


@pytest.mark.timeout(600 + ITEMS // 2)
def test_every_item_has_its_result_once(backend: Backend) -> None:
    file = write("grade.py", GRADE)
    envelopes = asyncio.run(results(backend, file, iter(range(ITEMS))))
    found = one_each(envelopes, range(ITEMS))
    assert {n: outcome(envelope) for n, envelope in found.items()} == {
        n: expected(n) for n in range(ITEMS)
    }
    failed = found[7].error
    assert failed is not None
    assert failed.message == "ValueError: bad 7"
    assert failed.traceback is not None
    assert "grade.py" in failed.traceback
    assert found[13].execution.duration_ms >= 3000
    assert found[1].execution.fuel_consumed
    assert found[1].execution.task_name == "main"
    assert found[1].execution.run_id


@pytest.mark.timeout(600 + ITEMS // 2)
def test_a_killed_worker_costs_no_result(cluster: Backend) -> None:
    file, killed = write("grade.py", GRADE), 0
    engine = cluster.engine()

    async def main() -> list[Envelope]:
        nonlocal killed
        found = []
        async with Sandbox(file, warm=0) as sandbox:
            async for envelope in sandbox.map(range(ITEMS), engine=engine):
                found.append(envelope)
                if len(found) in (ITEMS // 5, ITEMS // 3, ITEMS // 2):
                    killed += await asyncio.to_thread(
                        until, cluster.kill_a_worker, "worker at work"
                    )
        return found

    found = one_each(asyncio.run(main()), range(ITEMS))
    assert killed == 3
    assert {n: outcome(envelope) for n, envelope in found.items()} == {
        n: expected(n) for n in range(ITEMS)
    }


def test_items_are_taken_as_they_are_needed(backend: Backend) -> None:
    taken = 0

    def endless() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    async def main() -> None:
        engine = backend.engine()
        async with Sandbox(write("same.py", "def main(n): return n"), warm=2) as sandbox:
            stream = sandbox.map(
                endless(), concurrency=None if engine is not None else SLOTS, engine=engine
            )
            async with aclosing(stream):
                for _ in range(30):
                    await anext(stream)
                # Nobody takes results: what is on its way ends, and nothing more is begun.
                before = -1
                while before != taken:
                    before = taken
                    await asyncio.sleep(1.5)

    asyncio.run(main())
    # Two chunks for each slot are on their way, none of which is twice as large as the last.
    assert taken < 30 + 2 * (2 * SLOTS + 1) * 32


def test_results_come_while_items_are_waited_for(backend: Backend) -> None:
    async def main() -> list[Any]:
        first = asyncio.Event()

        async def slow() -> AsyncIterator[int]:
            yield 1
            await first.wait()
            yield 2

        engine, found = backend.engine(), []
        async with Sandbox(write("same.py", "def main(n): return n"), warm=1) as sandbox:
            async for envelope in sandbox.map(slow(), engine=engine):
                found.append(envelope.result)
                first.set()
        return found

    assert asyncio.run(main()) == [1, 2]


def test_who_breaks_off_ends_what_runs(backend: Backend) -> None:
    file = write("endless.py", "def main(n):\n    import time\n    if n: time.sleep(1e6)\n")

    async def main() -> None:
        engine = backend.engine()
        async with Sandbox(file, warm=0) as sandbox:
            stream = sandbox.map(
                [0, *[1] * 50], concurrency=None if engine is not None else SLOTS, engine=engine
            )
            async with aclosing(stream):
                assert (await anext(stream)).success
                await asyncio.to_thread(until, backend.sandboxes, "sandbox")

    begin = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - begin < 60

    def waiting_alone() -> bool:
        # Those that wait for the next run stay a while.
        return len(backend.sandboxes()) <= SLOTS

    until(waiting_alone, "end of what ran", 20)


def test_cancelling_ends_it(backend: Backend) -> None:
    file = write("endless.py", "def main(n):\n    import time\n    time.sleep(1e6)\n")

    async def main() -> None:
        engine = backend.engine()
        async with Sandbox(file, warm=0) as sandbox:
            stream = sandbox.map(range(20), engine=engine)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(stream), 4)

    asyncio.run(main())


def test_items_that_raise_end_it(backend: Backend) -> None:
    def items() -> Iterator[int]:
        yield 1
        raise LookupError("no more")

    file = write("same.py", "def main(n): return n")
    with pytest.raises(LookupError, match="no more"):
        asyncio.run(results(backend, file, items()))
    with SandboxSync(file, warm=0) as sandbox, pytest.raises(LookupError, match="no more"):
        list(sandbox.map(items(), engine=backend.engine()))


def test_programs_that_do_not_await(backend: Backend) -> None:
    with SandboxSync(write("same.py", "def main(n): return n"), warm=1) as sandbox:
        envelopes = list(sandbox.map(range(50), engine=backend.engine()))
        assert sorted(envelope.unwrap() for envelope in envelopes) == list(range(50))
        # Another batch of the same task, and one that is left to the end of the block.
        assert len(list(sandbox.map(range(5), engine=backend.engine()))) == 5
        stream = sandbox.map(itertools.count(), engine=backend.engine())
        next(stream)
    with pytest.raises(RuntimeError, match="has ended"):
        list(stream)


def test_skip_and_spread(backend: Backend) -> None:
    file = write("add.py", "def main(a, b=0): return a + b")
    items = [[1, 2], {"a": 3}, [4], [5, 6], {"a": 1, "b": 1}, 9]
    envelopes = asyncio.run(results(backend, file, items, skip={2, 3}, spread=True))
    found = one_each(envelopes, [0, 1, 4, 5])
    assert {n: envelope.result for n, envelope in found.items()} == {0: 3, 1: 3, 4: 2, 5: 9}


def test_each_item_has_its_files(backend: Backend) -> None:
    Path("shared.txt").write_bytes(b"of the caller \xff")
    file = write(
        "read.py",
        "import os\n"
        "def main(item):\n"
        "    found = {}\n"
        "    for folder, _, names in os.walk('.'):\n"
        "        for name in names:\n"
        "            path = os.path.join(folder, name)[2:]\n"
        "            found[path] = open(path, 'rb').read().decode('latin-1')\n"
        "    open('left.txt', 'w').write('by another')\n"
        "    return found\n",
    )

    def files(item: Any) -> Any:
        if item == "none":
            return {}
        if item == "missing":
            return {"in.txt": "not there.txt"}
        if item == "outside":
            return {"../in.txt": b""}
        return {"in/own.txt": str(item).encode(), "shared.txt": Path("shared.txt").absolute()}

    items = [*range(30), "none", "missing", "outside"]
    found = one_each(asyncio.run(results(backend, file, items, files=files)), range(33))
    shared = "of the caller \xff"
    for n in range(30):
        assert found[n].unwrap() == {"in/own.txt": str(n), "shared.txt": shared}
    assert found[30].unwrap() == {}
    said = "files: '../in.txt' is no name of a file in the working folder"
    for n, message in ((31, "files: cannot read .*not there.txt: No such file"), (32, said)):
        error = found[n].error
        assert error is not None
        assert error.error_type == "usage_error"
        assert re.match(message, error.message), error.message
    with SandboxSync(file, warm=0) as sandbox:
        stream = sandbox.map(items, files=files, engine=backend.engine())
        plain = one_each(list(stream), range(33))
    assert {n: outcome(each) for n, each in plain.items()} == {
        n: outcome(each) for n, each in found.items()
    }


def test_large_files_travel(backend: Backend) -> None:
    file = write("size.py", "def main(n): return sum(open('large', 'rb').read()[::4096])")
    said: Any = {"files": lambda n: {"large": bytes([n]) * (24 << 20)}}
    found = one_each(asyncio.run(results(backend, file, [1, 2], **said)), [0, 1])
    assert [found[n].unwrap() for n in (0, 1)] == [6144, 12288]


def test_files_that_raise_end_it(backend: Backend) -> None:
    def files(n: int) -> Any:
        if n == 3:
            raise LookupError("no files")
        return {}

    file = write("same.py", "def main(n): return n")
    with pytest.raises(LookupError, match="no files"):
        asyncio.run(results(backend, file, range(9), files=files))
    with SandboxSync(file, warm=0) as sandbox, pytest.raises(LookupError, match="no files"):
        list(sandbox.map(range(9), files=files, engine=backend.engine()))


def test_an_item_that_is_no_json_is_told_of(backend: Backend) -> None:
    file = write("same.py", "def main(n): return n")
    envelopes = asyncio.run(results(backend, file, [1, {2, 3}, float("nan"), "x" * 300, None]))
    found = one_each(envelopes, range(5))
    assert [outcome(found[n]) for n in range(5)] == [
        *(1, "usage_error", "usage_error", "x" * 300, None)
    ]


def test_large_items_and_results(backend: Backend) -> None:
    file = write("twice.py", "def main(text): return text + text")
    items = [str(n) * (3 << 20) for n in range(6)]
    found = one_each(asyncio.run(results(backend, file, items)), range(6))
    assert all(found[n].result == items[n] * 2 for n in range(6))


def test_the_callers_limits_hold(backend: Backend) -> None:
    file = write("spin.py", "def main(n):\n    while n: pass\n    return [0] * 30_000_000 and 1\n")
    limits = {"max_fuel": 50_000_000, "max_ram": "100MB"}
    envelopes = asyncio.run(results(backend, file, [1, 0], options={"limits": limits}))
    found = one_each(envelopes, [0, 1])
    assert [outcome(found[n]) for n in (0, 1)] == ["fuel_exhausted", "memory_exceeded"]


def test_the_callers_ceilings_hold(backend: Backend) -> None:
    write("capsule.toml", '[limits]\nmax_compute = "LOW"\nrun_tasks = 2\n')
    file = write(
        "spin.py",
        "from capsule import task\n"
        "@task\ndef part(n):\n    return n\n"
        "@task(name='main')\ndef main(n):\n"
        "    while n == 1: pass\n    return [part(i)['success'] for i in range(n)]\n",
    )
    found = one_each(asyncio.run(results(backend, file, [1, 3])), [0, 1])
    spun = found[0].error
    assert spun is not None
    assert spun.error_type == "fuel_exhausted"
    assert "capsule.toml" in spun.message
    assert outcome(found[1]) == [True, True, False] or outcome(found[1]) == "task_error"


def test_variables_are_the_callers(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "the caller's")
    write(".env", "WRITTEN=of the project\n")
    file = write(
        "see.py",
        "import os\nfrom capsule import task\n"
        "@task(env_variables=['MINE', 'WRITTEN', 'PYTHONPATH_NOT_SET'])\n"
        "def main(n):\n    return sorted(v for k, v in os.environ.items() if k not in ('HOME',))\n",
    )
    found = asyncio.run(results(backend, file, [1]))
    assert "the caller's" in found[0].result
    assert "of the project" in found[0].result


def test_secrets_are_used_there_and_read_nowhere(backend: Backend) -> None:
    with Origin() as origin:
        host = f"127.0.0.1:{origin.server_port}"
        file = write(
            "ask.py",
            "import os, urllib.request\nfrom capsule import task\n"
            f"@task(allowed_hosts=['{host}'])\n"
            "def main(n):\n"
            f"    request = urllib.request.Request('http://{host}/headers')\n"
            "    request.add_header('X-Key', os.environ['KEY'])\n"
            "    return [os.environ['KEY'], urllib.request.urlopen(request).read().decode()]\n",
        )
        secrets = {"KEY": {"value": "open sesame 42", "hosts": [host]}}
        found = asyncio.run(results(backend, file, [1], options={"secrets": secrets}))
    shown, answer = found[0].unwrap()
    assert shown.startswith("capsule-secret-")
    assert "open sesame" not in str(found[0])
    # What the server was sent comes back without the value, and is not what the task sent.
    assert "X-Key: " in answer


def test_tasks_that_call_tasks(backend: Backend) -> None:
    file = write(
        "parts.py",
        "from capsule import task\n"
        "@task\ndef half(n):\n    return n // 2\n"
        "@task(name='main')\ndef main(n):\n    return half(n).unwrap() + 1\n",
    )
    found = one_each(asyncio.run(results(backend, file, [4, 10])), [0, 1])
    assert [found[0].result, found[1].result] == [3, 6]


@pytest.mark.parametrize("what", ["mount", "folder", "tools", "output"])
def test_what_does_not_travel_is_refused(cluster: Backend, what: str) -> None:
    Path("data").mkdir()
    text = "from capsule import task\n@task\ndef main(n):\n    return n\n"
    options: dict[str, Any] = {}
    said: dict[str, Any] = {}
    words = {
        "mount": "the mount .*data.* does not travel",
        "folder": "task 'main': the folder ./data of allowed_files .* does not travel",
        "tools": "functions of this program",
        "output": "on_output is not told",
    }[what]
    if what == "mount":
        options["mounts"] = ["./data"]
    elif what == "folder":
        text = text.replace("@task", "@task(allowed_files=['./data'])")
    elif what == "tools":
        options["tools"] = [len]
    else:
        said["on_output"] = print
    file = write("job.py", text)
    with pytest.raises(UsageError, match=words):
        asyncio.run(results(cluster, file, [1], options=options, **said))
    if what == "folder":
        found = asyncio.run(results(cluster, file, [1], options={"limits": {"no_files": True}}))
        assert found[0].result == 1


def test_a_node_of_another_version_refuses(
    cluster: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capsule.engines.job.__version__", "0.0.1")
    file = write("same.py", "def main(n): return n")
    with pytest.raises(EngineError, match=r"the node .* has capsule .*, and the caller 0\.0\.1"):
        asyncio.run(results(cluster, file, [1]))
