"""Why there is nothing: read from the logs of pips."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from capsule.errors import ToolchainError, UsageError
from capsule.packages.index_diagnosis import (
    NativePackageError,
    answered,
    files_in,
    reason,
    settings_hint,
)
from capsule.toolstore import run_program

TAGS = "none of the wheel's tags ({}) are compatible (run pip debug --verbose to show them)"
NATIVE = "  Skipping link: " + TAGS.format("cp315-cp315-win_amd64, cp315-cp315-win32")


def native(version: str) -> str:
    return f"{NATIVE}: https://host/a/b/some_thing-{version}-cp315-cp315-win_amd64.whl#sha256=00\n"


def sources(version: str, name: str = "some-thing") -> str:
    link = f"https://host/{name}-{version}.tar.gz#sha256=00 (from https://host/simple/)"
    return f"  Skipping link: No sources permitted for {name}: {link} (requires-python:>=3.9)\n"


def python(version: str, spec: str = "<3.15,>=3.9") -> str:
    link = f"https://host/some_thing-{version}-py3-none-any.whl (from x) (requires-python:{spec})"
    return (
        f"  Link requires a different Python (3.15.0 not in: '{spec}'): {link}\n"
        f"  Skipping link: {version} Requires-Python {spec}: {link}\n"
    )


def found(version: str) -> str:
    link = f"https://host/some_thing-{version}-py3-none-any.whl#sha256=00"
    return f"  Found link {link} (from https://host/simple/some-thing/), version: {version}\n"


def why(log: str, asked: str = "some-thing", stderr: str = "") -> tuple[type, str]:
    error = reason(
        Requirement(asked), "needed by the task", run_program.ProgramResult(1, log, stderr)
    )
    assert error.hint
    return type(error), error.message


def test_files_of_a_log() -> None:
    log = (
        "Getting page https://host/simple/some-thing/\n"
        + native("1!2.0")
        + sources("1.0")
        + "  Skipping link: not a file: https://host/simple/some-thing/\n"
        + "Skipping link: wrong project name (not x): file:///w/other-1.0-py3-none-any.whl\n"
        + "  Skipping link: No sources permitted for other: https://host/other-1.0.tar.gz\n"
        + "  Skipping link: No sources permitted for some-thing: https://host/strange.zip\n"
        + python("3.0")
        + found("0.9%2Blocal")
    )
    assert [
        (str(file.version), file.kind, file.detail) for file in files_in(log, "some-thing")
    ] == [
        ("1!2.0", "native", "some_thing-1!2.0-cp315-cp315-win_amd64.whl"),
        ("1.0", "sources", ""),
        ("3.0", "python", "<3.15,>=3.9"),
        ("0.9+local", "found", ""),
    ]


def test_native() -> None:
    assert why(native("1.0") + native("2.0") + sources("2.0") + sources("3.0.dev1")) == (
        NativePackageError,
        "some-thing 2.0 (needed by the task) needs a native extension: it has only wheels for "
        "particular machines",
    )


def test_sources() -> None:
    assert why(sources("1.0") + sources("10.0") + sources("9.0")) == (
        UsageError,
        "some-thing 10.0 (needed by the task) is there only as sources, and building them would "
        "run their code on this machine",
    )


def test_another_python() -> None:
    assert why(python("1.0") + sources("1.0") + native("1.0")) == (
        UsageError,
        "some-thing 1.0 (needed by the task) needs Python <3.15,>=3.9, and the sandbox has 3.15.0",
    )


def test_the_newest_that_fits_counts() -> None:
    log = native("3.0") + sources("2.0") + python("1.0")
    assert "native" in why(log)[1]
    assert "only as sources" in why(log, "some-thing<3")[1]
    assert "needs Python" in why(log, "some-thing==1.0")[1]


@pytest.mark.parametrize("others", [found("1.0") + found("2.0"), native("1.0") + sources("2.0")])
def test_no_such_version(others: str) -> None:
    assert why(others, "some-thing>=3") == (
        UsageError,
        "no version of some-thing (needed by the task) is >=3; the newest are 1.0, 2.0",
    )


def test_no_such_package() -> None:
    log = (
        "Could not fetch URL https://host/simple/some-thing/: 404 Client Error: Not Found for url: "
        "https://host/simple/some-thing/ - skipping\n"
    )
    expected = (UsageError, "the package index has no package some-thing (needed by the task)")
    assert why(log) == why("") == expected


@pytest.mark.parametrize(
    ("trouble", "answer"),
    [
        ("403 Client Error: Forbidden for url: x", "it answered 403 Forbidden, which refuses"),
        ("503 Server Error: Busy for url: x", "it answered 503 Busy"),
        ("the page is no page", "the page is no page"),
    ],
)
def test_an_index_that_does_not_say(trouble: str, answer: str) -> None:
    log = f"Could not fetch URL https://host/simple/some-thing/: {trouble} - skipping\n"
    kind, message = why(log)
    assert kind is ToolchainError
    assert message == (
        "the package index did not say whether it has some-thing (needed by the task): "
        f"asked for https://host/simple/some-thing/, {answer}"
    )


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "credentials"), (403, "credentials"), (502, "later"), (410, "pip's")]
)
def test_what_an_index_answers_says_what_to_look_at(status: int, hint: str) -> None:
    for said in (
        f"ERROR: HTTP error {status} while getting https://host/a-1.whl\n",
        f"ERROR: {status} Client Error: No for url: https://host/a-1.whl\n",
    ):
        found = answered(said)
        assert found is not None
        assert found.startswith(f"it answered {status}")
        assert "https" not in found
        assert hint in settings_hint(said)
    assert answered("ERROR: no space left") is None


def test_what_pip_found_and_did_not_take() -> None:
    kind, message = why(found("1.0"), stderr="ERROR: it is yanked\n")
    assert kind is ToolchainError
    assert message == (
        "pip found some-thing 1.0 (needed by the task) and could not take it: ERROR: it is yanked"
    )
