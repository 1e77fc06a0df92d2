"""`Sandbox.call` with limits, mounts, functions and a callback of its own, and `map` with one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from capsule import Envelope, Sandbox
from capsule.errors import PolicyError, UsageError
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner.build_artifact import build, export
from capsule.runner.source import read_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

TASK = """
import os, time
from capsule import task

@task(compute="LOW")
def burn():
    for _ in range(20_000_000): pass

@task(name="main", compute="LOW", ram="64MB", timeout="1s", allowed_files=["./data"],
      env_variables=["MARK"])
def main(what="nothing"):
    if what == "burn":
        for _ in range(4_000_000): pass
    elif what == "grow":
        return len(bytearray(100 << 20))
    elif what == "sleep":
        time.sleep(1.5)
    elif what == "below":
        return burn()
    names = ("data", "in", "more")
    found = {name: sorted(os.listdir(name)) for name in names if os.path.isdir(name)}
    return [found, os.environ.get("MARK")]
"""


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a task that is small in all that it may."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    monkeypatch.setenv("MARK", "seen")
    for name in ("data", "other", "third"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").touch()
    (tmp_path / "job.py").write_text(TASK)
    (tmp_path / "capsule.toml").write_text(
        '[limits]\nmax_compute = "HIGH"\nmax_ram = "1GB"\nmax_timeout = "1m"\n'
    )
    return tmp_path


def kind(envelope: Envelope) -> str:
    return "" if envelope.error is None else envelope.error.error_type


@pytest.mark.parametrize(
    ("what", "failure", "limits"),
    [
        ("burn", "fuel_exhausted", {"max_fuel": "HIGH"}),
        ("grow", "memory_exceeded", {"max_ram": "512MB", "max_fuel": "HIGH"}),
        ("sleep", "timeout", {"timeout": "30s"}),
    ],
)
async def test_limits_of_a_call_may_be_more(what: str, failure: str, limits: Any) -> None:
    async with Sandbox("job.py") as sandbox:
        assert kind(await sandbox.run(what)) == failure
        assert kind(await sandbox.call([what], limits=limits)) == ""
        # They were those of that call alone.
        assert kind(await sandbox.call([what])) == failure


async def test_limits_of_a_call_may_be_less() -> None:
    async with Sandbox("job.py", limits={"timeout": "900ms"}) as sandbox:
        assert kind(await sandbox.call(["burn"], limits={"max_fuel": 1_000})) == "fuel_exhausted"
        late = await sandbox.call(["sleep"], limits={"timeout": "200ms"})
        assert kind(late) == "timeout"
        assert late.error is not None
        assert "of 200 ms" in late.error.message
        assert kind(await sandbox.call(["sleep"], limits={"timeout": "20s"})) == ""
        nothing = {"no_files": True, "no_env": True}
        assert (await sandbox.call(limits=nothing)).result == [{}, None]
        assert (await sandbox.run()).result == [{"data": ["data.txt"]}, "seen"]


async def test_above_a_ceiling_nothing_runs() -> None:
    async with Sandbox("job.py") as sandbox:
        with pytest.raises(PolicyError) as refused:
            await sandbox.call(limits={"max_ram": "2GB"})
        assert refused.value.message.startswith("limits: max_ram: '2GB' is above the ceiling")
        assert "'1GB'" in refused.value.message
        with pytest.raises(UsageError, match="there is no 'ram'"):
            await sandbox.call(limits={"ram": "2GB"})


async def test_what_a_task_calls_is_not_given_more() -> None:
    async with Sandbox("job.py") as sandbox:
        below = (
            await sandbox.call(["below"], limits={"max_fuel": "HIGH", "timeout": "30s"})
        ).result
        assert below["error"]["error_type"] == "fuel_exhausted"


async def test_mounts_of_a_call_are_its_own(folder: Path) -> None:
    async with Sandbox("job.py", mounts=["third::/in:ro"]) as sandbox:
        mine = {"data": ["data.txt"], "in": ["third.txt"]}
        more = await sandbox.call(mounts=["other::/more"])
        assert more.result[0] == {**mine, "more": ["other.txt"]}
        instead = await sandbox.call(mounts=["other::/in:ro", "other::/data:ro"])
        assert instead.result[0] == {"data": ["other.txt"], "in": ["other.txt"]}
        assert (await sandbox.run()).result[0] == mine
        with pytest.raises(UsageError, match=r"^mount: "):
            await sandbox.call(mounts=["nowhere"])
        with pytest.raises(UsageError, match="mounts='x'"):
            await sandbox.call(mounts="x")
    (folder / "below").mkdir()
    async with Sandbox("../job.py", cwd="below") as sandbox:
        assert (await sandbox.call(mounts=["../other::/more"])).result[0]["more"] == ["other.txt"]


async def test_values_travel_with_a_policy_of_its_own() -> None:
    async with Sandbox("job.py") as sandbox:
        envelope = await sandbox.call(kwargs={"what": "?"}, limits={"max_ram": "128MB"})
        assert envelope.result == [{"data": ["data.txt"]}, "seen"]


async def test_an_artifact_has_limits_and_mounts_of_a_call(
    folder: Path, toolchain_home: Path
) -> None:
    source = read_file(folder / "job.py", folder)
    with Cancellation() as never:
        artifact = export(source, build(source, toolchain_home, Silent(), never))
    (folder / "job.wasm").write_bytes(artifact)
    async with Sandbox("job.wasm") as sandbox:
        assert kind(await sandbox.run("burn")) == "fuel_exhausted"
        envelope = await sandbox.call(
            ["burn"], limits={"max_fuel": "HIGH"}, mounts=["other::/more"]
        )
        assert envelope.result[0] == {"data": ["data.txt"], "more": ["other.txt"]}
        with pytest.raises(PolicyError, match="above the ceiling"):
            await sandbox.call(limits={"timeout": "2m"})


async def test_a_run_with_less_time_uses_the_process_that_waits(folder: Path) -> None:
    (folder / "who.py").write_text("def main(): pass")
    async with Sandbox("who.py") as sandbox:
        assert sandbox._prepared is not None
        pool = sandbox._prepared.pool
        assert pool is not None
        for limits, is_warm in (({"timeout": "30s"}, True), ({"max_ram": "512MB"}, False)):
            assert pool.wait_until_ready(60)
            (waits,) = pool._ready
            assert (await sandbox.call(limits=limits)).success
            assert pool.wait_until_ready(60)
            assert (waits not in pool._ready) is is_warm


async def test_the_output_of_each_item_of_a_batch(folder: Path) -> None:
    (folder / "say.py").write_text(
        "import sys\ndef main(n):\n    print('é' * n)\n    print('end', n, file=sys.stderr)"
    )
    told: dict[tuple[int, str], str] = {}
    over: set[int] = set()

    def tell(index: int, stream: str, text: str) -> None:
        assert threading.current_thread() is threading.main_thread()
        assert index not in over
        told[index, stream] = told.get((index, stream), "") + text

    async with Sandbox("say.py", concurrency=3) as sandbox:
        async for envelope in sandbox.map(range(6), skip={4}, on_output=tell):
            index = envelope.index
            assert index is not None
            assert told[index, "stdout"] == envelope.execution.stdout == "é" * index + "\n"
            assert told[index, "stderr"] == envelope.execution.stderr == f"end {index}\n"
            over.add(index)
    assert over == {0, 1, 2, 3, 5}
    assert {index for index, _ in told} == over


async def test_a_callback_is_called_in_the_loop_of_the_caller(folder: Path) -> None:
    (folder / "say.py").write_text("def main(): print('said')")
    seen: list[tuple[object, str, str]] = []

    def tell(stream: str, text: str) -> None:
        seen.append((threading.current_thread(), stream, text))

    async with Sandbox("say.py") as sandbox:
        assert (await sandbox.call(on_output=tell)).success
    assert seen == [(threading.current_thread(), "stdout", "said\n")]
