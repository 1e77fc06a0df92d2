"""Files that a run is given: in its working folder before it begins, and gone afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from capsule import PolicyError, Sandbox, SandboxSync, UsageError
from capsule.engines import Local

if TYPE_CHECKING:
    from capsule import Envelope

pytestmark = pytest.mark.integration

LOOK = """
import os
from capsule import task

@task(name="main"{policy})
def main(write=None):
    if write:
        open(write, "a").write("!")
    return {{
        os.path.join(folder, name)[2:]: open(os.path.join(folder, name)).read()
        for folder, _, names in os.walk(".") for name in names
    }}
"""


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, toolchain_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAPSULE_HOME", str(toolchain_home))


def write(policy: str = "") -> Path:
    path = Path("look.py")
    path.write_text(LOOK.format(policy=policy))
    return path


def call(files: Any, *args: Any, policy: str = "", **options: Any) -> Envelope:
    with SandboxSync(write(policy), warm=0, **options) as sandbox:
        return sandbox.call(args, files=files)


@pytest.mark.parametrize("warm", [0, 1])
def test_a_call_has_its_files_and_the_next_has_none(warm: int) -> None:
    Path("here.txt").write_text("of the host")
    with SandboxSync(write(), warm=warm) as sandbox:
        for _ in range(2):
            files: Any = {"here.txt": "here.txt", "a/b/c.txt": b"given"}
            found = sandbox.call(["here.txt"], files=files).unwrap()
            assert found == {"here.txt": "of the host!", "a/b/c.txt": "given"}
            assert sandbox.call().unwrap() == {}
    assert Path("here.txt").read_text() == "of the host"


def test_an_awaited_call_and_each_item_have_theirs() -> None:
    async def main() -> tuple[Any, dict[int | None, Any]]:
        async with Sandbox(write(), warm=1) as sandbox:
            one = (await sandbox.call(files={"x": b"1"})).unwrap()
            stream = sandbox.map(
                [[], []], spread=True, files=lambda item: {"x": str(item).encode()}
            )
            return one, {each.index: each.unwrap() async for each in stream}

    assert asyncio.run(main()) == ({"x": "1"}, {0: {"x": "[]"}, 1: {"x": "[]"}})


def test_each_attempt_begins_with_them_as_they_were_given() -> None:
    text = (
        "from capsule import task\n@task(name='main', max_retries=2)\n"
        "def main():\n    found = open('x').read()\n    open('x', 'a').write('!')\n"
        "    raise ValueError(found)\n"
    )
    Path("again.py").write_text(text)
    with SandboxSync("again.py", warm=0) as sandbox:
        envelope = sandbox.call(files={"x": b"as given"})
    assert envelope.execution.retries == 2
    assert envelope.error is not None
    assert envelope.error.message == "ValueError: as given"


def test_tasks_that_are_called_have_none() -> None:
    text = (
        "import os\nfrom capsule import task\n@task\ndef inner():\n    return os.listdir('.')\n"
        "@task(name='main')\ndef main():\n    return [os.listdir('.'), inner().unwrap()]\n"
    )
    Path("two.py").write_text(text)
    with SandboxSync("two.py", warm=0) as sandbox:
        assert sandbox.call(files={"x": b""}).unwrap() == [["x"], []]


@pytest.mark.parametrize("name", ["data/x.txt", "data", "data/in/x.txt"])
def test_what_a_mount_would_hide_is_refused(name: str) -> None:
    Path("data").mkdir()
    with pytest.raises(PolicyError, match="cannot be put into the working folder"):
        call({name: b""}, policy=', allowed_files=["./data"]')
    assert list(Path("data").iterdir()) == []


@pytest.mark.parametrize("name", ["deep/one.txt", "deep/two.txt", "deep"])
def test_beside_a_mounted_file_none_is_put(name: str) -> None:
    Path("one.txt").write_text("mounted")
    with pytest.raises(PolicyError, match="cannot be put into the working folder"):
        call({name: b""}, mounts=["one.txt::/deep/one.txt"])
    assert call({"other.txt": b"2"}, mounts=["one.txt::/deep/one.txt"]).unwrap() == {
        "deep/one.txt": "mounted",
        "other.txt": "2",
    }


@pytest.mark.parametrize("name", ["one.txt", "one.txt/two.txt"])
@pytest.mark.parametrize("mount", ["one.txt", "one.txt::/one.txt:rw"])
def test_a_mounted_file_is_not_replaced(name: str, mount: str) -> None:
    Path("one.txt").write_text("mounted")
    with pytest.raises(PolicyError, match=f"the file {name} cannot be put into the working folder"):
        call({name: b"given"}, mounts=[mount])
    assert Path("one.txt").read_text() == "mounted"
    found = call({"two.txt": b"given"}, mounts=[mount]).unwrap()
    assert found == {"one.txt": "mounted", "two.txt": "given"}


def test_the_view_of_the_project_is_not_written_through(tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    Path("link").symlink_to(outside)
    Path("there.txt").write_text("the project's")
    policy = ', allowed_files=["./"]'
    for name in ("link/x.txt", "link", "there.txt", "there.txt/x"):
        with pytest.raises(PolicyError, match=f"the file {name} cannot be put"):
            call({name: b"evil"}, policy=policy)
    assert list(outside.iterdir()) == []
    Path("link").unlink()
    found = call({"new.txt": b"beside"}, policy=policy).unwrap()
    assert found["there.txt"] == "the project's"
    assert found["new.txt"] == "beside"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (0, "files=0: names with paths or content are needed"),
        ({5: b""}, "files=5: text is needed"),
        ({"/abs": b""}, "'/abs' is no name of a file"),
        ({"..": b""}, "'..' is no name of a file"),
        ({"a/../../b": b""}, "is no name of a file"),
        ({"": b""}, "'' is no name of a file"),
        ({"a/": b""}, "is no name of a file"),
        ({"tmp/a": b""}, "'tmp/a' is no name of a file"),
        ({"a": 5}, "'a': a path .* or content .* is needed, and not 5"),
        ({"a": "nowhere"}, "cannot read .*nowhere: No such file"),
        ({"a": "."}, "cannot read .*: it is no file"),
        ({"a": b"", "./a": b""}, "'a' is named twice"),
        ({"a": bytes(20 << 20), "b": bytes(20 << 20)}, "they have more than 32 MB together"),
    ],
)
def test_files_that_are_none_are_refused(files: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        call(files)


async def _none(item: Any) -> Any:
    raise AssertionError(item)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": b""}, "files={'a': b''}: for map, a function of the item is needed"),
        (_none, "files is called, and not awaited"),
    ],
)
def test_what_gives_no_files_of_an_item_is_refused_at_once(files: Any, said: str) -> None:
    async def main() -> None:
        async with Sandbox(write(), warm=0) as sandbox:
            for engine in (None, Local()):
                with pytest.raises(UsageError, match=said):
                    sandbox.map([1], files=files, engine=engine)

    asyncio.run(main())
    with SandboxSync(write(), warm=0) as sandbox:
        for engine in (None, Local()):
            with pytest.raises(UsageError, match=said):
                sandbox.map([1], files=files, engine=engine)


def test_files_within_each_other_are_refused() -> None:
    with pytest.raises(PolicyError, match="the file a/b cannot be put"):
        call({"a": b"", "a/b": b""})
