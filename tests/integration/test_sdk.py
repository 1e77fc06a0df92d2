"""`run`, `run_sync` and `Sandbox` against the real toolchain, under asyncio and trio."""

from __future__ import annotations

import asyncio
import doctest
import gc
import importlib
import os
import threading
from contextlib import aclosing
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import anyio
import psutil
import pytest

from capsule import CapsuleError, Limits, Sandbox, run, run_sync
from capsule.errors import PolicyError, UsageError
from capsule.pool.prepared_task import Warmth
from capsule.pool.prepared_task_cache import PreparedTaskCache
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.build_artifact import build, export
from capsule.runner.observer import NOBODY
from capsule.runner.source import read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path


pytestmark = pytest.mark.integration

SECONDS = 60


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the working folder, with the tests' toolchain."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    return tmp_path


def write(folder: Path, text: str, name: str = "job.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def until(holds: Callable[[], bool]) -> None:
    while not holds():
        threading.Event().wait(0.001)


@pytest.mark.parametrize(
    "name",
    [
        "capsule.sdk.cancelled_envelope",
        "capsule.sdk.executor",
        "capsule.sdk.run",
        "capsule.sdk.sandbox",
        "capsule.sdk.sandbox_sync",
        "capsule.sessions.session",
    ],
)
def test_the_examples_in_docstrings_hold(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name))
    assert (done.failed, done.attempted > 2) == (0, True)


@pytest.mark.anyio
async def test_run_with_all_its_options(project: Path) -> None:
    (project / "sub" / "data").mkdir(parents=True)
    (project / "sub" / "data" / "a.txt").write_text("content")
    write(
        project / "sub",
        "def main(*args, **kwargs): return [args, kwargs, open('/in/a.txt').read()]",
    )
    envelope = await run(
        "job.py",
        [1, "two"],
        {"three": [3.0, None]},
        mounts=["data::/in:ro"],
        cwd="sub",
        limits=Limits(timeout="20s", max_ram="256MB"),
    )
    assert envelope.unwrap() == [[1, "two"], {"three": [3.0, None]}, "content"]
    assert envelope.execution.fuel_consumed is not None


def test_run_sync_where_an_event_loop_runs(project: Path) -> None:
    write(project, "def main(n): return n + 1")

    async def main() -> Any:
        return run_sync("job.py", [1]).result

    assert asyncio.run(main()) == 2


def test_run_sync_from_many_threads(project: Path) -> None:
    write(project, "def main(n): return n * n")
    results: dict[int, Any] = {}

    def one(number: int) -> None:
        results[number] = run_sync("job.py", [number]).result

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert results == {number: number * number for number in range(8)}


def test_an_artifact_is_run_by_its_ending(project: Path, toolchain_home: Path) -> None:
    source = read_file(write(project, "def main(n): return n * 3"), project)
    with Cancellation() as never:
        artifact = export(source, build(source, toolchain_home, Silent(), never))
    (project / "job.wasm").write_bytes(artifact)
    assert run_sync("job.wasm", [14]).result == 42


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"file": "nothing.py"}, UsageError, "nothing.py"),
        ({"file": "job.py", "args": "text"}, UsageError, "args='text'"),
        ({"file": "job.py", "args": [{1, 2}]}, UsageError, "not JSON"),
        ({"file": "job.py", "cwd": "nowhere"}, UsageError, "cwd='nowhere'"),
        ({"file": "job.py", "mounts": ["../x"]}, UsageError, "^mount: "),
        ({"file": "job.py", "mounts": "x"}, UsageError, "mounts='x'"),
        ({"file": "wrong.py"}, PolicyError, "ram"),
    ],
)
def test_what_is_wrong_before_a_run_is_raised(
    project: Path, options: dict[str, Any], kind: type[CapsuleError], message: str
) -> None:
    write(project, "def main(*a): return 1")
    write(project, "from capsule import task\n@task(ram='x')\ndef main(): pass", "wrong.py")
    with pytest.raises(kind, match=message):
        run_sync(**options)


def test_an_interrupt_kills_the_sandbox(project: Path) -> None:
    import signal

    write(project, "import time\ndef main(): time.sleep(1e9)")
    timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run_sync("job.py")
    timer.join()
    assert psutil.Process().children() == []


