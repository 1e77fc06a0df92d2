"""Finding the pages that changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capsule.snapshot.pages import PAGE, changed

CONTENT = st.lists(st.sampled_from([b"\0", b"a", b"b"]), max_size=12)


@given(CONTENT, CONTENT)
def test_restoring_gives_the_memory_back(before: list[bytes], after: list[bytes]) -> None:
    old = b"".join(byte * PAGE for byte in before)
    new = b"".join(byte * PAGE for byte in after)
    memory = bytearray(old[: len(new)].ljust(len(new), b"\0"))
    runs = changed(old, new)
    for run in runs:
        memory[run.offset : run.offset + len(run.data)] = run.data
    assert memory == new
    ends = [run.offset + len(run.data) for run in runs]
    assert all(end < run.offset for end, run in zip(ends, runs[1:], strict=False))


def test_one_changed_byte_is_one_page() -> None:
    memory = bytearray(4 * PAGE)
    memory[2 * PAGE + 17] = 1
    assert [(run.offset, len(run.data)) for run in changed(bytes(4 * PAGE), bytes(memory))] == [
        (2 * PAGE, PAGE)
    ]
