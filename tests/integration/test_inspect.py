"""What a file asks for is seen before it runs, and can be denied whole, on every way to run it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from capsule import run_sync
from capsule.errors import CapsuleError
from capsule.process.cancel import Cancellation
from capsule.progress import Silent
from capsule.runner.build_artifact import build, export
from capsule.runner.source import read_file
from tests.integration.command import Command

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.integration

GREEDY = """
import os
from capsule import task
@task(ram="2GB", timeout="1h", allowed_files=["./data"], allowed_hosts=["api.example.com"],
      env_variables=["TOKEN"])
def main():
    return [os.path.exists("/data"), os.environ.get("TOKEN")]
"""
HIGH = 'from capsule import task\n@task(compute="HIGH")\ndef main(): return 1\n'


@pytest.fixture
def command(toolchain_home: Path, tmp_path: Path) -> Command:
    (tmp_path / "data").mkdir()
    command = Command(tmp_path, toolchain_home)
    command.environ["TOKEN"] = "secret"
    command.write("job.py", GREEDY)
    return command


def rights(done: Any) -> dict[str, Any]:
    [task] = json.loads(done.out)["tasks"]
    return {name: (right["gets"], right["by"]) for name, right in task["rights"].items()}


def test_what_is_asked_for_and_by_whose_word(command: Command) -> None:
    assert rights(command("inspect", "job.py", "--json")) == {
        "compute": ("MEDIUM", "by default"),
        "ram": ("2GB", "the task"),
        "timeout": ("1h", "the task"),
        "max_retries": (0, "by default"),
        "allowed_files": (["./data (read-write)"], "the task"),
        "allowed_hosts": (["api.example.com"], "the task"),
        "env_variables": (["TOKEN"], "the task"),
    }
    shown = command("inspect", "job.py").out
    assert "TOKEN (set here)" in shown
    assert "secret" not in shown
    assert "ceilings         none: a file gets what it asks for" in shown


def test_where_variables_are_set(command: Command) -> None:
    """Never what they are; a file that stops a run is told as what stops it."""
    del command.environ["TOKEN"]
    assert "TOKEN (not set)" in command("inspect", "job.py").out
    command.write(".env", "TOKEN=secret\n")
    shown = command("inspect", "job.py").out
    assert "TOKEN (set in .env)" in shown
    assert "secret" not in shown + command("inspect", "job.py", "--json").out
    command.write(".env", "TOKEN='secret\n")
    done = command("inspect", "job.py")
    assert (done.code, done.err) == (0, "")
    assert "TOKEN (not set)" in done.out
    elsewhere = command.folder.parent / f"{command.folder.name}-elsewhere"
    elsewhere.write_text("TOKEN=secret\n")
    (command.folder / ".env").unlink()
    (command.folder / ".env").symlink_to(elsewhere)
    [task] = json.loads(command("inspect", "job.py", "--json").out)["tasks"]
    refused = command("run", "job.py")
    assert f"to {elsewhere}" in task["refused"]
    assert (refused.code, "try: copy that file to" in refused.err) == (2, True)
    assert "secret" not in refused.out + refused.err


def test_what_is_denied_whole(command: Command) -> None:
    found = rights(command("inspect", "job.py", "--untrusted", "--json"))
    assert found["ram"] == ("512MB", "untrusted")
    assert found["timeout"] == ("30s", "untrusted")
    for option in ("allowed_files", "allowed_hosts", "env_variables"):
        assert found[option] == ([], "untrusted")
    found = rights(command("inspect", "job.py", "--no-env", "--no-net", "--json"))
    assert found["env_variables"] == ([], "--no-env")
    assert found["allowed_hosts"] == ([], "--no-net")


def test_what_a_ceiling_refuses_is_told_and_named(command: Command) -> None:
    config = command.write("capsule.toml", '[limits]\nmax_ram = "1GB"\n')
    done = command("inspect", "job.py", "--json")
    assert done.code == 2
    found = json.loads(done.out)
    assert found["ceilings"] == [str(config)]
    assert f"at most '1GB' (max_ram in [limits] of {config})" in found["tasks"][0]["refused"]
    assert found["tasks"][0]["rights"]["allowed_hosts"]["asks"] == ["api.example.com"]
    assert command("run", "job.py").code == 2


def exported(command: Command, name: str = "job.py") -> str:
    file = command.folder / name
    source = read_file(file, file.parent)
    home = Path(command.environ["CAPSULE_HOME"])
    with Cancellation() as never:
        artifact = export(source, build(source, home, Silent(), never))
    file.with_suffix(".wasm").write_bytes(artifact)
    return file.with_suffix(".wasm").name


def test_an_artifact_is_inspected_too(command: Command) -> None:
    done = command("inspect", exported(command), "--json")
    assert rights(done)["env_variables"] == (["TOKEN"], "the task")


@pytest.mark.parametrize("name", ["job.bin", "job", "other.py"])
def test_an_artifact_of_any_name_is_inspected_as_it_is_run(command: Command, name: str) -> None:
    (command.folder / exported(command)).rename(command.folder / name)
    assert json.loads(command("exec", name, "--json").out)["success"]
    assert rights(command("inspect", name, "--json"))["ram"] == ("2GB", "the task")


def test_what_is_no_regular_file_is_not_opened(command: Command) -> None:
    os.mkfifo(command.folder / "pipe")
    for name in ("pipe", "data", "absent.bin"):
        assert command("inspect", name).code == 2


def by_command(command: Command, file: str, **limits: bool) -> Any:
    flags = [f"--{name.replace('_', '-')}" for name, on in limits.items() if on]
    verb = "exec" if file.endswith(".wasm") else "run"
    done = command(verb, file, "--json", *flags)
    return json.loads(done.out)


def by_worker(command: Command, file: str, **limits: bool) -> Any:
    line = json.dumps({"id": 1, "file": file, "limits": limits})
    answer = json.loads(command("worker", stdin=f"{line}\n").out)
    return answer.get("output") or {"success": False, "error": answer["error"]}


def by_program(command: Command, file: str, **limits: bool) -> Any:
    try:
        return dict(run_sync(file, cwd=command.folder, limits=limits))
    except CapsuleError as error:
        return {"success": False, "error": {"message": str(error)}}


ways = pytest.mark.parametrize("way", [by_command, by_worker, by_program])


@pytest.fixture
def program(command: Command, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))
    monkeypatch.setenv("TOKEN", "secret")
    return command


@ways
@pytest.mark.parametrize("artifact", [False, True], ids=["source", "artifact"])
def test_an_untrusted_file_runs_with_nothing(
    program: Command, way: Callable[..., Any], *, artifact: bool
) -> None:
    file = exported(program) if artifact else "job.py"
    assert way(program, file)["result"] == [True, "secret"]
    assert way(program, file, untrusted=True)["result"] == [False, None]
    assert way(program, file, no_env=True)["result"] == [True, None]


@ways
@pytest.mark.parametrize("artifact", [False, True], ids=["source", "artifact"])
def test_ceilings_cannot_be_taken_off(
    program: Command, way: Callable[..., Any], *, artifact: bool
) -> None:
    stranger = program.folder / "stranger"
    stranger.mkdir()
    program.write("stranger/high.py", HIGH)
    file = f"stranger/{exported(program, 'stranger/high.py') if artifact else 'high.py'}"
    (stranger / "capsule.toml").write_text("")
    assert way(program, file)["result"] == 1
    above = program.write("capsule.toml", '[limits]\nmax_compute = "LOW"\n')
    refused = way(program, file)
    assert f"max_compute in [limits] of {above}" in refused["error"]["message"]


def test_the_first_run_on_a_terminal_says_what_a_file_gets(command: Command) -> None:
    note = "capsule: job.py may use ./data (read-write), api.example.com, $TOKEN"
    new = uuid4().int  # the home is kept from one session to the next, and knows what was run
    command.write("job.py", GREEDY.replace("main():", f"main(n={new}):"))
    assert "capsule inspect" not in command("run", "job.py").err
    assert note in command.on_terminal("run", "job.py").out
    assert "capsule inspect" not in command.on_terminal("run", "job.py").out
    # Another file of the same policy is another one.
    command.write("job.py", GREEDY.replace("main():", f"main(n={new + 1}):"))
    assert note in command.on_terminal("run", "job.py").out
    command.write("job.py", GREEDY.replace("main():", f"main(n={new + 2}):"))
    # What bounds other kinds says nothing of these.
    limits = '[limits]\nmax_compute = "HIGH"\n'
    command.write("capsule.toml", limits)
    assert note in command.on_terminal("run", "job.py").out
    command.write("job.py", GREEDY.replace("main():", f"main(n={new + 3}):"))
    lists = 'allowed_files = ["./data"]\nallowed_hosts = ["*"]\nenv_variables = ["TOKEN"]\n'
    command.write("capsule.toml", limits + lists)
    assert "capsule inspect" not in command.on_terminal("run", "job.py").out


def test_the_callers_mounts_hold(program: Command) -> None:
    done = program("run", "job.py", "--untrusted", "--mount", "data:ro", "--json")
    assert json.loads(done.out)["result"][0] is True


def test_the_hint_of_a_refused_folder_is_what_to_type(command: Command) -> None:
    command.write(".secret/key", "k")
    command.write(
        "keys.py",
        "from capsule import task\n"
        '@task(allowed_files=[{"path": "./.secret", "mode": "ro"}])\n'
        'def main(): return open("/.secret/key").read()\n',
    )
    refused = command("run", "keys.py", "--json")
    hint = json.loads(refused.out)["error"]["message"].partition("try: ")[2]
    assert (refused.code, hint) == (2, "--mount ./.secret:ro, or mounts= from Python")
    mount = hint.partition(",")[0].split()
    assert command("run", "keys.py", "--result", *mount).out == "k\n"