@pytest.mark.anyio
async def test_cancelling_kills_at_once(project: Path) -> None:
    write(project, "import time\ndef main(): time.sleep(1e9)")
    async with Sandbox("job.py", warm=1) as sandbox:
        with anyio.move_on_after(0.3) as scope:
            await sandbox.run()
        assert scope.cancelled_caught
        with anyio.fail_after(SECONDS), anyio.move_on_after(0.3):
            await run("job.py")
        waiting = (
            sandbox._prepared.pool.waiting if sandbox._prepared and sandbox._prepared.pool else 0
        )
        # What is left are those that wait.
        assert len(psutil.Process().children()) <= waiting + 1
    assert psutil.Process().children() == []


@pytest.mark.anyio
async def test_each_run_is_a_process_of_its_own(project: Path) -> None:
    write(project, "seen = []\ndef main(n):\n    seen.append(n)\n    return seen")
    async with Sandbox("job.py", warm=2) as sandbox:
        assert [(await sandbox.run(n)).result for n in range(5)] == [[n] for n in range(5)]


@pytest.mark.anyio
async def test_fresh_values_in_processes_that_waited(project: Path) -> None:
    write(
        project,
        "import os, random, time, uuid\n"
        "def main(): return [random.random(), str(uuid.uuid4()), os.urandom(8).hex(), time.time()]",
    )
    async with Sandbox("job.py", warm=3) as sandbox:
        rows = [(await sandbox.run()).unwrap() for _ in range(12)]
    for column in zip(*rows, strict=True):
        assert len(set(column)) == 12
    times = [row[3] for row in rows]
    assert times == sorted(times)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "return 'hello'",
        "for _ in range(20_000): pass",
        "print('said')",
        "import json; return json.dumps({'a': [1, 2, 3]})",
        "return sorted(range(200))",
    ],
)
async def test_the_fuel_is_that_of_a_process_started_for_the_run(project: Path, body: str) -> None:
    write(project, f"def main():\n    {body}")
    async with Sandbox("job.py", warm=2) as warm, Sandbox("job.py", warm=0) as cold:
        for _ in range(2):
            one = (await warm.run()).execution.fuel_consumed
            other = (await cold.run()).execution.fuel_consumed
            # To the meter's resolution, for a task that takes next to nothing.
            assert one == pytest.approx(other, rel=0.01, abs=2_500)


@pytest.mark.anyio
async def test_the_fuel_of_many_modules_is_that_of_a_process_started_for_the_run(
    project: Path,
) -> None:
    for number in range(8):
        functions = "".join(f"def f{each}(): ...\n" for each in range(60))
        write(project, f"{functions}V = {{i: [i] for i in range(400)}}\n", f"m{number}.py")
    write(project, f"import {', '.join(f'm{number}' for number in range(8))}\ndef main(): ...\n")
    async with Sandbox("job.py", warm=1) as warm, Sandbox("job.py", warm=0) as cold:
        one = (await warm.run()).execution.fuel_consumed
        other = (await cold.run()).execution.fuel_consumed
    assert one == pytest.approx(other, rel=0.01, abs=2_500)


