"""A source that was parsed once need not be parsed again; which files there are is always seen."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from capsule.bundle import imports
from capsule.errors import CapsuleError, ConfigError, UsageError
from capsule.policy import task_declarations as policy_source
from capsule.runner.source import entrypoint, read_file, read_text
from capsule.runner.source_analysis import SourceAnalysis

if TYPE_CHECKING:
    from pathlib import Path

    from capsule.policy.declaration_types import Declarations

TASK = "from capsule import task\n@task({})\ndef main(): pass\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the sources that were parsed."""
    seen: list[str] = []
    names_of, read_source = imports.imports_of, policy_source.read_source

    def imports_of(content: bytes, filename: str) -> list[str]:
        seen.append(filename)
        return names_of(content, filename)

    def reading(content: bytes, filename: str) -> Declarations:
        seen.append(filename)
        return read_source(content, filename)

    monkeypatch.setattr(imports, "imports_of", imports_of)
    monkeypatch.setattr(policy_source, "read_source", reading)
    return seen


@pytest.mark.parametrize(
    "text",
    [
        "import json, os.path\ndef main(): import csv",
        TASK.format(""),
        TASK.format("name='x', ram='64MB', compute=5, timeout='1.5s', max_retries=2"),
        TASK.format("allowed_files=['./a', {'path': './b', 'mode': 'ro'}], env_variables=[]"),
        "import capsule\n@capsule.task\nasync def f(): pass\n@capsule.task\ndef g(): pass\n",
    ],
)
def test_the_second_reading_gives_the_same(
    text: str, project: Path, home: Path, parsed: list[str]
) -> None:
    (project / "t.py").write_text(text)
    first = read_file(project / "t.py", project, home)
    seen = len(parsed)
    assert (
        read_file(project / "t.py", project, home) == first == read_file(project / "t.py", project)
    )
    assert seen == 2
    assert len(parsed) == 4, "once with a home, and again without one"
    again = read_text(text.encode(), project, home)
    assert again == read_text(text.encode(), project, home) == read_text(text.encode(), project)


@pytest.mark.parametrize(
    "options",
    [
        "allowed_hosts=('a.com',)",
        "compute=1.5",
        "ram=b'x'",
        "ram={'a': [(1,)]}",
        "ram=0x" + "f" * 4000,
        r"ram='\ud800'",
    ],
)
def test_options_that_are_no_json_stay_what_they_are(
    options: str, project: Path, home: Path
) -> None:
    text = TASK.format(options).encode()
    plain = SourceAnalysis(None, "").declarations(text, "t.py")
    for _ in range(2):
        reader = SourceAnalysis(home, "")
        found = reader.declarations(text, "t.py")
        assert found == plain
        assert [type(value) for value in found.tasks[0].options.values()] == [
            type(value) for value in plain.tasks[0].options.values()
        ]
        reader.finish()


def test_a_module_that_appears_is_noticed(project: Path, home: Path, parsed: list[str]) -> None:
    (project / "t.py").write_text("import helper\ndef main(): pass\n")
    for _ in range(2):
        assert read_file(project / "t.py", project, home).bundle.imports == {"helper"}
    (project / "helper.py").write_text("import csv\n" + TASK.format("name='other'"))
    for _ in range(2):
        found = read_file(project / "t.py", project, home)
        assert set(found.bundle.files) == {"t.py", "helper.py"}
        assert found.bundle.imports == {"csv", "capsule"}
        assert [(task.name, task.module) for task in found.declarations.tasks] == [
            ("other", "helper")
        ]
    assert parsed == ["t.py", "t.py", "helper.py", "helper.py"]
    (project / "helper.py").write_text(TASK.format("name='changed'"))
    (task,) = read_file(project / "t.py", project, home).declarations.tasks
    assert task.name == "changed"
    (project / "helper.py").unlink()
    assert read_file(project / "t.py", project, home).bundle.imports == {"helper"}


def test_a_project_that_appears_is_noticed(project: Path, home: Path) -> None:
    (project / "t.py").write_text("def main(): pass\n")
    assert read_file(project / "t.py", project, home).project.config is None
    config = project.parent / "capsule.toml"
    config.write_text("[limits]\nmax_ram = '1GB'\n")
    found = read_file(project / "t.py", project, home).project
    assert (found.config, found.ceilings[0].limits.max_ram) == (config, 1 << 30)
    config.write_text("[limits]\nmax_rum = '1GB'\n")
    with pytest.raises(ConfigError, match="max_rum"):
        read_file(project / "t.py", project, home)


@pytest.mark.parametrize(
    "text",
    ["", "[limits]\nmax_ram = '1GB'\nallowed_files = ['./a']", "[tasks]\ndefault_max_retries = 2"],
)
def test_toml_is_parsed_once(
    text: str, project: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "capsule.toml").write_text(text)
    (project / "t.py").write_text("def main(): pass\n")
    plain = read_file(project / "t.py", project).project
    assert read_file(project / "t.py", project, home).project == plain
    monkeypatch.setattr(tomllib, "loads", None)
    assert read_file(project / "t.py", project, home).project == plain


@pytest.mark.parametrize("text", ["name = 1979-05-27", "a = nan", "x = ", "a = 1\na = 2"])
def test_toml_that_is_wrong_is_wrong_each_time(text: str, project: Path, home: Path) -> None:
    (project / "capsule.toml").write_text(f"[workflow]\n{text}\n")
    said = set()
    for where in (home, home, None):
        with pytest.raises(ConfigError) as caught:
            entrypoint(project, where)
        said.add(str(caught.value))
    assert len(said) == 1


@pytest.mark.parametrize("text", ["def (:", TASK.format("rum='1GB'"), TASK.format("1")])
def test_what_is_wrong_is_wrong_each_time(text: str, project: Path, home: Path) -> None:
    (project / "t.py").write_text(text)
    said = set()
    for where in (home, home, None):
        with pytest.raises(CapsuleError) as caught:
            read_file(project / "t.py", project, where)
        said.add(str(caught.value))
    assert len(said) == 1


def test_the_same_bytes_are_named_as_they_are_called(home: Path) -> None:
    text = TASK.format("ram='64MB'").encode()
    for name in ("a.py", "b\x1b.py"):
        reader = SourceAnalysis(home, "")
        (task,) = reader.declarations(text, name).tasks
        reader.finish()
        assert task.filename == name.replace("\x1b", "\\x1b")


def test_a_name_of_bytes_is_a_place(home: Path) -> None:
    reader = SourceAnalysis(home, "\udcff.py")
    assert reader.imports(b"import csv", "x.py") == ["csv"]
    with pytest.raises(UsageError):
        reader.imports(b"def (:", "x.py")
    reader.finish()
    assert SourceAnalysis(home, "\udcff.py").imports(b"import csv", "x.py") == ["csv"]
