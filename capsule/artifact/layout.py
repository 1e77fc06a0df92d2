"""Where an artifact's data lies: its sections and segments, found without looking at its code."""

from __future__ import annotations

from capsule import wasm
from capsule.artifact.contents import DIGEST, OWN, SECTIONS
from capsule.artifact.errors import AGAIN, ArtifactError
from capsule.message_text import shown
from capsule.namedtuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# A driver and its data have 12. Each costs time to walk over, however short it is.
MAX_SECTIONS = 64
_PASSIVE = 1
_COMPONENT = b"\0asm\x0d\0\x01\0"


class Layout(NamedTuple):
    """Where the data of a module lies: nothing is copied.

    `data` is the body of the data section; `own` are capsule's custom sections by name, as they
    stand in the file; `last` is where the last section begins, and `tail` how many capsule
    sections stand at the end of the file with nothing in between.
    """

    data: memoryview
    own: list[tuple[str, memoryview]]
    last: int
    tail: int


def find(module: memoryview) -> Layout:
    """Walk over the sections of a module.

    Raises `ArtifactError` when it is no module that can be walked over, or one without data.
    """
    check_header(bytes(module[:8]))
    try:
        return _found(module)
    except wasm.MalformedModuleError as wrong:
        raise ArtifactError(f"it is cut off or damaged: {wrong.message}", hint=AGAIN) from None


def check_header(start: bytes) -> None:
    """Raise `ArtifactError` unless `start`, the first bytes of a file, are those of a module."""
    if start == wasm.HEADER:
        return
    if not start:
        raise ArtifactError("it is empty")
    if start == _COMPONENT:
        raise ArtifactError("it is a WebAssembly component, and an exported task is a module")
    if start[:4] != wasm.HEADER[:4]:
        raise ArtifactError(f"it is not WebAssembly: it starts with {shown(start)}")
    if len(start) < len(wasm.HEADER):
        raise ArtifactError(f"it is cut off: it has only {len(start)} bytes", hint=AGAIN)
    raise ArtifactError(f"it is WebAssembly of another version: it starts with {shown(start)}")


def check_order(layout: Layout) -> None:
    """Raise `ArtifactError` unless capsule's sections are there once each, in order, at the end."""
    names = [name for name, _ in layout.own]
    for name in names:
        if name not in SECTIONS:
            raise ArtifactError(f"it has an unknown section {shown(name)}")
    for name in SECTIONS:
        if names.count(name) != 1:
            times = "has no" if name not in names else f"has {names.count(name)} times the"
            raise ArtifactError(f"it {times} section {name}", hint=AGAIN)
    if tuple(names) != SECTIONS or layout.tail != len(SECTIONS):
        raise ArtifactError(
            f"its sections stand out of order; {', '.join(SECTIONS)} are the last ones, in order"
        )


def check_present(layout: Layout) -> None:
    """Raise `ArtifactError` unless the module has sections of capsule's and ends in a digest."""
    if not layout.own:
        raise ArtifactError("it is a WebAssembly module, but not an exported task")
    if layout.own[-1][0] != DIGEST or not layout.tail:
        raise ArtifactError(f"it does not end in a section {DIGEST}: it is cut off", hint=AGAIN)


def segments(data: memoryview, expected: int) -> Iterator[memoryview]:
    """Yield the bytes of the passive segments in the body of a data section.

    Raises `ArtifactError` when there are not as many as expected, when one is not passive, and
    when they are not exactly what the section holds.
    """
    try:
        count, at = wasm.read_uleb(data, 0, len(data))
        if count != expected:
            raise ArtifactError(
                f"it has {count:,} data segments, and its manifest tells of {expected:,}"
            )
        for index in range(count):
            kind, at = wasm.read_uleb(data, at, len(data))
            if kind != _PASSIVE:
                raise ArtifactError(f"data segment {index} is of kind {kind}, and not passive")
            size, at = wasm.read_uleb(data, at, len(data))
            if size > len(data) - at:
                raise ArtifactError(
                    f"data segment {index} has {size:,} bytes, and {len(data) - at:,} are left"
                )
            yield data[at : at + size]
            at += size
    except wasm.MalformedModuleError as wrong:
        raise ArtifactError(f"its data section is damaged: {wrong.message}") from None
    if at != len(data):
        raise ArtifactError(f"{len(data) - at:,} bytes follow its last data segment")


def _found(module: memoryview) -> Layout:
    data: memoryview | None = None
    own: list[tuple[str, memoryview]] = []
    last = end = len(wasm.HEADER)
    tail = 0
    for index, part in enumerate(wasm.sections(module)):
        if index >= MAX_SECTIONS:
            raise ArtifactError(f"it has more than {MAX_SECTIONS} sections")
        if part.kind > wasm.TAG:
            raise ArtifactError(f"it has a section of the unknown kind {part.kind}", hint=AGAIN)
        name = ""
        if part.kind == wasm.DATA:
            if data is not None:
                raise ArtifactError("it has two data sections")
            data = module[part.start : part.end]
        elif part.kind == wasm.CUSTOM:
            name, start = _name(module, part)
            if name.startswith(OWN):
                own.append((name, module[start : part.end]))
        tail = tail + 1 if name.startswith(OWN) else 0
        last, end = end, part.end
    if data is None:
        raise ArtifactError("it is a WebAssembly module without data, and not an exported task")
    return Layout(data, own, last, tail)


def _name(module: memoryview, part: wasm.Section) -> tuple[str, int]:
    """Return the name of a custom section and where its content starts."""
    size, start = wasm.read_uleb(module, part.start, part.end)
    if size > part.end - start:
        raise ArtifactError(
            f"the name of the section at {part.start:,} runs past its end", hint=AGAIN
        )
    try:
        return str(module[start : start + size], "utf-8"), start + size
    except UnicodeDecodeError:
        raise ArtifactError(
            f"the name of the section at {part.start:,} is not UTF-8", hint=AGAIN
        ) from None
