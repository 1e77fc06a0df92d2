"""From dependencies to a folder: rounds, the cache, damage, and many who ask at once."""

from __future__ import annotations

import shutil
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from capsule.errors import CapsuleError, OutOfTimeError, ToolchainError, UsageError
from capsule.packages import resolution_cache, resolver
from capsule.packages.dependency_types import NOTHING, DependencySpec
from capsule.packages.fetch_clock import FetchClock
from capsule.snapshot import eviction
from tests.unit.packages.conftest import Index, Watcher, sources

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.packages.dependency_types import Packages
    from tests.unit.packages.conftest import Bench


def test_a_task_that_asks_for_nothing(bench: Bench) -> None:
    assert bench.provision() == NOTHING
    assert not bench.home.exists()


def test_one_package(bench: Bench, index: Index) -> None:
    index.add("Some.Thing", "1.5")
    found = bench.provision("some_thing>=1")
    assert found.folder == bench.home / "cache/packages" / found.digest[:32] / "site"
    assert found.distributions == (("some-thing", "1.5"),)
    assert found.imports == frozenset()
    assert bench.files(found) == {
        "Some.Thing.py",
        *(f"Some.Thing-1.5.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD")),
    }


def test_down_the_tree_and_only_what_the_sandbox_needs(bench: Bench, index: Index) -> None:
    index.add("a", requires=["b>=1", "linux; sys_platform == 'linux'", "x; sys_platform=='wasi'"])
    index.add("b", "2.0", requires=["c[more]", "numpy"])
    index.add("c", requires=["d; extra == 'more'", "e; extra == 'less'"])
    for name in ("d", "x"):
        index.add(name)
    found = bench.provision("a")
    assert [name for name, _ in found.distributions] == ["a", "b", "c", "d", "x"]
    assert found.imports == {"numpy"}
    assert index.asked == [["a"], ["b>=1", "x"], ["c"], ["d"]]


def test_a_version_that_turns_out_too_new_is_asked_for_again(bench: Bench, index: Index) -> None:
    index.add("a", requires=["c"])
    index.add("c", requires=["b<2"])
    index.add("b", "1.0")
    index.add("b", "2.0", requires=["never"])
    found = bench.provision("a", "b")
    assert dict(found.distributions) == {"a": "1.0", "b": "1.0", "c": "1.0"}
    # There is nothing for what b 2.0 wants, and in the end nobody wants b 2.0.
    assert index.asked == [["a", "b"], ["c", "never"], ["c"], ["b<2"]]


def test_what_the_interpreter_brings_is_not_fetched(bench: Bench, index: Index) -> None:
    found = bench.provision("Seaborn", "jinja2>=3", "attrs")
    assert (found.folder, found.distributions, found.digest) == (None, (), NOTHING.digest)
    assert {"seaborn", "numpy", "pandas", "matplotlib", "jinja2", "markupsafe", "attr"} < (
        found.imports
    )
    assert index.runs == []
    assert bench.watcher.steps == []


def test_the_step(bench: Bench, index: Index) -> None:
    index.add("a", requires=["b"])
    index.add("b")
    bench.provision("a")
    (step,) = bench.watcher.steps
    assert (step.label, step.unit) == ("fetching packages", "seconds")
    assert bench.watcher.updates == sorted(bench.watcher.updates)
    assert bench.watcher.updates


@pytest.mark.parametrize(
    ("dependencies", "python", "problem"),
    [
        (("numpy<2",), None, "the task needs numpy<2, and the interpreter brings numpy 2."),
        (("tabulate==0.1",), None, "the task needs tabulate==0.1, and the interpreter brings"),
        (("a",), "<3.12", "requires Python <3.12, and the sandbox has 3.15.0"),
        ((), ">=4", "requires Python >=4, and the sandbox has 3.15.0"),
        (("./a",), None, "dependencies: './a' is a path"),
        (("--pre",), None, "dependencies: '--pre' is an option"),
        (("a @ https://host/a.whl",), None, "is fetched from an address"),
    ],
)
def test_refused_before_any_pip_runs(
    bench: Bench, index: Index, dependencies: tuple[str, ...], python: str | None, problem: str
) -> None:
    index.add("a")
    with pytest.raises(UsageError) as caught:
        bench.provision(*dependencies, python=python)
    assert problem in caught.value.message
    assert index.runs == []


