"""Which pip is the user's, and what it is told."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from capsule.toolstore import pip

PYTHON = "/usr/bin/python3"
BUNDLED = Path("/usr/share/python-wheels/pip-24.0-py3-none-any.whl")


def program(folder: Path, name: str) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def around(path: str = "", *, python: str = PYTHON, has_pip: bool = True) -> pip.Surroundings:
    return pip.Surroundings(python, has_pip, path, (BUNDLED,))


def commands(where: pip.Surroundings) -> list[tuple[str, ...]]:
    return [found.command for found in pip.candidates(where)]


def test_the_order_of_candidates(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    names = {name: program(folder, name) for name in ("uv", "pip3", "pip")}
    assert commands(around(str(folder))) == [
        (PYTHON, "-P", "-m", "pip"),
        (names["pip"],),
        (names["pip3"],),
        (names["uv"], "tool", "run", "--quiet", "--python", PYTHON, "pip"),
        (PYTHON, str(BUNDLED / "pip")),
    ]


def test_a_python_without_pip(tmp_path: Path) -> None:
    uv = program(tmp_path / "bin", "uv")
    found = list(pip.candidates(around(str(tmp_path / "bin"), has_pip=False)))
    assert [each.command[0] for each in found] == [uv, PYTHON]
    assert [each.uv for each in found] == [True, False]


def test_nothing_at_all() -> None:
    assert commands(pip.Surroundings("", has_pip=True, path="", bundled=(BUNDLED,))) == []


def test_a_pip_in_the_working_folder_is_not_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "pip")
    monkeypatch.chdir(tmp_path)
    path = os.pathsep.join(["", ".", "bin"])
    assert commands(around(path, has_pip=False)) == [(PYTHON, str(BUNDLED / "pip"))]


def test_the_folders_of_the_path_are_searched_in_turn(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    program(second, "pip")
    path = os.pathsep.join([str(tmp_path / "nowhere"), str(first), str(second)])
    assert commands(around(path))[1] == (str(second / "pip"),)
    program(first, "pip")
    assert commands(around(path))[1] == (str(first / "pip"),)


def test_what_there_is_on_this_machine() -> None:
    found = pip.surroundings({"PATH": "/some/where"})
    assert found.python == sys.executable
    assert found.path == "/some/where"
    assert all(wheel.is_file() for wheel in found.bundled)


def test_the_environment_is_the_users_but_for_where_it_works(tmp_path: Path) -> None:
    mine = {"HTTPS_PROXY": "proxy:3128", "PIP_INDEX_URL": "mirror", "TMPDIR": "/tmp"}
    child = pip.environment(mine, tmp_path, uv=False)
    assert child["TMPDIR"] == child["TEMP"] == child["TMP"] == str(tmp_path)
    assert child["HTTPS_PROXY"] == "proxy:3128"
    assert child["PIP_INDEX_URL"] == "mirror"
    assert child["PIP_REQUIRE_VIRTUALENV"] == "0"


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        ({"UV_DEFAULT_INDEX": "https://a/simple"}, {"PIP_INDEX_URL": "https://a/simple"}),
        ({"UV_INDEX_URL": "https://b/simple"}, {"PIP_INDEX_URL": "https://b/simple"}),
        ({"UV_DEFAULT_INDEX": "corp=https://a/?x=1"}, {"PIP_INDEX_URL": "https://a/?x=1"}),
        ({"UV_DEFAULT_INDEX": "https://a/?x=1"}, {"PIP_INDEX_URL": "https://a/?x=1"}),
        (
            {"UV_EXTRA_INDEX_URL": "https://c https://d"},
            {"PIP_EXTRA_INDEX_URL": "https://c https://d"},
        ),
        (
            {"UV_INDEX": "my-corp=https://e", "UV_EXTRA_INDEX_URL": "https://f"},
            {"PIP_EXTRA_INDEX_URL": "https://e https://f"},
        ),
        ({"UV_FIND_LINKS": "/a,/b"}, {"PIP_FIND_LINKS": "/a /b"}),
        ({"UV_INDEX_URL": "https://b", "PIP_INDEX_URL": "https://p"}, {}),
        ({"UV_EXTRA_INDEX_URL": "https://b", "PIP_EXTRA_INDEX_URL": "https://p"}, {}),
        ({"UV_INDEX_URL": ""}, {}),
    ],
)
def test_uvs_words_in_pips(tmp_path: Path, mine: dict[str, str], said: dict[str, str]) -> None:
    plain = pip.environment(mine, tmp_path, uv=False)
    assert pip.environment(mine, tmp_path, uv=True) == plain | said