@pytest.mark.anyio
async def test_every_permission_with_processes_that_wait(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.integration.origin import Origin as Server

    for name in ("data", "out"):
        (project / name).mkdir()
    (project / "data" / "a.txt").write_text("one")
    with Server() as origin:
        write(
            project,
            f"""
import os, urllib.request
from capsule import task
@task(compute="LOW")
def double(n): return 2 * n
@task(
    name="main",
    allowed_files=["./out", {{"path": "./data", "mode": "ro"}}],
    allowed_hosts=["localhost:{origin.server_port}"],
    env_variables=["GREETING"],
    ram="256MB", timeout="30s",
)
def main(n):
    open("out/b.txt", "a").write(str(n))
    try:
        open("data/a.txt", "w")
    except PermissionError:
        refused = True
    page = urllib.request.urlopen("http://localhost:{origin.server_port}/").read().decode()
    return [open("data/a.txt").read(), refused, os.environ["GREETING"], page, double(n).result]
""",
        )
        async with Sandbox("job.py", warm=1) as sandbox:
            monkeypatch.setenv("GREETING", "good morning")
            first = (await sandbox.run(1)).unwrap()
            (project / "data" / "a.txt").write_text("two")
            monkeypatch.setenv("GREETING", "good night")
            second = (await sandbox.run(2)).unwrap()
    assert first[:3] + first[4:] == ["one", True, "good morning", 2]
    assert second[:3] + second[4:] == ["two", True, "good night", 4]
    assert "hello" in first[3]
    assert (project / "out" / "b.txt").read_text() == "12"


@pytest.mark.anyio
async def test_a_folder_that_is_made_anew_is_the_one_that_is_seen(project: Path) -> None:
    (project / "data").mkdir()
    write(
        project,
        "import os\nfrom capsule import task\n"
        "@task(allowed_files=['./data'])\ndef main(): return os.listdir('data')",
    )
    async with Sandbox("job.py", warm=1) as sandbox:
        assert (await sandbox.run()).result == []
        assert sandbox._prepared is not None
        assert sandbox._prepared.pool is not None
        assert sandbox._prepared.pool.wait_until_ready(SECONDS)
        (project / "data").rename(project / "old")
        (project / "data").mkdir()
        (project / "data" / "new").touch()
        assert (await sandbox.run()).result == ["new"]


@pytest.mark.anyio
async def test_retries_are_fresh_processes(project: Path) -> None:
    (project / "out").mkdir()
    write(
        project,
        "import os\nfrom capsule import task\n"
        "@task(max_retries=3, allowed_files=['./out'])\n"
        "def main():\n"
        "    open(f'out/{len(os.listdir(\"out\"))}', 'w')\n"
        "    assert len(os.listdir('out')) > 2\n"
        "    return len(os.listdir('out'))",
    )
    async with Sandbox("job.py", warm=1) as sandbox:
        envelope = await sandbox.run()
    assert (envelope.result, envelope.execution.retries) == (3, 2)


@pytest.mark.anyio
async def test_an_import_that_cannot_be_frozen(project: Path) -> None:
    write(project, "import time\nat = time.time()\ndef main(n): return [n, time.time() - at < 5]")
    async with Sandbox("job.py", warm=1) as sandbox:
        assert [(await sandbox.run(n)).result for n in range(3)] == [[n, True] for n in range(3)]


@pytest.mark.anyio
async def test_a_batch_with_indices(project: Path) -> None:
    write(project, "def main(n):\n    if n == 3: raise ValueError(n)\n    return n * n")
    async with Sandbox("job.py", warm=1, concurrency=3) as sandbox:
        seen = {e.index: (e.success, e.result) async for e in sandbox.map(range(10), skip={0, 1})}
        assert seen == {n: (n != 3, None if n == 3 else n * n) for n in range(2, 10)}
        async with aclosing(sandbox.map(iter(range(10**9)))) as results:
            async for envelope in results:
                assert envelope.index is not None
                if envelope.index >= 5:
                    break
        refused = [e async for e in sandbox.map([object()])]
        assert refused[0].error is not None
        assert refused[0].error.error_type == "usage_error"
    assert psutil.Process().children() == []


@pytest.mark.anyio
async def test_an_item_is_one_argument_unless_it_is_spread(project: Path) -> None:
    write(project, "def main(*args, **kwargs): return [list(args), kwargs]")
    items = [1, [2, 3], {"n": 4}, (5,)]
    async with Sandbox("job.py", warm=1) as sandbox:
        whole = {e.index: e.result async for e in sandbox.map(items)}
        assert whole == {0: [[1], {}], 1: [[[2, 3]], {}], 2: [[{"n": 4}], {}], 3: [[[5]], {}]}
        spread = {e.index: e.result async for e in sandbox.map(items, spread=True)}
        assert spread == {0: [[1], {}], 1: [[2, 3], {}], 2: [[], {"n": 4}], 3: [[5], {}]}


@pytest.mark.anyio
async def test_leaving_the_block_in_the_middle_of_a_batch(project: Path) -> None:
    write(project, "import time\ndef main(n): time.sleep(0 if n == 0 else 1e9)")
    async with Sandbox("job.py", warm=1, concurrency=3) as sandbox:
        results = sandbox.map(range(100))
        assert (await anext(results)).index == 0
    assert psutil.Process().children() == []
    await results.aclose()


@pytest.mark.anyio
async def test_cancelling_while_the_block_begins_leaves_nothing(project: Path) -> None:
    write(project, "def main(): pass")
    (await run("job.py")).unwrap()
    me = psutil.Process()
    async with anyio.create_task_group() as group:
        group.start_soon(Sandbox("job.py", warm=40).__aenter__)
        await anyio.to_thread.run_sync(until, lambda: len(me.children()) > 1)
        group.cancel_scope.cancel()
    assert me.children() == []
    assert [t for t in threading.enumerate() if t.name.startswith("capsule-")] == []


@pytest.mark.anyio
@pytest.mark.parametrize("way", [run, lambda name: Sandbox(name).__aenter__()])
async def test_cancelling_ends_a_download(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: Callable[[str], Coroutine[Any, Any, object]],
) -> None:
    write(project, "def main(): pass")
    # A pip that waits for its configuration, which never comes.
    os.mkfifo(project / "configuration")
    monkeypatch.setenv("CAPSULE_HOME", str(project / "empty"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(project / "configuration"))
    me = psutil.Process()
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as group:
            group.start_soon(way, "job.py")
            # Opened when pip opens it.
            pen = await anyio.to_thread.run_sync(os.open, project / "configuration", os.O_WRONLY)
            group.cancel_scope.cancel()
    os.close(pen)
    assert me.children() == []
    assert list((project / "empty" / "toolchain").glob("*/*.whl")) == []


@pytest.mark.anyio
async def test_cancelling_while_a_hostile_import_goes_on(project: Path) -> None:
    write(project, "while True: pass\ndef main(): pass")
    me = psutil.Process()
    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as group:
            group.start_soon(Sandbox("job.py").__aenter__)
            await anyio.to_thread.run_sync(
                until, lambda: any(child.cpu_times().user > 0.05 for child in me.children())
            )
            before = anyio.current_time()
            group.cancel_scope.cancel()
    assert anyio.current_time() - before < 1
    assert me.children() == []


def test_a_task_that_is_cancelled_while_its_block_ends_leaves_nothing(project: Path) -> None:
    """By asyncio itself, as at Ctrl-C: no scope shields from that."""
    write(project, "def main(): pass")

    async def main() -> None:
        async def use() -> None:
            async with Sandbox("job.py", warm=3):
                ending.set()

        ending = asyncio.Event()
        task = asyncio.create_task(use())
        await ending.wait()
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert psutil.Process().children() == []

    asyncio.run(main())


@pytest.mark.anyio
async def test_an_error_in_the_block_is_raised_as_it_is(project: Path) -> None:
    write(project, "def main(n): return n")

    async def fail() -> None:
        async with Sandbox("job.py") as sandbox, aclosing(sandbox.map(range(100))) as results:
            async for _ in results:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert psutil.Process().children() == []


@pytest.mark.anyio
async def test_using_it_outside_of_its_block(project: Path) -> None:
    write(project, "def main(n): return n")
    sandbox = Sandbox("job.py")
    assert repr(sandbox) == "<Sandbox 'job.py' closed>"
    with pytest.raises(RuntimeError, match="async with"):
        await sandbox.run(1)
    with pytest.raises(RuntimeError, match="async with"):
        sandbox.map([1])
    async with sandbox:
        assert "wait" in repr(sandbox)
        with pytest.raises(RuntimeError, match="open already"):
            await sandbox.__aenter__()
    for wrong in ({"warm": -1}, {"warm": 1.5}, {"concurrency": 0}):
        with pytest.raises(UsageError, match="whole number"):
            Sandbox("job.py", **wrong)


def test_nothing_that_one_call_brought_along_is_kept_for_the_next(
    project: Path, toolchain_home: Path
) -> None:
    """A worker runs tasks of many programs: values of their variables are theirs."""
    file = write(
        project,
        "import os\nfrom capsule import task\n@task(env_variables=['SECRET'])\n"
        "def main(x): return [x, os.environ['SECRET']]",
    )
    with (
        Cancellation() as never,
        PreparedTaskCache(toolchain_home, warmth=Warmth(1)) as prepared_tasks,
    ):

        def ask(secret: str) -> Any:
            call = prepare.Call(["arg-" + secret], None, environ={"SECRET": secret})
            source = read_file(file, project)
            return prepared_tasks.run(source, call, NOBODY, never, Silent())["result"]

        assert ask("one-" * 3) == ["arg-one-one-one-", "one-one-one-"]
        assert ask("two-" * 3) == ["arg-two-two-two-", "two-two-two-"]
        texts = [each for each in reachable(prepared_tasks) if isinstance(each, str | bytes)]
        assert len(texts) > 50
        assert [text for text in map(repr, texts) if "one-one" in text] == []


def reachable(root: object) -> list[object]:
    found, seen = [root], {id(root)}
    for each in found:
        if not isinstance(each, type | ModuleType | FunctionType):
            new = [other for other in gc.get_referents(each) if id(other) not in seen]
            seen.update(map(id, new))
            found += new
    return found


def test_an_interactive_loop_that_runs_already(project: Path) -> None:
    """As in Jupyter: one loop that outlives each cell, with `await` at the top."""
    write(project, "def main(n): return n + 1")
    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(run("job.py", [1])).result == 2

        async def cell() -> list[Any]:
            async with Sandbox("job.py") as sandbox:
                return [(await sandbox.run(n)).result for n in range(3)]

        assert loop.run_until_complete(cell()) == [1, 2, 3]
        assert loop.run_until_complete(cell()) == [1, 2, 3]
    finally:
        loop.close()
