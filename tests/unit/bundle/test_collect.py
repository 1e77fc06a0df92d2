"""Bundles: what comes along, what stays out, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from capsule.bundle import folder
from capsule.bundle.collect import collect, collect_text
from capsule.bundle.contents import Bundle, digest_of
from capsule.errors import UsageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return Path(os.path.realpath(tmp_path / "project"))


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def bundle(root: Path, files: dict[str, str | bytes], entry: str = "main.py") -> Bundle:
    write(root, files)
    return collect(root / entry, root=root)


def refusal(root: Path, entry: str = "main.py") -> UsageError:
    with pytest.raises(UsageError) as caught:
        collect(root / entry, root=root)
    return caught.value


def test_a_file_alone(root: Path) -> None:
    source = b"#!/usr/bin/env capsule\nimport json, numpy\nfrom capsule import task\n"
    (root / "unrelated.py").write_text("")
    found = bundle(root, {"main.py": source})
    assert found.files == {"main.py": source}
    assert (found.entry, found.entry_file) == ("main", "main.py")
    assert found.imports == {"json", "numpy", "capsule"}
    assert found.digest == digest_of(found.files, "main")
    assert (found.dependencies, found.requires_python) == ((), None)


def test_modules_beside_come_along_transitively(root: Path) -> None:
    files: dict[str, str | bytes] = {
        "main.py": "import a",
        "a.py": "def f():\n  from b import c",
        "b.py": "import main, a, missing",
    }
    found = bundle(root, {**files, "d.py": ""})
    assert set(found.files) == set(files)
    assert found.imports == {"missing"}


def test_packages_come_whole(root: Path) -> None:
    found = bundle(
        root,
        {
            "main.py": "from pkg.sub import x",
            "pkg/__init__.py": "from . import other",
            "pkg/other.py": "import helper",
            "pkg/sub/x.py": "from ..other import y\nfrom .... import z",
            "pkg/data/table.csv": "1,2",
            "pkg/LICENSE": "",
            "helper.py": "import deep",
            "deep/inner/mod.py": "",
            # What stays out:
            "pkg/.hidden": "",
            "pkg/.git/config": "",
            "pkg/__pycache__/other.cpython-311.pyc": "",
            "pkg/fast.cpython-311-x86_64-linux-gnu.so": "",
            "pkg/fast.pyd": "",
            "pkg/old.pyc": "",
            "notes.txt": "",
        },
    )
    assert set(found.files) == {
        "main.py",
        "pkg/__init__.py",
        "pkg/other.py",
        "pkg/sub/x.py",
        "pkg/data/table.csv",
        "pkg/LICENSE",
        "helper.py",
        "deep/inner/mod.py",
    }
    assert found.imports == frozenset()


def test_a_package_comes_before_a_module_and_a_module_before_a_bare_folder(root: Path) -> None:
    found = bundle(
        root,
        {
            "main.py": "import a, b",
            "a.py": "",
            "a/__init__.py": "",
            "b.py": "",
            "b/c.py": "",
        },
    )
    assert set(found.files) == {"main.py", "a/__init__.py", "b.py"}


def test_the_standard_library_is_hidden_only_by_real_modules(root: Path) -> None:
    found = bundle(
        root,
        {
            "main.py": "import json, csv, email, numpy",
            "json/data.py": "",  # a bare folder comes after the standard library
            "csv.py": "",
            "email/__init__.py": "",
            "numpy/array.bin": "",  # a bare folder without any module is none
        },
    )
    assert set(found.files) == {"main.py", "csv.py", "email/__init__.py"}
    assert found.imports == {"json", "numpy"}


def test_capsule_is_never_taken_from_beside_the_task(root: Path) -> None:
    found = bundle(root, {"main.py": "import capsule", "capsule/__init__.py": "", "capsule.py": ""})
    assert set(found.files) == {"main.py"}


@pytest.mark.parametrize(
    ("name", "entry"),
    [("my-task.py", "my_task"), ("hello", "hello"), ("json.py", "json_"), ("2.py", "_2")],
)
def test_entry_names(root: Path, name: str, entry: str) -> None:
    found = bundle(root, {name: "x = 1"}, name)
    assert (found.entry, set(found.files)) == (entry, {f"{entry}.py"})


def test_an_entry_never_hides_another_module(root: Path) -> None:
    found = bundle(root, {"my-task.py": "import my_task", "my_task.py": "other"}, "my-task.py")
    assert found.files == {"my_task_.py": b"import my_task", "my_task.py": b"other"}
    found = bundle(root, {"hello": "import hello", "hello.py": "other"}, "hello")
    assert found.files == {"hello_.py": b"import hello", "hello.py": b"other"}
    assert found.entry == "hello_"


def test_a_package_with_the_name_of_the_entry(root: Path) -> None:
    found = bundle(root, {"main.py": "import main.x", "main/__init__.py": ""})
    assert (found.entry, set(found.files)) == ("main_", {"main_.py", "main/__init__.py"})


def test_an_entry_that_is_imported_by_its_own_name_is_one_file(root: Path) -> None:
    found = bundle(root, {"main.py": "import a", "a.py": "import main"})
    assert set(found.files) == {"main.py", "a.py"}


def test_the_same_files_make_the_same_bundle_anywhere(root: Path) -> None:
    files: dict[str, str | bytes] = {"main.py": "import a", "a/x.py": "", "a/y.py": ""}
    first = bundle(root / "one", files)
    second = bundle(root / "two", dict(reversed(files.items())))
    assert first == second


def test_a_link_to_the_task_leads_to_its_folder(root: Path) -> None:
    write(root, {"real/task.py": "import a", "real/a.py": "", "a.py": "wrong"})
    (root / "link.py").symlink_to("real/task.py")
    found = collect(root / "link.py", root=root)
    assert (found.entry, found.files["a.py"]) == ("task", b"")


def test_links_inside_the_folder_are_followed(root: Path) -> None:
    write(root, {"main.py": "import a, p", "store/b.py": "x = 1", "p/__init__.py": ""})
    (root / "a.py").symlink_to("store/b.py")
    (root / "p" / "linked").symlink_to("../store")
    (root / "p" / "broken").symlink_to("nowhere")
    found = collect(root / "main.py", root=root)
    assert set(found.files) == {"main.py", "a.py", "p/__init__.py", "p/linked/b.py"}


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret.py", "/etc", "../.."])
def test_links_that_lead_out_are_refused(root: Path, target: str) -> None:
    write(root, {"main.py": "import p", "p/__init__.py": "", "../secret.py": "x = 1"})
    (root / "p" / "data").symlink_to(target)
    error = refusal(root)
    assert error.message.startswith("p/data is a link that leads out of ")


def test_modules_and_packages_that_are_links_out_are_refused(root: Path) -> None:
    write(root, {"main.py": "import a", "../secret.py": "", "../pkg/__init__.py": ""})
    (root / "a.py").symlink_to("../secret.py")
    assert "a.py is a link that leads out" in refusal(root).message
    (root / "a").symlink_to("../pkg")
    assert "a is a link that leads out" in refusal(root).message
    (root / "a").unlink()
    (root / "a").mkdir()
    (root / "a/__init__.py").symlink_to("../../secret.py")
    assert "a/__init__.py is a link that leads out" in refusal(root).message


@pytest.mark.parametrize("target", [".", "..", "../..", "../../p"])
def test_links_in_circles_are_refused(root: Path, target: str) -> None:
    write(root, {"main.py": "import p", "p/__init__.py": "", "p/q/__init__.py": ""})
    (root / "p" / "q" / "again").symlink_to(target)
    assert refusal(root).message == "p/q/again is a link to a folder around it"


def test_pipes_and_devices_are_not_opened(root: Path) -> None:
    write(root, {"main.py": "import p, q", "p/__init__.py": ""})
    os.mkfifo(root / "p" / "pipe")
    os.mkfifo(root / "q.py")
    found = collect(root / "main.py", root=root)
    assert set(found.files) == {"main.py", "p/__init__.py"}
    assert found.imports == {"q"}


def test_modules_that_this_python_cannot_parse_travel_as_they_are(root: Path) -> None:
    found = bundle(root, {"main.py": "import a", "a.py": "import b; newer syntax", "b.py": ""})
    assert set(found.files) == {"main.py", "a.py"}


def test_a_task_that_this_python_cannot_parse_is_refused(root: Path) -> None:
    write(root, {"sub/main.py": "x = 1\ny = = 2"})
    assert refusal(root, "sub/main.py").message.startswith("sub/main.py:2: invalid syntax")


def test_names_of_any_length_are_looked_for(root: Path) -> None:
    name = "x" * 5000
    assert bundle(root, {"main.py": f"import {name}"}).imports == {name}


def test_metadata_of_the_task_counts_and_that_of_others_does_not(root: Path) -> None:
    block = "# /// script\n# requires-python = '>=3.12'\n# dependencies = ['{}']\n# ///\n"
    found = bundle(root, {"main.py": block.format("idna") + "import a", "a.py": block.format("x")})
    assert (found.dependencies, found.requires_python) == (("idna",), ">=3.12")


def test_a_file_is_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FILE", 100)
    write(root, {"main.py": "import p", "p/__init__.py": "", "p/data": "#" * 100})
    assert "p/data" in collect(root / "main.py", root=root).files
    write(root, {"p/data": "#" * 101})
    error = refusal(root)
    assert error.message == "p/data is larger than 100 bytes"
    assert error.hint is not None


def test_all_files_together_are_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_TOTAL", 100)
    write(root, {"main.py": "import p", "p/__init__.py": "", "p/a": "#" * 92})
    assert "p/a" in collect(root / "main.py", root=root).files
    write(root, {"p/b": "#"})
    assert refusal(root).message.startswith("p/b: with it, the task and its modules are more than")


def test_the_number_of_files_is_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 3)
    write(root, {"main.py": "import a, b", "a.py": "", "b.py": ""})
    assert len(collect(root / "main.py", root=root).files) == 3
    write(root, {"a.py": "import c", "c.py": ""})
    assert "or 3 files" in refusal(root).message


def test_folders_without_end_are_refused_before_they_are_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 50)
    write(root, {f"p/{i}/__init__.py": "" for i in range(60)})
    write(root, {"main.py": "import p", "p/__init__.py": ""})
    monkeypatch.setattr(folder.Folder, "read", lambda *_: b"import p")
    with pytest.raises(UsageError, match="p: the packages that the task imports have more than 50"):
        collect(root / "main.py", root=root)


def test_a_link_repeated_counts_each_time(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_TOTAL", 1000)
    write(root, {"main.py": "import p", "p/__init__.py": "", "p/big": "#" * 300})
    for i in range(3):
        (root / "p" / f"link{i}").symlink_to("big")
    assert "more than 1,000 bytes" in refusal(root).message


def test_wrong_paths(root: Path) -> None:
    write(root, {"hello.py": "", "hello.wasm": "", "sub/x.py": "", "bad.py": "\0"})
    os.mkfifo(root / "pipe.py")
    error = refusal(root, "helo.py")
    assert (error.message, error.hint) == (
        f"{root}/helo.py does not exist",
        f"{root}/hello.py",
    )
    assert refusal(root, "zzz.py").hint is None
    assert refusal(root, "none/x.py").message.endswith("does not exist")
    assert refusal(root, "hello.py/x.py").message.endswith("does not exist")
    assert refusal(root, "sub").message.endswith("is a folder; a task is a file in it")
    assert refusal(root, "pipe.py").hint == "- to read the source from stdin"
    assert refusal(root, "hello.wasm").hint == f"capsule exec {root}/hello.wasm"
    assert "cannot be read" in refusal(root, "x" * 5000 + ".py").message
    assert "cannot be read" in refusal(root, "a\0.py").message
    assert refusal(root, "bad.py").message.startswith("bad.py:1: a NUL")


def test_what_may_not_be_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, {"main.py": "import p", "p/__init__.py": "", "p/a.py": ""})

    # Asked of the calls and not of the file system, because root may read everything.
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", refuse)
        assert refusal(root).message == "p cannot be read: Permission denied"
        assert refusal(root, "none.py").hint is None
    monkeypatch.setattr(Path, "open", refuse)
    assert refusal(root).message == "main.py cannot be read: Permission denied"


def test_a_file_that_became_a_pipe_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with pytest.raises(UsageError, match=r"^pipe is not a regular file"):
        folder.Folder(root, root).read(root / "pipe")


def test_names_that_are_no_text_stay_out(root: Path) -> None:
    write(root, {"main.py": "import p", "p/__init__.py": ""})
    (root / "p" / os.fsdecode(b"\xff.txt")).touch()
    assert set(collect(root / "main.py", root=root).files) == {"main.py", "p/__init__.py"}


def test_text_from_stdin() -> None:
    source = (
        b"# /// script\n# dependencies = ['idna']\n# ///\nimport json, helper\ndef main(): pass"
    )
    found = collect_text(source)
    assert found.files == {"stdin.py": source}
    assert found.entry == "stdin"
    assert found.imports == {"json", "helper"}
    assert found.dependencies == ("idna",)
    assert found.digest == digest_of(found.files, "stdin")
    with pytest.raises(UsageError, match=r"^<stdin>:1: "):
        collect_text(b"def")
