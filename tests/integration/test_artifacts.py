"""Exported tasks: they carry all they need, and nothing of them is believed."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import wasmtime as embedding

from capsule.artifact import read
from capsule.artifact.errors import ArtifactError
from capsule.artifact.task_manifest import decode
from capsule.artifact.write import write
from capsule.errors import GivenUpError, PolicyError
from capsule.policy.resolve import CallerLimits
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner import prepare
from capsule.runner.build_artifact import build, export
from capsule.runner.source import read_artifact, read_file, read_text
from capsule.snapshot import task_snapshot
from capsule.snapshot.base_snapshot import SERVE
from capsule.snapshot.changed_pages import PAGE, STACK_TOP, PageRun
from capsule.snapshot.driver import artifact_driver
from tests.integration.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.artifact.contents import ArtifactContents
    from capsule.envelope import Envelope
    from tests.integration.workbench import Workbench

pytestmark = pytest.mark.integration

HELLO = """
from capsule import task

@task(name="main", compute="LOW", ram="64MB", timeout="20s", max_retries=1)
def main(n: int = 3) -> str:
    return "hello " * int(n)
"""


@pytest.fixture
def command(toolchain_home: Path, tmp_path: Path) -> Command:
    return Command(tmp_path, toolchain_home)


class Exporter:
    """Exports sources and runs what came of it."""

    def __init__(self, bench: Workbench, folder: Path) -> None:
        self.bench, self.folder = bench, folder
        self.path = folder / "task.wasm"

    def export(self, text: str) -> bytes:
        source = read_text(text.encode(), self.folder)
        with Cancellation() as never:
            return export(source, build(source, self.bench.home, Silent(), never))

    def run(self, artifact: bytes, *args: Any, **limits: Any) -> Envelope:
        self.path.write_bytes(artifact)
        call = prepare.Call(args, None, CallerLimits(**limits))
        source = read_artifact(self.path, self.folder)
        return self.bench.run_order(prepare.order(source, call, self.bench.home, Silent()))

    def forge(self, artifact: bytes, **changes: Any) -> bytes:
        """Return the artifact with other values in its manifest, and a digest that fits."""
        parts = read.read_bytes(artifact)
        return forged(parts._replace(manifest={**parts.manifest, **changes}))


def forged(parts: ArtifactContents) -> bytes:
    return write(artifact_driver(SERVE, parts.pages, 0), parts)


@pytest.fixture
def exporter(bench: Workbench, tmp_path: Path) -> Exporter:
    return Exporter(bench, tmp_path)


def test_build_and_exec(command: Command) -> None:
    command.write("src/hello.py", HELLO)
    built = command("build", "--export", "src/hello.py")
    assert (built.code, built.out) == (0, "src/hello.wasm\n"), built.err
    assert re.search(r"is exported, [45]\.\d MB", built.err)
    done = command("exec", "src/hello.wasm", "2", "--json")
    assert done.code == 0
    assert json.loads(done.out)["result"] == "hello hello "
    assert command("exec", "src/hello.wasm", "--result").out == "hello hello hello \n"
    assert sorted(path.name for path in (command.folder / "src").iterdir()) == [
        "hello.py",
        "hello.wasm",
    ]


def test_build_without_export_makes_the_first_run_a_later_one(command: Command) -> None:
    command.write("hello.py", f"{HELLO}# {command.folder}\n")
    built = command("build", "hello.py")
    assert (built.code, built.out) == (0, "")
    assert "hello.py is built, in" in built.err
    assert not (command.folder / "hello.wasm").exists()
    assert command("run", "hello.py", "1", "--result").out == "hello \n"


def test_whoever_cancels_gets_no_artifact_without_a_snapshot(
    bench: Workbench, tmp_path: Path
) -> None:
    source = read_text(HELLO.encode(), tmp_path)
    with Cancellation() as cancellation:
        built = build(source, bench.home, Silent(), cancellation)
        cancellation.cancel()
        with pytest.raises(GivenUpError):
            export(source, built)
        other = read_text(f"{HELLO}# another".encode(), tmp_path)
        with pytest.raises(GivenUpError):
            build(other, bench.home, Silent(), cancellation)


def test_build_in_json(command: Command) -> None:
    command.write("hello.py", HELLO)
    built = json.loads(command("build", "--export", "hello.py", "-o", "out.wasm", "--json").out)
    assert built["artifact"] == "out.wasm"
    assert built["size"] == (command.folder / "out.wasm").stat().st_size
    assert built["without_snapshot"] is None


def test_a_task_that_cannot_be_frozen_is_exported_too(command: Command) -> None:
    command.write("clock.py", "import time\nT = time.time_ns()\ndef main(): return T\n")
    built = command("build", "--export", "clock.py")
    assert built.code == 0
    assert "clock.py has no snapshot: its import asks for what is new" in built.err
    found = {command("exec", "clock.wasm", "--result").out for _ in range(2)}
    assert len(found) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("exec", "nothing.wasm"), "the artifact 'nothing.wasm' does not exist"),
        (("exec", "hello.py"), "hello.py: it is Python, not an exported task"),
        (("exec", "."), "it is a folder"),
        (("exec", "/dev/null"), "it is not a regular file"),
        (("run", "hello.wasm"), "is an artifact, not a source"),
        (("build", "--export", "hello.py", "-o", "hello.bin"), "an artifact's name ends in .wasm"),
        (
            ("build", "--export", "hello.py", "-o", "."),
            "it is a folder\n  try: --output hello.wasm",
        ),
        (("build", "--export", "hello.py", "-o", ""), "try: --output hello.wasm"),
        (("build", "--export", "hello.py", "-o", "/"), "try: --output /hello.wasm"),
        (("build", "--export", "hello.py", "-o", "no/where.wasm"), "there is no folder"),
        (("build", "hello.py", "-o", "x.wasm"), "none was asked for"),
        (("build", "missing.py"), "missing.py"),
        (("build",), "no task file was named"),
        (("exec",), "capsule exec needs ARTIFACT.wasm"),
    ],
)
def test_what_is_wrong_is_said(command: Command, words: tuple[str, ...], said: str) -> None:
    command.write("hello.py", HELLO)
    command.write("hello.wasm", "no artifact")
    done = command(*words)
    assert done.code == 2
    assert done.out == ""
    assert said in done.err


def test_an_artifact_is_a_module_to_other_tools(
    exporter: Exporter, wasmtime: Path, tmp_path: Path
) -> None:
    artifact = exporter.export(HELLO)
    engine = embedding.Engine()
    embedding.Module.validate(engine, artifact)
    with pytest.raises(embedding.WasmtimeError):
        embedding.Module.validate(engine, artifact[:-1])
    module = tmp_path / "module.wasm"
    module.write_bytes(artifact)
    subprocess.run(
        [wasmtime, "compile", "-W", "exceptions=y", module, "-o", tmp_path / "out"], check=True
    )


def test_it_holds_policies_sources_pages_and_the_interpreter(exporter: Exporter) -> None:
    parts = read.read_bytes(exporter.export(HELLO))
    described = decode(parts.manifest, "task.wasm")
    (main,) = described.declarations.tasks
    assert main.options == {
        "compute": 100_000_000,
        "ram": "64MB",
        "timeout": "20s",
        "max_retries": 1,
    }
    assert parts.sources == {"stdin.py": HELLO.encode()}
    assert parts.memory == 40 << 20
    assert 2 << 20 < sum(len(run.data) for run in parts.pages) < 8 << 20
    assert len(described.interpreter) == 16


def test_packages_travel_with_it(exporter: Exporter) -> None:
    artifact = exporter.export("""
