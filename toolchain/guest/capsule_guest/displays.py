"""What a turn shows besides its value: as a notebook would, bounded in number and bytes."""

from __future__ import annotations

import base64
import io
import json
import sys

from capsule_guest.import_hooks import adapt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

_PYPLOT = "matplotlib.pyplot"
# Of one turn.
_MOST, _MOST_BYTES = 50, 8 << 20
_WAYS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
}

_shown: list[dict[str, object]] = []
_left_out: list[int] = []
# Not empty in a session: nobody asks a task what it has shown.
_sessions: list[bool] = []


def begin() -> None:
    """Begin a session: figures are shown where a program says so, as in a notebook."""
    _sessions[:] = [True]
    if (pyplot := sys.modules.get(_PYPLOT)) is None:
        adapt(_PYPLOT, _run)
    else:
        pyplot.show = _show  # type: ignore[attr-defined]


def forget() -> None:
    """Begin a turn."""
    _shown.clear()
    _left_out.clear()


def shown() -> list[dict[str, object]]:
    """Return what was shown in this turn: for each the data by kind, images in base64."""
    if not _left_out:
        return [*_shown]
    return [*_shown, {"text/plain": f"({len(_left_out)} more are left out)"}]


def display(*values: object) -> None:
    """Show values as a notebook does, before the turn is over; in a task, print them."""
    for value in values:
        if not _sessions:
            print(repr(value))  # noqa: T201 - as at a prompt
            continue
        found = _bundle(value)
        _add(found | {"text/plain": repr(value)})


def show_value(value: object) -> None:
    """Show the value of a turn, where it is more than text."""
    found = _bundle(value)
    if found:
        _add(found | {"text/plain": repr(value)})


def _run(module: ModuleType, execute: Callable[[ModuleType], None]) -> None:
    execute(module)
    module.show = _show  # type: ignore[attr-defined]


def _show(*_args: object, **_kwargs: object) -> None:
    """Display all open figures."""
    show_figures()


def show_figures() -> None:
    """Show the figures of matplotlib that are open, and close them."""
    pyplot = sys.modules.get(_PYPLOT)
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        file = io.BytesIO()
        figure.savefig(file, format="png", bbox_inches="tight")
        _add({"image/png": _text(file.getvalue()), "text/plain": repr(figure)})
    pyplot.close("all")


def _bundle(value: object) -> dict[str, object]:
    """Return what an object says of itself, by kind."""
    found: dict[str, object] = {}
    for way, kind in _WAYS.items():
        method = getattr(type(value), way, None)
        if method is None:
            continue
        try:
            said = method(value)
            # Some give what it is and more about it.
            data = said[0] if isinstance(said, tuple) else said
            if isinstance(data, bytes):
                data = _text(data)
            if data is not None and json.dumps(data):
                found[kind] = data
        except Exception:  # as in a notebook, whatever one of them does
            continue
    return found


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _add(bundle: dict[str, object]) -> None:
    size = sum(len(str(data)) for each in (*_shown, bundle) for data in each.values())
    if len(_shown) < _MOST and size <= _MOST_BYTES:
        _shown.append(bundle)
    else:
        _left_out.append(1)
