"""The files of programs: what they hold, and what is refused."""

from __future__ import annotations

import pytest

from scripts.parity.program_files import FOLDER, groups, imports, read_group, read_tolerance

LONGEST = 400


def test_the_programs_are_many_and_all_have_names_of_their_own() -> None:
    keys = [program.key for group in groups() for program in group.programs]
    assert len(keys) == len({*keys}) >= 900


def test_no_program_is_there_twice() -> None:
    sources = [(g.head, program.source) for g in groups() for program in g.programs]
    assert len(sources) == len({*sources})


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_file_of_programs_is_small_and_compiles(path: object) -> None:
    group = next(one for one in groups() if one.name == path.stem)  # type: ignore[attr-defined]
    assert len((FOLDER / f"{group.name}.py").read_text().splitlines()) <= LONGEST
    compile(group.head, group.name, "exec")
    assert group.title.endswith(".")


def test_a_cell_has_its_own_tolerance_before_that_of_the_file() -> None:
    group = read_group("g", '"T."\n# within 1e-9\n# %% a\n1\n# %% b | within 3 ulp\n2\n')
    assert [program.tolerance.text for program in group.programs] == ["1e-09", "3 ulp"]
    assert [program.source for program in group.programs] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"T."\n1 + 1\n', "g has no program"),
        ("import io\n# %% a\n1\n", "g has no docstring"),
        ('"T."\n# %% a\n1\n# %% a\n2\n', "g has two programs 'g/a'"),
        ('"T."\n# %% a\n1\n# %% b\n1\n', "g has two programs '1'"),
        ('"T."\n# %% a | within a bit\n1\n', "not 'a bit'"),
    ],
)
def test_what_is_no_file_of_programs_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_group("g", text)


@pytest.mark.parametrize("text", ["", "2", "ulp", "-1 ulp", "0.1", "1e9"])
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a tolerance is '2 ulp' or '1e-9'"):
        read_tolerance(text)


def test_what_is_of_the_standard_library_is_no_package() -> None:
    head = "import io, json\nimport xml.dom\nimport scipy.stats\nfrom numpy import linalg\na = 1\n"
    assert imports([head, head]) == {
        "import scipy.stats": "scipy",
        "from numpy import linalg": "numpy",
    }