@pytest.mark.parametrize(
    ("requires", "problem"),
    [
        ("numpy<2", "a 1.0 needs numpy<2, and the interpreter brings numpy 2."),
        ("b @ https://host/b.tar.gz", "a 1.0 requires: 'b @ https://host/b.tar.gz' is fetched"),
        ("b===1", "can be read as a file"),
    ],
)
def test_refused_for_what_a_wheel_requires(
    bench: Bench, index: Index, requires: str, problem: str
) -> None:
    index.add("a", requires=[requires])
    index.add("b")
    with pytest.raises(UsageError) as caught:
        bench.provision("a")
    assert problem in caught.value.message
    assert index.asked == [["a"]]


def test_a_failure_leaves_nothing(bench: Bench, index: Index) -> None:
    index.add("a", requires=["b"])
    index.add("b", files={"b/_fast.so": b""})
    with pytest.raises(UsageError, match="b needs a native extension"):
        bench.provision("a")
    assert list((bench.home / "cache/packages").iterdir()) == []
    assert not (bench.home / "cache/resolutions").exists()


def test_no_end_of_rounds(bench: Bench, index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "_ROUNDS", 3)
    for number in range(5):
        index.add(f"a{number}", requires=[f"a{number + 1}"])
    with pytest.raises(UsageError, match=r"in 3 rounds; in doubt: a3"):
        bench.provision("a0")
    assert len(index.runs) == 3


def test_the_second_time_needs_no_pip(bench: Bench, index: Index) -> None:
    index.add("a", requires=["numpy"])
    first = bench.provision("a", "jinja2", python=">=3.9")
    runs = len(index.runs)
    shutil.rmtree(index.folder)
    assert bench.provision("jinja2", " a", python=">=3.9") == first
    assert len(index.runs) == runs


def test_the_same_content_is_there_once(bench: Bench, index: Index) -> None:
    index.add("a")
    first, second = bench.provision("a"), bench.provision("a>=1")
    assert first.folder == second.folder
    assert len(index.runs) == 2
    assert len([path for path in (bench.home / "cache/packages").iterdir() if path.is_dir()]) == 1


def test_the_digest_is_that_of_the_content(bench: Bench, index: Index, tmp_path: Path) -> None:
    index.add("a")
    first = bench.provision("a")
    shutil.rmtree(bench.home)
    assert bench.provision("a").digest == first.digest
    shutil.rmtree(bench.home)
    index.add("a", files={"a.py": b"changed"})
    assert bench.provision("a").digest != first.digest


def test_nobody_else_reads_or_writes_it(bench: Bench, index: Index) -> None:
    index.add("a", files={"a/deep/b.py": b""})
    found = bench.provision("a")
    assert found.folder is not None
    for folder in (found.folder, found.folder.parent, found.folder.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in found.folder.rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or stat.S_IMODE(path.stat().st_mode) == 0o444


def test_a_damaged_file_is_named_and_made_again(bench: Bench, index: Index) -> None:
    index.add("a")
    found = bench.provision("a")
    assert found.folder is not None
    path = found.folder / "a.py"
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(b"import evil\n")
    assert bench.provision("a") == found
    (note,) = bench.watcher.notes
    assert note.startswith(f"{path} is damaged (12 bytes, SHA-256 ")
    assert path.read_bytes() == content


def test_a_folder_that_is_gone_is_made_again(bench: Bench, index: Index) -> None:
    index.add("a")
    found = bench.provision("a")
    assert found.folder is not None
    shutil.rmtree(found.folder.parent)
    assert bench.provision("a") == found
    assert "a.py" in bench.files(found)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b"[]"])
def test_an_answer_that_cannot_be_read_is_made_again(
    bench: Bench, index: Index, data: bytes
) -> None:
    index.add("a")
    found = bench.provision("a")
    (record,) = (bench.home / "cache/resolutions").iterdir()
    record.write_bytes(data)
    assert bench.provision("a") == found
    assert len(index.runs) == 2
    assert bench.provision("a") == found
    assert len(index.runs) == 2


def test_what_a_killed_capsule_left_is_swept(bench: Bench, index: Index) -> None:
    """Of the same question, that is: of another, somebody may be at work in it."""
    index.add("a")
    index.add("b")
    store = bench.home / "cache/packages"
    mine, theirs = (
        store / f".new-{resolution_cache.key(DependencySpec((name,)))}-dead" for name in "ab"
    )
    for leftover in (mine, theirs):
        (leftover / "work").mkdir(parents=True)
        (leftover / "work/part").write_bytes(b"x")
    bench.provision("a")
    assert not mine.exists()
    assert (theirs / "work/part").exists()