# /// script
# dependencies = ["idna"]
# ///
import idna
def main():
    import idna.compat
    return [idna.encode("ex\\u00e4mple.com").decode(), idna.compat.__name__]
""")
    paths = read.read_bytes(artifact).packages
    assert "idna/core.py" in paths
    assert exporter.run(artifact)["result"] == ["xn--exmple-cua.com", "idna.compat"]
    assert exporter.bench.recorder.plain is None


def test_defaults_of_the_project_it_was_built_in_travel_and_others_do_not(
    exporter: Exporter, tmp_path: Path
) -> None:
    (tmp_path / "capsule.toml").write_text('[tasks]\ndefault_compute = "LOW"\n')
    artifact = exporter.export("def main():\n    while True: pass\n")
    (tmp_path / "capsule.toml").write_text('[tasks]\ndefault_compute = "HIGH"\n')
    error = exporter.run(artifact)["error"]
    assert error is not None
    assert "1.0e8 of 1.0e8 fuel" in error["message"]


def test_limits_and_ceilings_hold(exporter: Exporter, tmp_path: Path) -> None:
    artifact = exporter.export("""
from capsule import task
@task(compute="HIGH")
def main():
    while True: pass
""")
    error = exporter.run(artifact, max_fuel=10**7)["error"]
    assert error is not None
    assert error["error_type"] == "fuel_exhausted"
    (tmp_path / "capsule.toml").write_text('[limits]\nmax_compute = "LOW"\n')
    with pytest.raises(PolicyError, match=r"task\.wasm: task 'main': compute: 'HIGH' is above"):
        exporter.run(artifact)


def test_the_snapshot_is_not_taken_again(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = exporter.export(HELLO)
    monkeypatch.delattr(task_snapshot, "take")
    assert exporter.run(artifact, 1)["result"] == "hello "


def test_another_version_of_the_runtime_takes_a_new_snapshot(exporter: Exporter) -> None:
    artifact = exporter.forge(exporter.export(HELLO), runtime="of another version")
    assert exporter.run(artifact, 1)["result"] == "hello "
    assert exporter.bench.recorder.plain is None


def test_an_artifact_of_another_interpreter_is_refused(exporter: Exporter) -> None:
    artifact = exporter.forge(exporter.export(HELLO), interpreter="0123456789abcdef")
    with pytest.raises(ArtifactError, match="made for the interpreter 0123456789abcdef") as caught:
        exporter.run(artifact)
    assert caught.value.hint is not None
    assert "make it again" in caught.value.hint


TASK = {"name": "main", "function": "main", "module": "", "async": False, "options": {}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"flavour": "huge"}, "flavour"),
        ({"flavour": 1}, "flavour"),
        ({"entry": "../x"}, "not a name of Python"),
        ({"entry": "missing"}, "no module missing"),
        ({"entry": ""}, "entry"),
        ({"imports": [1]}, "imports are not all names"),
        ({"imports": ["a.b"]}, "not a name of Python"),
        ({"imports": ["a"] * 20_000}, "20,000 modules"),
        ({"asyncio": "yes"}, "asyncio"),
        ({"asyncio": 1}, "asyncio"),
        ({"runtime": "x" * 1000}, "runtime"),
        ({"capsule": "0.9\x1b[31m"}, "capsule"),
        ({"tasks": {}}, "tasks"),
        ({"tasks": [1]}, "a task is 1"),
        ({"tasks": [TASK, TASK]}, "one name"),
        ({"tasks": [TASK] * 1001}, "1,001 tasks"),
        ({"tasks": [{**TASK, "function": "os.system('x')"}]}, "not a name of Python"),
        ({"tasks": [{**TASK, "options": {"sudo": True}}]}, "unknown option"),
        ({"tasks": [{**TASK, "options": {"name": "x"}}]}, "unknown option"),
        ({"tasks": [{**TASK, "more": 1}]}, "unknown key"),
        ({"tasks": [{**TASK, "module": "a/b"}]}, "not a name of Python"),
        ({"tasks": [{**TASK, "options": None}]}, "options"),
        ({"main": 5}, "main"),
        ({"unknown": 5}, "unknown key"),
        ({"files": 5}, "files"),
        ({"variables": [1]}, "variables are not"),
        ({"tasks": [{**TASK, "parameters": [["n", ["complex"], False]]}]}, "the parameters of a"),
    ],
)
def test_a_forged_manifest_is_refused(
    exporter: Exporter, changes: dict[str, object], said: str
) -> None:
    artifact = exporter.forge(exporter.export(HELLO), **changes)
    with pytest.raises(ArtifactError, match=said) as caught:
        exporter.run(artifact)
    assert str(caught.value).isprintable() or "\n  try: " in str(caught.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"compute": 10**15}, "compute"),
        ({"compute": "ENDLESS"}, "compute"),
        ({"ram": "-1MB"}, "ram"),
        ({"timeout": "forever"}, "timeout"),
        ({"max_retries": -1}, "max_retries"),
        ({"max_retries": 10**9}, "max_retries"),
        ({"allowed_files": ["../.."]}, "allowed_files"),
        ({"allowed_files": ["/etc"]}, "allowed_files"),
        ({"allowed_hosts": ["http://x/"]}, "allowed_hosts"),
        ({"env_variables": ["A=B"]}, "env_variables"),
    ],
)
def test_a_forged_policy_is_refused(
    exporter: Exporter, options: dict[str, object], said: str
) -> None:
    artifact = exporter.forge(exporter.export(HELLO), tasks=[{**TASK, "options": options}])
    with pytest.raises(PolicyError, match=said):
        exporter.run(artifact)


@pytest.mark.parametrize(
    "pages",
    [
        [PageRun(STACK_TOP, bytes(24 << 20))],
        [PageRun(STACK_TOP, b"\xff" * (4 << 20))],
        [PageRun((40 << 20) - PAGE, b"\xff" * PAGE)],
        [PageRun(at * PAGE, b"\x7f" * PAGE) for at in range(STACK_TOP // PAGE, 10_000, 7)],
    ],
)
def test_memory_that_is_nonsense_crashes_inside(exporter: Exporter, pages: list[PageRun]) -> None:
    parts = read.read_bytes(exporter.export(HELLO))
    envelope = exporter.run(forged(parts._replace(pages=pages)), timeout_ms=20_000)
    assert envelope["error"] is not None
    assert envelope["error"]["error_type"] in {
        "sandbox_crashed",
        "protocol_error",
        "fuel_exhausted",
        "task_error",
    }


def test_pages_of_a_hostile_import_are_held_to_the_limits(exporter: Exporter) -> None:
    """Memory can be forged as one likes; what a run may use stands on the host's side."""
    artifact = exporter.export("""
import _reactor
def serve():
    while True: pass
_reactor._turns_of_ours[b"serve"] = serve
def main(): return 1
""")
    artifact = exporter.forge(artifact, tasks=[{**TASK, "options": {"compute": "LOW"}}])
    error = exporter.run(artifact)["error"]
    assert error is not None
    assert error["error_type"] == "fuel_exhausted"


