"""The parts of a toolchain as a table, and what is to be known of them below it."""

from __future__ import annotations

from textwrap import wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from capsule.toolstore.advisories import Advisory
    from capsule.toolstore.manage import Part

_WIDTH = 80


def lines(parts: list[Part]) -> Iterator[str]:
    """Return a line for each part, then notes and advisories."""
    wide = max(20, *(len(part.name) for part in parts))
    for part in parts:
        size = f"{part.size / 1e6:.1f} MB" if part.size else "-"
        yield f"{part.name:<{wide}} {part.version or '-':<10} {part.state:<10} {size:>10}"
    noted = [part for part in parts if part.note]
    if noted:
        yield ""
    for part in noted:
        name = f"{part.name} {part.version}".rstrip()
        yield from _folded(f"{name}: {part.note}", "", "  ")
        if part.advisories:
            yield from _folded(f"{name}: {said_of(part.advisories)}:", "", "  ")
        for means in dict.fromkeys(each.means for each in part.advisories):
            yield from _folded(means, "  ", "  ")
            for each in part.advisories:
                if each.means == means:
                    yield from _advisory(each)


def said_of(advisories: tuple[Advisory, ...]) -> str:
    """Say how many advisories there are, and whether one is unsafe here."""
    if not advisories:
        return "no advisory is known"
    count = "1 advisory is" if len(advisories) == 1 else f"{len(advisories)} advisories are"
    unsafe = [each.name for each in advisories if each.unsafe]
    if not unsafe:
        return f"{count} known, none of which is unsafe here"
    return f"{count} known, and it is unsafe here by {', '.join(unsafe)}"


def rows(parts: list[Part]) -> list[dict[str, Any]]:
    """Return the parts for JSON."""
    return [
        {
            "part": part.name,
            "version": part.version,
            "state": part.state,
            "size": part.size,
            "path": str(part.path),
            "note": part.note,
            "advisories": [
                {
                    "id": each.id,
                    "title": each.title,
                    "fixed": list(each.fixed),
                    "unsafe": each.unsafe,
                    "means": each.means,
                }
                for each in part.advisories
            ],
        }
        for part in parts
    ]


def _advisory(each: Advisory) -> Iterator[str]:
    sign = "UNSAFE " if each.unsafe else ""
    fixed = f" (fixed in {', '.join(each.fixed)})" if each.id else ""
    yield from _folded(f"{sign}{each.name}: {each.title}{fixed}", "    ", "      ")


def _folded(text: str, first: str, further: str) -> list[str]:
    return wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
