"""Every limit holds on every path: source, artifact, first and later calls, sub-tasks, the caller's."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capsule import Envelope, Sandbox, run_sync
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner.build_artifact import build, export
from capsule.runner.source import read_file

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.integration

SOURCE = """
import os, time, urllib.request
from capsule import task

@task(name="greedy", {own})
def greedy(what):
    if what == "fuel":
        while True: pass
    if what == "memory":
        return len(bytearray(200 << 20))
    if what == "time":
        time.sleep(1e9)
    if what == "file":
        return open("data/a.txt", "w").write("x")
    return urllib.request.urlopen("http://localhost:9/").read().decode()

@task(name="main", {own})
def main(what):
    {body}
"""
# What the task's own decorator says, and what its caller says where it says nothing.
OWN = (
    'compute=50_000_000, ram="96MB", timeout="2s", allowed_files=[{"path": "./data", "mode": "ro"}]'
)
NOTHING = 'allowed_files=["./data"], allowed_hosts=["localhost:9"]'
CALLER: dict[str, Any] = {
    "max_fuel": 50_000_000,
    "max_ram": "96MB",
    "timeout": "2s",
    "no_net": True,
    "no_files": True,
}
EXPECTED = {
    "fuel": "fuel_exhausted",
    "memory": "memory_exceeded",
    "time": "timeout",
    "file": "task_error",
    "net": "task_error",
}


def once(file: Path, what: str, limits: dict[str, Any]) -> list[Envelope]:
    return [run_sync(file.name, [what], limits=limits)]


def artifact(file: Path, what: str, limits: dict[str, Any]) -> list[Envelope]:
    source = read_file(file, file.parent)
    home = Path(os.environ["CAPSULE_HOME"])
    with Cancellation() as never:
        artifact = export(source, build(source, home, Silent(), never))
    file.with_suffix(".wasm").write_bytes(artifact)
    return [run_sync(file.with_suffix(".wasm").name, [what], limits=limits)]


def again_and_again(file: Path, what: str, limits: dict[str, Any]) -> list[Envelope]:
    """The first call, and later ones, by processes that waited."""

    async def calls() -> list[Envelope]:
        async with Sandbox(file.name, warm=1, limits=limits) as sandbox:
            assert sandbox._prepared is not None
            assert sandbox._prepared.pool is not None
            answers = []
            for _ in range(3):
                assert sandbox._prepared.pool.wait_until_ready(30)
                answers.append(await sandbox.run(what))
            return answers

    return asyncio.run(calls())


@pytest.fixture
def project(tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("content")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    return tmp_path


def refused(envelope: Envelope, what: str) -> bool:
    error = envelope.error
    return not envelope.success and error is not None and error.error_type == EXPECTED[what]


@pytest.mark.parametrize("body", ["return greedy(what)", "return dict(greedy(what))"])
@pytest.mark.parametrize(("own", "limits"), [(OWN, {}), (NOTHING, CALLER)])
@pytest.mark.parametrize("way", [once, artifact, again_and_again])
@pytest.mark.parametrize("what", EXPECTED)
def test_a_limit_holds(
    project: Path,
    what: str,
    way: Callable[[Path, str, dict[str, Any]], list[Envelope]],
    own: str,
    limits: dict[str, Any],
    body: str,
) -> None:
    sub_task = "dict" in body
    source = SOURCE.format(own=own, body=body)
    if not sub_task:
        # The same code, as the task itself.
        source = source.replace('@task(name="main", ' + own + ")\ndef main(what):\n    " + body, "")
        source = source.replace('name="greedy"', 'name="main"')
    (project / "job.py").write_text(source)
    for envelope in way(project / "job.py", what, limits):
        if sub_task and what == "time":
            # Both have the same limit, and the one that waits began first.
            assert refused(envelope, what)
        elif sub_task:
            assert envelope.success, envelope.error
            assert refused(Envelope.of(envelope.result), what), envelope.result
        else:
            assert refused(envelope, what), envelope
    assert (project / "data" / "a.txt").read_text() == "content"
