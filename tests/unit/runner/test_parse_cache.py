"""What was read is remembered as long as it is what would be read, and no longer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from capsule.artifact import read, task_manifest
from capsule.artifact.errors import ArtifactError
from capsule.packages.artifact_packages import measured
from capsule.policy.declaration_types import Declarations, TaskDeclaration
from capsule.runner import parse_cache
from capsule.runner.artifact_source import open_artifact
from capsule.snapshot import eviction
from capsule.toolstore import file_index
from tests.unit.artifact.forge import PARTS, artifact

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.artifact.contents import ArtifactContents

DESCRIBED = task_manifest.TaskManifest(
    capsule="1",
    interpreter="core",
    runtime="here",
    flavour="core",
    entry="hello",
    imports=frozenset(["json"]),
    asyncio=False,
    files=None,
    plain=None,
    declarations=Declarations(
        "hello.wasm",
        (TaskDeclaration("main", "main", "hello.wasm", 0, False, {"ram": "64MB"}),),
        None,
    ),
)


def parts(text: bytes = b"def main(): ...\n") -> ArtifactContents:
    sources = {**PARTS.sources, "hello.py": text}
    return PARTS._replace(manifest=task_manifest.encode(DESCRIBED), sources=sources)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hello.wasm"
    path.write_bytes(artifact(parts()))
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, at a time when all files are old."""
    later = tmp_path.stat().st_ctime_ns + 3600 * 10**9
    monkeypatch.setattr(file_index, "now", lambda: later)
    return tmp_path / "home"


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The artifacts that were really read."""
    seen: list[str] = []
    plain = read._content

    def content(path: Path) -> tuple[bytes, os.stat_result | None]:
        seen.append(path.name)
        return plain(path)

    monkeypatch.setattr(read, "_content", content)
    return seen


def test_an_artifact_is_read_once(file: Path, home: Path, readings: list[str]) -> None:
    first, bundle = open_artifact(file, "hello.wasm", home)
    again, same = open_artifact(file, "hello.wasm", home)
    assert readings == ["hello.wasm"]
    assert again._replace(contents=first.contents) == first
    assert first.task_manifest == DESCRIBED
    assert first.packages == measured(PARTS.packages).digest
    assert (same.digest, same.entry, same.imports) == (bundle.digest, "hello", DESCRIBED.imports)
    # What is not remembered is read when somebody asks for it.
    assert dict(same.files) == parts().sources
    assert len(same.files) == len(PARTS.sources)
    assert again.contents.parts == first.contents.parts
    assert readings == ["hello.wasm"] * 2


def test_nothing_is_remembered_without_a_home(file: Path, readings: list[str]) -> None:
    for _ in range(2):
        open_artifact(file, "hello.wasm", None)
    assert len(readings) == 2


def test_a_change_that_hides_its_time_is_noticed(file: Path, home: Path) -> None:
    before = file.stat()
    open_artifact(file, "hello.wasm", home)
    other = artifact(parts(b"def main(): 123\n"))
    assert len(other) == before.st_size
    file.write_bytes(other)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    _, bundle = open_artifact(file, "hello.wasm", home)
    assert bundle.files["hello.py"] == b"def main(): 123\n"


def test_another_file_in_its_place_is_noticed(file: Path, home: Path, tmp_path: Path) -> None:
    open_artifact(file, "hello.wasm", home)
    other = tmp_path / "other.wasm"
    other.write_bytes(artifact(parts(b"def main(): 123\n")))
    other.rename(file)
    _, bundle = open_artifact(file, "hello.wasm", home)
    assert bundle.files["hello.py"] == b"def main(): 123\n"


def test_what_changes_while_it_is_used_is_not_used(file: Path, home: Path) -> None:
    open_artifact(file, "hello.wasm", home)
    _, bundle = open_artifact(file, "hello.wasm", home)
    file.write_bytes(artifact(parts(b"def main(): 123\n")))
    with pytest.raises(ArtifactError, match=r"^hello\.wasm: it changed while it was used"):
        dict(bundle.files)


def test_a_file_that_just_changed_is_not_remembered(file: Path, tmp_path: Path) -> None:
    status = file.stat()
    assert not file_index.settled(status, status.st_ctime_ns + 10**7)
    assert not file_index.settled(status, status.st_ctime_ns - 10**12), "a clock that is ahead"
    home = tmp_path / "home"
    open_artifact(file, "hello.wasm", home)
    assert not list(home.rglob("plan.json"))


def test_what_is_damaged_is_not_believed(file: Path, home: Path, readings: list[str]) -> None:
    open_artifact(file, "hello.wasm", home)
    (plan,) = home.rglob("plan.json")
    plan.write_bytes(plan.read_bytes().replace(b"64MB", b"96MB"))
    artifact, _ = open_artifact(file, "hello.wasm", home)
    assert artifact.task_manifest == DESCRIBED
    assert len(readings) == 2
    open_artifact(file, "hello.wasm", home)
    assert len(readings) == 2, "it was made anew"


@pytest.mark.parametrize("values", [{}, {"manifest": {}}, {"manifest": 1, "memory": 0}])
def test_what_another_capsule_kept_is_read_again(
    file: Path, home: Path, values: dict[str, object]
) -> None:
    parse_cache.keep(home, parse_cache.key_of(str(file), file.stat()), values)
    artifact, _ = open_artifact(file, "hello.wasm", home)
    assert artifact.task_manifest == DESCRIBED


def test_a_home_that_cannot_be_written_is_no_error(file: Path, tmp_path: Path, home: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    artifact, _ = open_artifact(file, "hello.wasm", blocked / "home")
    assert artifact.task_manifest == DESCRIBED


def test_a_wrong_artifact_is_wrong_each_time(file: Path, home: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    for _ in range(2):
        with pytest.raises(ArtifactError, match=r"^hello\.wasm: "):
            open_artifact(file, "hello.wasm", home)
    file.unlink()
    with pytest.raises(ArtifactError, match="there is no such file"):
        open_artifact(file, "hello.wasm", home)


def test_what_is_remembered_is_in_the_cache_and_goes_as_the_rest_does(
    file: Path, home: Path
) -> None:
    open_artifact(file, "hello.wasm", home)
    cache = home / "cache"
    assert [kept.kind for kept in eviction.contents(cache)] == ["plans"]
    eviction.prune(cache, eviction.Bounds(), all_of_it=True)
    assert not eviction.contents(cache)
