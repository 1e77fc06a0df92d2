"""What the compiler writes is taken apart as it comes, however it is cut, and within bounds."""

from __future__ import annotations

import io

import pytest

from capsule.progress import Silent
from capsule.runner import package_compilation
from capsule.runner.package_compilation import _HEADER, _Journal


def entry(name: str, code: bytes) -> bytes:
    return _HEADER.pack(len(name), len(code)) + name.encode() + code


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_pieces_of_any_size(size: int) -> None:
    file = io.BytesIO()
    journal = _Journal(file, Silent())
    whole = entry("a.py", b"one") + entry("b/c.py", b"") + entry("d.py", b"three") + b"\x05"
    for at in range(0, len(whole), size):
        journal.stdout(whole[at : at + size])
    assert journal.places == {"a.py": (0, 3), "b/c.py": (3, 0), "d.py": (3, 5)}
    assert file.getvalue() == b"onethree"


def test_one_that_is_too_large_ends_it() -> None:
    journal = _Journal(io.BytesIO(), Silent())
    journal.stdout(entry("a.py", b"one") + _HEADER.pack(4, (64 << 20) + 1) + b"b.py")
    for _ in range(3):
        journal.stdout(bytes(1 << 20))
    assert list(journal.places) == ["a.py"]
    assert not journal._rest


def test_what_is_above_the_bound_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_compilation, "_MOST_BYTES", 10)
    file = io.BytesIO()
    journal = _Journal(file, Silent())
    journal.stdout(b"".join(entry(f"{n}.py", bytes(4)) for n in range(5)))
    assert list(journal.places) == ["0.py", "1.py"]
    assert len(file.getvalue()) == 8
