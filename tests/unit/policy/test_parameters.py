"""What annotations say of the words of a command line."""

from __future__ import annotations

import ast
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capsule.policy.declaration_types import TYPES, Parameter, parameter_rows, parameters_from
from capsule.policy.task_declarations import read_source


def types_of(annotation: str, head: str = "") -> tuple[str, ...]:
    found = read_source(f"{head}\ndef main(x: {annotation}): pass", "t.py").plain_main
    assert found is not None
    [parameter] = found.parameters
    return parameter.types


@pytest.mark.parametrize(
    ("annotation", "types"),
    [
        ("int", ("int",)),
        ("float", ("float",)),
        ("bool", ("bool",)),
        ("str", ("str",)),
        ("list", ("list",)),
        ("dict", ("dict",)),
        ("list[int]", ("list",)),
        ("dict[str, list[int]]", ("dict",)),
        ("int | None", ("int", "None")),
        ("None | int", ("None", "int")),
        ("int | float | None", ("int", "float", "None")),
        ("'int'", ("int",)),
        ("'int | None'", ("int", "None")),
        ("'list[int]' ", ("list",)),
        ("Optional[int]", ("int", "None")),
        ("typing.Optional[int]", ("int", "None")),
        ("Optional['int']", ("int", "None")),
        ("Union[int, str]", ("int", "str")),
        ("t.Union[int, None]", ("int", "None")),
        ("List[int]", ("list",)),
        ("typing.Dict[str, int]", ("dict",)),
        ("Annotated[int, 'more than none']", ("int",)),
        ("int | int", ("int",)),
        ("None", ("None",)),
        ("Path", ()),
        ("int | Path", ()),
        ("Literal['a']", ()),
        ("tuple[int, ...]", ()),
        ("Any", ()),
        ("object", ()),
        ("'not python('", ()),
        ("'x = int'", ()),
        ("'int; int'", ()),
        (r"'\\d'", ()),
        ("''", ()),
        ("3", ()),
        ("f(int)", ()),
        ("numpy.int", ()),
        ("lambda: int", ()),
        ("Optional[Optional[Optional[int]]]", ("int", "None")),
        (" | ".join(["int"] * 100), ()),
        ("'" * 1 + "int" + " " * 2_000 + "'", ()),
    ],
)
def test_what_an_annotation_says(annotation: str, types: tuple[str, ...]) -> None:
    assert types_of(annotation) == types


@pytest.mark.parametrize(
    ("head", "annotation", "types"),
    [
        ("Items = list[int]", "Items", ("list",)),
        ("Number = int | float", "Number | None", ("int", "float", "None")),
        ("A = B\nB = A", "A", ()),
        ("int = str", "int", ("str",)),
        ("def int(x): pass", "int", ()),
        ("from numpy import int", "int", ()),
        ("from typing import List", "List", ("list",)),
        ("from mine import list", "list", ()),
        ("A = int\nA = str", "A", ()),
    ],
)
def test_names_that_the_module_gives(head: str, annotation: str, types: tuple[str, ...]) -> None:
    assert types_of(annotation, head) == types


def test_names_of_unions_of_names_are_followed_no_further_than_needed() -> None:
    """Each of a thousand parameters would otherwise be looked at 65,536 times."""
    for leaf in ("int", "Union[()]"):
        wide = "Union[{}]".format(", ".join(["{0}"] * 16))
        names = ["A", "B", "C", "D"]
        head = "\n".join(
            f"{one} = {wide.format(other)}" for one, other in itertools.pairwise(names)
        )
        given = ", ".join(f"p{n}: A" for n in range(200))
        tasks = "\n".join(f"@task\ndef f{n}({given}): pass" for n in range(50))
        source = f"from capsule import task\n{head}\nD = {wide.format(leaf)}\n{tasks}"
        found = read_source(source, "t.py").tasks
        assert {parameter.types for parameter in found[0].parameters} == {()}


def test_all_that_words_can_go_to() -> None:
    source = (
        "async def main(a: int, /, b, c: float = None, *rest: bool, key: int, **more: int): pass"
    )
    found = read_source(source, "t.py").plain_main
    assert found is not None
    assert found.parameters == (
        Parameter("a", ("int",)),
        Parameter("b"),
        Parameter("c", ("float", "None")),
        Parameter("rest", ("bool",), many=True),
    )


def test_a_task_has_them_too() -> None:
    source = "from capsule import task\n@task\ndef job(n: int): pass"
    [task] = read_source(source, "t.py").tasks
    assert task.parameters == (Parameter("n", ("int",)),)


PARAMETERS = st.builds(
    Parameter,
    st.sampled_from(["n", "été", "_x"]),
    st.lists(st.sampled_from(TYPES), max_size=3).map(tuple),
    st.just(False),
)


@given(st.lists(PARAMETERS, max_size=4))
def test_what_is_written_is_read_again(parameters: list[Parameter]) -> None:
    assert parameters_from(parameter_rows(parameters)) == tuple(parameters)


@pytest.mark.parametrize(
    "rows",
    [
        [["n", ["int"]]],
        [["n", ["complex"], False]],
        [["a b", [], False]],
        [["n", [[]], False]],
        [[1, [], False]],
        [["n", [], 1]],
        ["n"],
        [["more", [], True], ["n", [], False]],
        [["n", [], False]] * 300,
    ],
)
def test_other_rows_are_refused(rows: list[object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        parameters_from(rows)


@given(st.text("int|flo[] Nonebusr'\"Optal.,()", max_size=30))
def test_any_annotation_is_read_or_says_nothing(annotation: str) -> None:
    source = f"def main(x: {annotation}): pass"
    try:
        ast.parse(source)
    except SyntaxError:
        return
    found = read_source(source, "t.py").plain_main
    if found is not None and found.parameters:
        assert set(found.parameters[0].types) <= set(TYPES)
