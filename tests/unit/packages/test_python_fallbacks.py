"""Packages that do in Python what their native parts do: those parts are left out, and no others'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from capsule.errors import UsageError
from capsule.packages import python_fallbacks

if TYPE_CHECKING:
    from tests.unit.packages.conftest import Bench, Index

TAG = "cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64"
FILES = {
    "msgpack/__init__.py": b"from msgpack.fallback import pack\n",
    "msgpack/fallback.py": b"def pack(): pass\n",
    "msgpack/_cmsgpack.cpython-313-x86_64-linux-gnu.so": b"\x7fELF",
    "msgpack.libs/libz.so.1.2": b"\x7fELF",
}


def test_the_native_files_are_left_out(bench: Bench, index: Index) -> None:
    index.add("msgpack", "1.2", tag=TAG, purelib="false", files=FILES, requires=["leaf"])
    index.add("leaf")
    found = bench.provision("msgpack>=1", means=index.real)
    assert found.distributions == (("leaf", "1.0"), ("msgpack", "1.2"))
    assert {name for name in bench.files(found) if name.startswith("msgpack")} == {
        "msgpack/__init__.py",
        "msgpack/fallback.py",
        *(f"msgpack-1.2.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD")),
    }


def test_a_wheel_of_pure_python_comes_first(bench: Bench, index: Index) -> None:
    index.add("msgpack", "1.1", files={"msgpack/__init__.py": b"pure = True\n"})
    index.add("msgpack", "1.2", tag=TAG, purelib="false", files=FILES)
    assert bench.provision("msgpack", means=index.real).distributions == (("msgpack", "1.1"),)


@pytest.mark.parametrize(
    ("name", "tag", "headers"),
    [
        ("quick", TAG, []),
        ("msgpack", "cp313-cp313-win_amd64", []),
        ("msgpack", TAG, ["Requires-Python: <3.14"]),
    ],
)
def test_all_else_is_refused(
    bench: Bench, index: Index, name: str, tag: str, headers: list[str]
) -> None:
    index.add(name, "1.2", tag=tag, purelib="false", files=FILES, headers=headers)
    with pytest.raises(UsageError) as caught:
        bench.provision(name, means=index.real)
    assert ("needs Python <3.14" if headers else "needs a native extension") in str(caught.value)


def test_names_are_as_an_index_has_them() -> None:
    assert all(name == name.lower().replace("_", "-") for name in python_fallbacks.NAMES)