def test_an_artifact_that_was_cut_or_changed_is_refused(exporter: Exporter) -> None:
    artifact = exporter.export(HELLO)
    changed = bytearray(artifact)
    changed[len(artifact) // 2] ^= 1
    for data, said in (
        (bytes(changed), "was changed or damaged"),
        (artifact[: len(artifact) // 2], "cut off"),
        (artifact[:-40], "cut off"),
        (b"", "it is empty"),
        (artifact + b"\0", "cut off or damaged"),
    ):
        with pytest.raises(ArtifactError, match=said):
            exporter.run(data)


def test_exec_uses_modules_beside_the_task_that_travelled(
    exporter: Exporter, tmp_path: Path
) -> None:
    (tmp_path / "beside.py").write_text("X = 5\n")
    (tmp_path / "entry.py").write_text("import beside\ndef main(): return beside.X\n")
    source = read_file(tmp_path / "entry.py", tmp_path)
    with Cancellation() as never:
        artifact = export(source, build(source, exporter.bench.home, Silent(), never))
    (tmp_path / "beside.py").write_text("X = 6\n")
    assert exporter.run(artifact)["result"] == 5


def test_ceilings_are_those_of_the_folder_that_one_is_in(
    exporter: Exporter, command: Command, tmp_path: Path
) -> None:
    artifact = exporter.export("""
from capsule import task
@task(compute="HIGH")
def main(): return 1
""")
    for folder in ("project", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / "elsewhere" / "task.wasm").write_bytes(artifact)
    (tmp_path / "elsewhere" / "capsule.toml").write_text("")
    (tmp_path / "project" / "capsule.toml").write_text('[limits]\nmax_compute = "LOW"\n')
    command.folder = tmp_path / "project"
    done = command("exec", "../elsewhere/task.wasm")
    assert done.code == 2
    assert "compute: 'HIGH' is above the ceiling" in done.err


@pytest.mark.parametrize("file", [".", "/", ""])
def test_no_file_to_build(command: Command, file: str) -> None:
    done = command("build", "--export", file)
    assert (done.code, done.out) == (2, "")
    assert "folder" in done.err or "no task file" in done.err


def test_a_long_name_for_an_artifact(command: Command) -> None:
    command.write("hello.py", HELLO)
    done = command("build", "--export", "hello.py", "-o", "x" * 245 + ".wasm")
    assert done.code == 0
    done = command("build", "--export", "hello.py", "-o", "x" * 255 + ".wasm")
    assert done.code == 2
    assert "File name too long" in done.err
    assert sorted(path.suffix for path in command.folder.iterdir() if path.is_file()) == [
        ".py",
        ".wasm",
    ]


def test_what_is_refused_leaves_nothing_on_the_disk(exporter: Exporter) -> None:
    artifact = exporter.forge(exporter.export(HELLO), interpreter="0123456789abcdef")
    parts = read.read_bytes(artifact)
    files = {f"package{number}.py": b"x = 1\n" * number for number in range(500)}
    kept = sorted((exporter.bench.home / "cache" / "packages").glob("*"))
    with pytest.raises(ArtifactError, match="made for the interpreter"):
        exporter.run(forged(parts._replace(packages=files)))
    assert sorted((exporter.bench.home / "cache" / "packages").glob("*")) == kept