def test_one_fetch_does_not_hold_up_another(bench: Bench, index: Index) -> None:
    """In the middle of a fetch, another question is asked and answered."""
    index.add("a")
    index.add("b")
    other = Index(index.folder)
    inner: list[Packages] = []

    def ask() -> None:
        # From another thread, as it would be: that can be given up, where it waits.
        means = other.scripted
        asking = threading.Thread(
            target=lambda: inner.append(bench.provision("b", means=means)), daemon=True
        )
        asking.start()
        asking.join(20)

    index.before = ask
    outer = bench.provision("a")
    assert [found.distributions for found in (outer, *inner)] == [(("a", "1.0"),), (("b", "1.0"),)]


@pytest.mark.parametrize(("names", "python"), [(("numpy",), None), ((), ">=3.9")])
def test_what_fetches_nothing_waits_for_nobody(
    bench: Bench, index: Index, names: tuple[str, ...], python: str | None
) -> None:
    index.add("a")
    inner: list[Packages] = []
    index.before = lambda: inner.append(bench.provision(*names, python=python))
    bench.provision("a")
    assert [found.folder for found in inner] == [None]


def test_what_fetches_nothing_needs_no_home(bench: Bench) -> None:
    bench.home.write_bytes(b"no folder")
    assert "numpy" in bench.provision("numpy").imports


def test_fetching_ends_when_the_time_is_up(bench: Bench, index: Index) -> None:
    index.add("a")
    clock = FetchClock(0)
    with pytest.raises(OutOfTimeError, match=r"fetching packages took \d+ ms, and the task may"):
        bench.provision("a", clock=clock)
    assert list((bench.home / "cache/packages").iterdir()) == []
    assert bench.provision("a", clock=FetchClock(60_000)).distributions == (("a", "1.0"),)


def test_the_time_of_fetching_is_counted(bench: Bench, index: Index) -> None:
    index.add("a")
    passed = threading.Event()
    index.before = lambda: passed.wait(0.05)
    clock = FetchClock()
    bench.provision("a", clock=clock)
    assert clock.spent_ms >= 50
    again = FetchClock()
    bench.provision("a", clock=again)
    assert again.spent_ms == 0


def test_waiting_for_the_fetch_of_another_is_in_the_time(bench: Bench, index: Index) -> None:
    index.add("a")
    waiting: list[BaseException] = []

    def ask() -> None:
        index.before = lambda: None

        def second() -> None:
            try:
                bench.provision("a", clock=FetchClock(1))
            except OutOfTimeError as error:
                waiting.append(error)

        thread = threading.Thread(target=second)
        thread.start()
        thread.join(20)

    index.before = ask
    bench.provision("a")
    assert len(waiting) == 1
    assert len(index.runs) == 1


def test_pruning_and_fetching_at_once(bench: Bench, index: Index) -> None:
    """Both delete and move the same folders, and neither fails for what the other did."""
    index.add("a")
    cache, over = bench.home / "cache", threading.Event()
    failed: list[BaseException] = []

    def prune() -> None:
        try:
            while not over.is_set():
                eviction.prune(cache, eviction.Bounds(), all_of_it=True)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=prune) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(60):
            found = bench.provision(f"a>=0.{number}")
            assert found.distributions == (("a", "1.0"),)
    finally:
        over.set()
        for thread in threads:
            thread.join(20)
    assert failed == []


def test_many_ask_at_once(bench: Bench, index: Index) -> None:
    """The first is held up until the second waits for it; then there is one answer for both."""
    index.add("a")
    first, second = Watcher(), Watcher()
    holding = threading.Event()
    results = []

    def held_up() -> None:
        holding.set()
        assert second.noted.wait(20)

    index.before = held_up
    threads = [
        threading.Thread(target=lambda: results.append(bench.provision("a", progress=first))),
        threading.Thread(target=lambda: results.append(bench.provision("a", progress=second))),
    ]
    threads[0].start()
    assert holding.wait(20)
    threads[1].start()
    for thread in threads:
        thread.join(20)
    assert len(results) == 2
    assert results[0] == results[1]
    assert len(index.runs) == 1


def test_an_interrupted_fetch_leaves_nothing(bench: Bench, index: Index) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    index.add("a")
    index.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        bench.provision("a")
    assert list((bench.home / "cache/packages").iterdir()) == []


