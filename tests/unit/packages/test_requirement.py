"""What a task may ask for, and what of it pip would misunderstand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from capsule.errors import UsageError
from capsule.packages.dependency_types import DependencySpec
from capsule.packages.requirement import applies, check_python, merged, parse, roots


@pytest.mark.parametrize("fits", [None, "", ">=3.11", "==3.15.*", "~=3.15", "<3.16,>=3.9", ">3.14"])
def test_a_python_that_fits(fits: str | None) -> None:
    check_python(fits)


@pytest.mark.parametrize("other", ["<3.15", ">=3.16", "==3.12.*", "!=3.15.0", ">3.15"])
def test_another_python(other: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_python(other)
    assert caught.value.message == (f"the task requires Python {other}, and the sandbox has 3.15.0")


@pytest.mark.parametrize("wrong", ["3.11", "python>=3", ">=three", ">=3.11 or <2", "\x1b[2J"])
def test_no_set_of_versions(wrong: str) -> None:
    with pytest.raises(UsageError, match="is no set of versions") as caught:
        check_python(wrong)
    assert repr(wrong) in caught.value.message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-r other.txt", "is an option"),
        ("--index-url=https://evil", "is an option"),
        ("  -e .", "is an option"),
        ("./thing", "is a path"),
        ("../thing-1.0-py3-none-any.whl", "is a path"),
        ("/srv/thing.whl", "is a path"),
        ("~/thing.whl", "is a path"),
        ("\\\\host\\thing", "is a path"),
        ("https://host/thing.whl", "is a path or an address"),
        ("git+ssh://host/thing", "is a path or an address"),
        ("thing @ https://host/thing.whl", "is fetched from an address"),
        ("thing @ file:///thing.whl", "is fetched from an address"),
        ("thing[extra] @ git+https://host/thing", "is fetched from an address"),
        ("", "is no requirement"),
        ("thing -r other.txt", "is no requirement"),
        ("thing --hash=sha256:00", "is no requirement"),
        ("thing\n-r other.txt", "is no requirement"),
        ("thing; python_version", "is no requirement"),
        ("thing; " + "(" * 1500, "is no requirement"),
        ("${HOME}", "is no requirement"),
        ("thing" * 500, "is too long"),
        ("thing===1.0", "can be read as a file"),
        ("thing===${HOME}", "can be read as a file"),
        ("thing==1+a.zip", "can be read as a file"),
        ("thing>=2,==1+a.tar.GZ", "can be read as a file"),
        ("thing==1+linux.whl", "can be read as a file"),
    ],
)
def test_what_is_no_name_from_an_index(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, "here")
    assert caught.value.message.startswith("here: ")
    assert problem in caught.value.message
    assert caught.value.message.isprintable()


def test_names_that_are_files_become_names() -> None:
    """Both are names by the rules; pip would take the file of that name in the working folder."""
    assert str(parse("evil.zip", "here")) == "evil-zip"
    assert str(parse("Evil_Thing-1.0-py3-none-any.whl>=2", "here")) == (
        "evil-thing-1-0-py3-none-any-whl>=2"
    )


@given(st.text(max_size=40) | st.from_regex(r"[-./a-zA-Z\[\]=<>!~;@ 0-9+]{1,30}", fullmatch=True))
def test_whatever_passes_is_a_name_with_versions(text: str) -> None:
    try:
        found = parse(text, "here")
    except UsageError:
        return
    asked = str(merged(found.name, [found]))
    assert asked[0].isalnum()
    assert not {"/", "\\", "@", "\n", "$", ";"} & set(asked)
    assert Requirement(asked).name == found.name


@pytest.mark.parametrize("text", ["0_", "name-", "name_ >= 1", "name."])
def test_a_name_ends_in_a_letter_or_a_digit(text: str) -> None:
    with pytest.raises(UsageError, match="is no requirement"):
        parse(text, "here")


def test_roots() -> None:
    spec = DependencySpec(
        (
            "Some_Thing >= 1.0",
            "extra.one[b,a]<3",
            "there; sys_platform == 'wasi' and platform_machine == 'wasm32'",
            "old; python_version < '3.15'",
            "windows; os_name == 'nt'",
            "pypy; implementation_name == 'pypy'",
            "optional; extra == 'more'",
        )
    )
    assert [str(each) for each in roots(spec)] == ["some-thing>=1.0", "extra-one[a,b]<3", "there"]


def test_too_many_roots() -> None:
    with pytest.raises(UsageError, match="501 dependencies are too many"):
        roots(DependencySpec(("thing",) * 501))


def test_a_marker_that_says_nothing() -> None:
    """Versions are compared as such, and this is none."""
    requirement = parse("thing; sys_platform ~= 'wasi'", "here")
    with pytest.raises(UsageError, match="says nothing"):
        applies(requirement, "")


def test_merging() -> None:
    found = merged("b", map(Requirement, ["b>=1", "b[x]<3", "b", "b!=2"]))
    assert str(found) == "b!=2,<3,>=1"


@pytest.mark.parametrize("text", [">=1" + "0" * 5000, ">=1" + "0" * 1900, ">=3," * 1000 + ">=3"])
def test_versions_of_absurd_length_are_refused_or_compared(text: str) -> None:
    with pytest.raises(UsageError, match="requires"):
        check_python(text)
