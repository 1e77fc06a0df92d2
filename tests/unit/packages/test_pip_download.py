"""What pip is asked, in what environment, and what its failures turn into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from capsule.errors import ToolchainError, UsageError
from capsule.packages import pip_download
from capsule.packages.pip_download import NothingFoundError, PipDownloader
from capsule.toolstore import run_program
from capsule.toolstore.pip_runner import Means
from tests.unit.toolstore.scripted_pip import FIRST, SECOND, Script

if TYPE_CHECKING:
    from pathlib import Path

ASKED = [Requirement("a<3,>=1"), Requirement("b")]


OK = run_program.ProgramResult(0, "", "")


def downloader(folder: Path, script: Script, **environ: str) -> PipDownloader:
    return PipDownloader(
        Means(pips=(FIRST, SECOND), run=script, environ=environ), folder, lambda: None
    )


def failing(folder: Path, said: str, status: int = 1) -> PipDownloader:
    return downloader(folder, Script(run_program.ProgramResult(status, "", said)))


def test_what_pip_is_asked(tmp_path: Path) -> None:
    script = Script(OK)
    assert downloader(tmp_path, script).fetch(ASKED) == []
    (argv,) = script.runs
    at = argv.index("--dest") + 1
    assert argv[at].startswith(str(tmp_path))
    assert [*argv[:at], "FOLDER", *argv[at + 1 :]] == [
        *("/opt/first/pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--platform", "any", "--python-version", "3.15"),
        *("--implementation", "py", "--abi", "none", "--dest", "FOLDER"),
        *("--disable-pip-version-check", "--no-input", "--", "a<3,>=1", "b"),
    ]


def test_the_log_is_asked_for_one_name(tmp_path: Path) -> None:
    script = Script(run_program.ProgramResult(1, "log", ""))
    assert downloader(tmp_path, script).log(ASKED[0]).stdout == "log"
    assert script.runs[0][1:4] == ["download", "-vv", "--no-deps"]
    assert script.runs[0][-2:] == ["--", "a<3,>=1"]


def test_pip_says_all_and_in_no_colour(tmp_path: Path) -> None:
    script = Script(OK)
    settings = {"PIP_QUIET": "2", "FORCE_COLOR": "1", "PIP_REQUIREMENT": "x", "PIP_PROXY": "p"}
    downloader(tmp_path, script, **settings).fetch(ASKED)
    environ = script.environs[0]
    assert environ["PIP_PROXY"] == "p"
    assert environ["NO_COLOR"] == "1"
    assert not {"PIP_QUIET", "FORCE_COLOR", "PIP_REQUIREMENT"} & environ.keys()
    assert environ["TMPDIR"].startswith(str(tmp_path))


@pytest.mark.parametrize(
    "absent",
    [
        FileNotFoundError(2, "No such file or directory"),
        run_program.ProgramResult(127, "", "pyenv: pip: command not found\n"),
        run_program.ProgramResult(1, "", "/usr/bin/python3: No module named pip\n"),
    ],
)
def test_a_pip_that_is_none_gives_way_to_the_next(
    tmp_path: Path, absent: run_program.ProgramResult | OSError
) -> None:
    script = Script(absent, OK)
    downloader(tmp_path, script, UV_INDEX_URL="https://mirror").fetch(ASKED)
    assert [argv[0] for argv in script.runs] == ["/opt/first/pip", "/opt/second/uv"]
    assert "PIP_INDEX_URL" not in script.environs[0]
    assert script.environs[1]["PIP_INDEX_URL"] == "https://mirror"


def test_no_pip_at_all(tmp_path: Path) -> None:
    script = Script(
        FileNotFoundError(2, "No such file"), run_program.ProgramResult(126, "", "not for you\n")
    )
    with pytest.raises(ToolchainError) as caught:
        downloader(tmp_path, script).fetch(ASKED)
    assert caught.value.message == (
        "no pip and no uv is there to fetch the packages of the task "
        "(first: No such file; second: not for you)"
    )
    assert caught.value.hint == "install pip or uv"


def test_nothing_found(tmp_path: Path) -> None:
    said = (
        "ERROR: Could not find a version that satisfies the requirement A<3,>=1\n"
        "ERROR: No matching distribution found for A<3,>=1\n"
    )
    with pytest.raises(NothingFoundError) as caught:
        failing(tmp_path, said).fetch(ASKED)
    assert caught.value.name == "a"


@pytest.mark.parametrize("name", ["a", "A<3,>=1", "a==2.0"])
def test_a_conflict_of_one_with_itself_is_nothing_found(tmp_path: Path, name: str) -> None:
    said = (
        f"ERROR: Cannot install {name} because these package versions have conflicting "
        "dependencies.\nERROR: ResolutionImpossible: for help visit the pages\n"
    )
    with pytest.raises(NothingFoundError) as caught:
        failing(tmp_path, said).fetch(ASKED)
    assert caught.value.name == "a"


@pytest.mark.parametrize(
    "line",
    [
        "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by "
        "'NewConnectionError: Failed to establish a new connection: [Errno 111]': /simple/a/",
        "WARNING: Retrying after connection broken by 'ProtocolError(...)': /simple/a/",
        "ERROR: HTTPSConnectionPool(host='x', port=443): Max retries exceeded with url: /a",
        "ERROR: ReadTimeoutError: HTTPSConnectionPool(host='x', port=443): Read timed out.",
        "Could not fetch URL https://x/a/: There was a problem confirming the ssl certificate: x",
        "error: Failed to fetch: `https://x/pip/`",
        "  Caused by: failed to lookup address information: Name or service not known",
    ],
)
def test_an_index_that_cannot_be_reached(tmp_path: Path, line: str) -> None:
    said = f"{line}\nERROR: No matching distribution found for a<3,>=1\n"
    with pytest.raises(ToolchainError) as caught:
        failing(tmp_path, said).fetch(ASKED)
    assert caught.value.message == (
        f"the package index could not be reached to look for a<3,>=1, b: {line.strip()}"
    )
    assert "look at the network" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("said", "quoted"),
    [
        ("ERROR: Could not install: no space left\n", "ERROR: Could not install: no space left"),
        ("ERROR: No matching distribution found for other\n", "found for other"),
        ("\x1b[2Jred\n", r"\x1b[2Jred"),
        ("", "it gave no reason"),
        ("WARNING: Location 'x' is ignored\nERROR: full\n", "(exit status 2): ERROR: full"),
        ("WARNING: alone\n", "WARNING: alone"),
    ],
)
def test_pip_fails_otherwise(tmp_path: Path, said: str, quoted: str) -> None:
    with pytest.raises(ToolchainError) as caught:
        failing(tmp_path, said, status=2).fetch(ASKED)
    assert caught.value.message.startswith("pip could not download a<3,>=1, b (exit status 2): ")
    assert quoted in caught.value.message


def test_an_index_that_refuses_a_file(tmp_path: Path) -> None:
    said = "ERROR: HTTP error 403 while getting https://host/a-1.0-py3-none-any.whl\n"
    with pytest.raises(ToolchainError) as caught:
        failing(tmp_path, said).fetch(ASKED)
    assert caught.value.message == (
        "the package index did not give a<3,>=1, b: it answered 403, which refuses"
    )
    assert "credentials" in str(caught.value.hint)


def test_more_than_may_be_there_ends_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pip_download, "MOST_BYTES", 1 << 20)
    (tmp_path / "large").write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(UsageError, match="the packages of the task are over 1 MB"):
        downloader(tmp_path, Script(OK)).fetch(ASKED)