def test_a_home_that_cannot_be_written(bench: Bench, index: Index) -> None:
    index.add("a")
    bench.home.write_bytes(b"no folder")
    with pytest.raises(ToolchainError, match=r"cannot write to .*packages"):
        bench.provision("a")


# What follows asks the real pip, for an index that is a folder.


def refused(bench: Bench, *dependencies: str) -> CapsuleError:
    with pytest.raises(CapsuleError) as caught:
        bench.provision(*dependencies, means=bench.index.real)
    return caught.value


def test_real_pip_brings_the_tree(bench: Bench, index: Index) -> None:
    index.add("a", "1.0")
    index.add("a", "1.5", requires=["B_b>=1,<3", "pandas", "w; sys_platform == 'win32'"])
    index.add("a", "2.0rc1")
    index.add("b-b", "1.0", tag="py2.py3-none-any")
    index.add("b-b", "3.0")
    index.add("b-b", "2.0", tag="cp315-cp315-win_amd64")
    found = bench.provision("a", means=index.real)
    assert found.distributions == (("a", "1.5"), ("b-b", "1.0"))
    assert {"pandas", "numpy", "dateutil", "six"} <= found.imports


def test_real_pip_needs_no_host_marker(bench: Bench, index: Index) -> None:
    """pip itself would follow this machine's marker, to a package that there is not."""
    index.add("a", requires=["not-there; sys_platform != 'wasi'", "b; platform_machine=='wasm32'"])
    index.add("b")
    found = bench.provision("a", means=index.real)
    assert found.distributions == (("a", "1.0"), ("b", "1.0"))


def test_real_pip_native(bench: Bench, index: Index) -> None:
    index.add("a", requires=["fast"])
    index.add("fast", tag="cp315-cp315-manylinux_2_28_x86_64")
    sources(index.folder, "fast")
    error = refused(bench, "a")
    assert isinstance(error, UsageError)
    assert error.message.startswith("fast 1.0 (needed by a 1.0) needs a native extension")


def test_real_pip_sources_are_never_opened(bench: Bench, index: Index) -> None:
    sources(index.folder, "a", "1.0")
    error = refused(bench, "a")
    assert isinstance(error, UsageError)
    assert error.message.startswith("a 1.0 (needed by the task) is there only as sources")


def test_real_pip_no_such_package(bench: Bench) -> None:
    error = refused(bench, "not-there")
    assert isinstance(error, UsageError)
    assert error.message == "the package index has no package not-there (needed by the task)"


def test_real_pip_no_such_version(bench: Bench, index: Index) -> None:
    index.add("a")
    error = refused(bench, "a>=2")
    assert isinstance(error, UsageError)
    assert error.message == "no version of a (needed by the task) is >=2; the newest are 1.0"


def test_real_pip_two_who_disagree(bench: Bench, index: Index) -> None:
    index.add("a", requires=["c<2"])
    index.add("b", requires=["c>=2"])
    index.add("c", "1.0")
    index.add("c", "2.0")
    error = refused(bench, "a", "b")
    assert isinstance(error, UsageError)
    assert error.message == ("no version of c is right for all: a 1.0 needs c<2; b 1.0 needs c>=2")
    assert error.hint == "ask for another version of a"


def test_real_pip_an_index_that_cannot_be_reached(bench: Bench, index: Index) -> None:
    means = index.real
    environ = dict(means.environ) | {
        "PIP_NO_INDEX": "0",
        # A port that nobody listens on, and no second try.
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_RETRIES": "1",
        "NO_PROXY": "127.0.0.1",
    }
    index.add("b")
    with pytest.raises(ToolchainError) as caught:
        bench.provision("a", means=type(means)(pips=means.pips, run=means.run, environ=environ))
    assert caught.value.message.startswith(
        "the package index could not be reached to look for a: WARNING: Retrying"
    )
    assert len(index.runs) == 1


def test_real_pip_takes_no_file_of_the_working_folder(
    bench: Bench, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that capsule is called in may be a project of unknown origin."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    index.add("a").rename(project / "a-1.0-py3-none-any.whl")
    (project / "a.zip").write_bytes(b"")
    (project / "a").mkdir()
    (project / "a/setup.py").write_text("raise SystemExit('it was run')\n")
    for name in ("a", "a.zip", "a-1.0-py3-none-any.whl"):
        error = refused(bench, name)
        assert "the package index has no package" in error.message
