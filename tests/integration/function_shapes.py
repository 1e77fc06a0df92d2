"""Functions of many shapes that wait in the middle, for threads to run.

This file is a task file too: `main` runs all of them, and returns the value of each by its name.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Base:
    """What the methods of `Shapes` call."""

    def step(self, number: int) -> int:
        time.sleep(0.001)
        return number + 1


class Shapes(Base):
    """Functions of many shapes, each of which waits in the middle."""

    __factor = 3

    def scaled(self, number: int, /, *more: int, scale: int = 2, **rest: int) -> int:
        time.sleep(0.001)
        return super().step(number) * scale * self.__factor + sum(more) + sum(rest.values())

    @classmethod
    def made(cls, number: int) -> int:
        time.sleep(0.001)
        return cls().scaled(number)

    @staticmethod
    def plain(number: int) -> int:
        time.sleep(0.001)
        return -number

    @property
    def value(self) -> int:
        time.sleep(0.001)
        return 5


def doubling(function: Any) -> Any:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.001)
        return 2 * function(*args, **kwargs)

    return wrapped


@doubling
def decorated(number: int, plus: int = 1) -> int:
    time.sleep(0.001)
    return number + plus


def factorial(number: int) -> int:
    time.sleep(0.0001)
    return 1 if number < 2 else number * factorial(number - 1)


def fibonacci(count: int) -> Any:
    a, b = 0, 1
    for _ in range(count):
        time.sleep(0.0001)
        yield a
        a, b = b, a + b


def handled(kind: str) -> list[str]:
    said: list[str] = []
    for _ in range(2):
        try:
            time.sleep(0.001)
            if kind == "raise":
                raise KeyError(kind)  # noqa: TRY301 - that is what is tried
            if kind == "break":
                break
            if kind == "continue":
                continue
            if kind == "return":
                return [*said, "returned"]
        except KeyError as error:
            time.sleep(0.001)
            said.append(repr(error))
            continue
        else:
            said.append("else")
        finally:
            time.sleep(0.001)
            said.append("finally")
    else:
        said.append("loop")
    return said


def matched(value: Any) -> Any:
    time.sleep(0.001)
    match value:
        case {"kind": kind, **rest}:
            return [kind, rest]
        case [first, *others] if (length := len(others)) > 1:
            return [first, length]
        case _:
            return None


def nested(depth: int) -> Any:
    total = 0

    def inner(number: int) -> int:
        nonlocal total
        time.sleep(0.001)
        total += number
        return total

    found = [inner(number) for number in range(depth)]
    texts = ", ".join(str(inner(number)) for number in range(2))
    chosen = inner(10) if inner(1) > 5 else inner(100)
    return [found, texts, chosen, f"{inner(1)!r:>4}", {"k": inner(2)}, [*range(inner(0))][:1]]


def shapes() -> list[Any]:
    one = Shapes()
    calls: list[Any] = [
        lambda: one.scaled(1), lambda: one.scaled(1, 2, 3, scale=4, k=5), lambda: Shapes.made(2),
        lambda: Shapes.plain(3), lambda: one.value, lambda: decorated(4, plus=3),
        lambda: factorial(20), lambda: list(fibonacci(9)), lambda: matched({"kind": "a", "b": 1}),
        lambda: matched([1, 2, 3]), lambda: nested(4), lambda: sorted([3, 1], key=Shapes.plain),
        *(lambda kind=kind: handled(kind) for kind in ("raise", "break", "continue", "return", "")),
    ]  # fmt: skip
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda call: call(), calls))


def shapes_by_themselves() -> list[Any]:
    one = Shapes()
    with ThreadPoolExecutor(4) as pool:
        begun = [
            pool.submit(one.scaled, 1), pool.submit(one.scaled, 1, 2, scale=4, k=5),
            pool.submit(Shapes.made, 2), pool.submit(Shapes.plain, 3), pool.submit(decorated, 4),
            pool.submit(factorial, 9), pool.submit(handled, "raise"), pool.submit(nested, 3),
            pool.submit(matched, [1, 2, 3]), pool.submit(sum, [1, 2]),
        ]  # fmt: skip
        return [each.result() for each in begun]


PROGRAMS = (
    shapes,
    shapes_by_themselves,
)


def value_of(program: Any) -> Any:
    """Return what it returns, or what it raises."""
    try:
        return program()
    except Exception as error:  # noqa: BLE001 - what it raises is its value too
        return [type(error).__name__, str(error)]


def main() -> dict[str, Any]:
    """Run all of them."""
    return {program.__name__: value_of(program) for program in PROGRAMS}
