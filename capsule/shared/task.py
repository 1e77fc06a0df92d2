"""The `@task` decorator, as code outside a sandbox sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from capsule.shared.task_options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

P = ParamSpec("P")
R = TypeVar("R")


@overload
def task(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def task(
    *,
    name: str = ...,
    compute: str | int | None = ...,
    ram: str | int | None = ...,
    timeout: str | None = ...,
    max_retries: int = ...,
    allowed_files: Sequence[str | dict[str, str]] = ...,
    allowed_hosts: Sequence[str] = ...,
    env_variables: Sequence[str] = ...,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def task(function: Callable[..., Any] | None = None, /, **options: object) -> Any:
    """Mark a function as a task; outside a sandbox it stays the function it is.

    The options are read from the source as text by `capsule.policy.task_declarations` before
    anything runs; here they are only checked for their names, so that a slip shows in a unit test
    too.

    Raises `TypeError` for an option that does not exist.

    >>> @task(compute="LOW", ram="64MB")
    ... def double(n: int) -> int:
    ...     return n * 2
    >>> double(21)
    42
    """
    if unknown := sorted(options.keys() - set(OPTIONS)):
        raise TypeError(f"@task has no option {unknown[0]!r}; it has {', '.join(OPTIONS)}")
    if function is not None:
        return function
    return lambda marked: marked
