"""Where a program is, read from memory that may hold anything."""

from __future__ import annotations

import argparse
import dis
import json.decoder
import random
import struct
import typing
from io import BytesIO
from pathlib import Path
from types import CodeType, ModuleType

import pytest

from capsule.snapshot.python_position import COOKIE, Table, frames, line_of


def codes(code: CodeType) -> list[CodeType]:
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return [code, *(found for each in inner for found in codes(each))]


@pytest.mark.parametrize("module", [argparse, dis, json.decoder, typing])
def test_lines_are_those_that_python_says(module: ModuleType) -> None:
    path = Path(str(module.__file__))
    seen = 0
    for code in codes(compile(path.read_bytes(), path, "exec")):
        for begin, end, line in code.co_lines():
            for unit in range(begin // 2, end // 2):
                if line is not None:
                    found = line_of(code.co_linetable, code.co_firstlineno, unit)
                    assert found == line, (code.co_qualname, unit)
                    seen += 1
    assert seen > 1000


class Bytes:
    """A memory that holds what it is given, and ends there."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads = 0

    def read(self, address: int, size: int) -> bytes:
        self.reads += 1
        data = self.data[address : address + size]
        if len(data) != size:
            raise OSError("not there")
        return data


def table(version: int = 0x030F00F0) -> bytes:
    """A table in which everything lies four bytes behind its beginning."""
    return COOKIE + struct.pack("<95Q", version, *[4] * 94)


def test_only_a_table_that_is_known_is_read() -> None:
    assert Table.find(BytesIO(bytes(100))) is None
    assert Table.find(BytesIO(bytes(8) + COOKIE)) is None
    assert Table.find(BytesIO(table(0x031000F0))) is None
    # Whatever piece of the memory it is in, and where its name is cut in two.
    for address in (0, 16, 65_532, 65_536, 300_001):
        found = Table.find(BytesIO(bytes(address) + table() + bytes(70_000)))
        assert found is not None
        assert found.address == address


@pytest.mark.parametrize("seed", range(50))
def test_memory_that_is_nonsense_says_nothing_and_ends(seed: int) -> None:
    found = Table.find(BytesIO(table()))
    assert found is not None
    chance = random.Random(seed)  # noqa: S311
    # Small numbers are addresses that are there: the walk goes round in it.
    data = b"".join(chance.randrange(0, 4000, 4).to_bytes(4, "little") for _ in range(1000))
    memory = Bytes(data)
    assert len(frames(memory, found)) <= 2_000
    assert memory.reads < 30_000


def test_frames_that_go_round_end() -> None:
    found = Table.find(BytesIO(table()))
    assert found is not None
    memory = Bytes(struct.pack("<3I", 4, 4, 4) * 100)
    assert len(frames(memory, found)) <= 2_000
