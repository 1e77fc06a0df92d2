"""Finding the pages that changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from capsule.snapshot.changed_pages import PAGE, Comparison, PageRun


def changed(before: bytes, after: bytes, step: int = 1 << 20) -> list[PageRun]:
    comparison = Comparison(before, start=0)
    for at in range(0, len(after), step):
        comparison.feed(after[at : at + step])
    runs = comparison.runs()
    assert comparison.size == len(after)
    assert comparison.changed == sum(len(run.data) for run in runs)
    return runs


CONTENT = st.lists(st.sampled_from([b"\0", b"a", b"b"]), max_size=12)


@given(CONTENT, CONTENT, st.sampled_from([1000, PAGE, 3 * PAGE + 1, 1 << 20]))
def test_restoring_gives_the_memory_back(
    before: list[bytes], after: list[bytes], step: int
) -> None:
    old = b"".join(byte * PAGE for byte in before)
    new = b"".join(byte * PAGE for byte in after)
    memory = bytearray(old[: len(new)].ljust(len(new), b"\0"))
    runs = changed(old, new, step)
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


def test_what_lies_on_the_stack_is_of_no_interest() -> None:
    comparison = Comparison(b"", start=2 * PAGE)
    comparison.feed(b"x" * 3 * PAGE)
    assert [(run.offset, len(run.data)) for run in comparison.runs()] == [(2 * PAGE, PAGE)]
