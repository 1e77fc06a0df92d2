"""A program of a few calls that runs behind the real guard, in the real wasmtime."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

from capsule import wasm
from capsule.process.argv import BUDGET_DIGITS, SEAL_DIGITS
from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.guard_module import guard_module
from capsule.toolstore.wasi_calls import CALLS, GUARD, NO_ANSWER, START, WASI

if TYPE_CHECKING:
    from pathlib import Path

# Where in memory its texts and results are; what the results end with is free for calls to write.
TEXTS, RESULTS, FREE = 1 << 20, 2 << 20, 3 << 20
_MEMORY = b"\x00" + wasm.uleb(2048)
_TYPE = {"i": op.I32, "I": op.I64}
READ, WRITE = 1 << 1, 1 << 6


class Loaded(NamedTuple):
    """A number that stands at an address, once the calls before have been made."""

    address: int


class Caller:
    """Collects calls, makes them, and gives back what each answered."""

    def __init__(self, wasmtime: Path, folder: Path) -> None:
        self._wasmtime, self._folder = wasmtime, folder
        self._texts, self._code = bytearray(), [op.call(len(CALLS))]
        self._calls = 0
        self._free = FREE

    def text(self, text: str | bytes) -> tuple[int, int]:
        """Put a text into memory; return its address and length."""
        data = text.encode() if isinstance(text, str) else text
        at = TEXTS + len(self._texts)
        self._texts += data
        return at, len(data)

    def room(self, size: int = 64) -> int:
        """Return the address of room that nothing else uses."""
        self._free += size + 7 & ~7
        return self._free - (size + 7 & ~7)

    def put(self, address: int, value: int) -> None:
        """Write a number to memory."""
        self._code.append(op.i32_const(address) + op.i32_const(value) + op.i32_store(0))

    def call(self, name: str, *values: int | Loaded) -> None:
        """Make a call, whose answer is the next of `run`."""
        code = op.i32_const(RESULTS + 4 * self._calls)
        for kind, value in zip(CALLS[name], values, strict=True):
            if isinstance(value, Loaded):
                code += op.i32_const(value.address) + op.i32_load(0)
            else:
                code += op.i32_const(value) if kind == "i" else op.i64_const(value)
        self._code.append(code + op.call([*CALLS].index(name)) + op.i32_store(0))
        self._calls += 1

    def open(self, folder: int | Loaded, path: str, flags: int = 0, rights: int = READ) -> Loaded:
        """Open a file, and return its number to be."""
        number = self.room(4)
        self.call("path_open", folder, 1, *self.text(path), flags, rights, rights, 0, number)
        return Loaded(number)

    def moves(
        self, way: str, descriptor: int | Loaded, size: int, offset: int | None = None
    ) -> int:
        """Read or write so many bytes; return where it will stand how many it were."""
        buffer, result = self.room(8), self.room(4)
        self.put(buffer, 16 << 20)
        self.put(buffer + 4, size)
        if offset is None:
            self.call(f"fd_{way}", descriptor, buffer, 1, result)
        else:
            self.call(f"fd_p{way}", descriptor, buffer, 1, offset, result)
        return result

    def run(
        self, folders: list[tuple[Path, str]], names: str = "p", dump: tuple[int, int] = (0, 0)
    ) -> tuple[list[int], bytes]:
        """Make the calls with these folders, from descriptor 3 on, and what each is.

        Return the answers, and what `dump`, an address and a length, held in the end.
        """
        for name, source in {
            "memory": _memory(),
            GUARD: guard_module(),
            "caller": self._module(dump),
        }.items():
            (self._folder / f"{name}.wasm").write_bytes(source)
        argv = [str(self._wasmtime), "run", "-C", "cache=n", "--argv0", "python"]
        for at, (folder, _) in enumerate(folders):
            argv += ["--dir", f"{folder}::/{at}"]
        for name in ("memory", GUARD):
            argv += ["--preload", f"{name}={self._folder / name}.wasm"]
        words = "0" * (BUDGET_DIGITS + SEAL_DIGITS) + names + "".join(kind for _, kind in folders)
        argv += [str(self._folder / "caller.wasm"), words]
        done = subprocess.run(argv, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        assert len(done.stdout) == 4 * self._calls + dump[1]
        answers = [
            int.from_bytes(done.stdout[at : at + 4], "little")
            for at in range(0, 4 * self._calls, 4)
        ]
        return answers, done.stdout[4 * self._calls :]

    def _module(self, dump: tuple[int, int]) -> bytes:
        kinds = sorted({(taken, name in NO_ANSWER) for name, taken in CALLS.items()} | {("", True)})
        types = [
            op.function_type(b"".join(map(_TYPE.__getitem__, taken)), b"" if silent else op.I32)
            for taken, silent in kinds
        ]
        imports = [
            wasm.name(GUARD)
            + wasm.name(name)
            + b"\x00"
            + wasm.uleb(kinds.index((taken, name in NO_ANSWER)))
            for name, taken in CALLS.items()
        ]
        nothing = wasm.uleb(kinds.index(("", True)))
        imports += [
            wasm.name(GUARD) + wasm.name(START) + b"\x00" + nothing,
            wasm.name(WASI)
            + wasm.name("fd_write")
            + b"\x00"
            + wasm.uleb(kinds.index(("iiii", False))),
            wasm.name("memory") + wasm.name("memory") + b"\x02" + _MEMORY,
        ]
        told = b"".join(
            op.i32_const(FREE - 16 + at) + op.i32_const(value) + op.i32_store(0)
            for at, value in ((0, RESULTS), (4, 4 * self._calls), (8, dump[0]), (12, dump[1]))
        )
        for at in (0, 8) if dump[1] else (0,):
            told += op.i32_const(1) + op.i32_const(FREE - 16 + at) + op.i32_const(1)
            told += op.i32_const(FREE - 24) + op.call(len(CALLS) + 1) + op.drop
        exports = [
            wasm.name("memory") + b"\x02\x00",
            wasm.name("_start") + b"\x00" + wasm.uleb(len(CALLS) + 2),
        ]
        segment = b"\x00" + op.i32_const(TEXTS) + op.end + wasm.sized(bytes(self._texts))
        return b"".join(
            [
                wasm.HEADER,
                wasm.section(wasm.TYPE, wasm.vector(types)),
                wasm.section(wasm.IMPORT, wasm.vector(imports)),
                wasm.section(wasm.FUNCTION, wasm.vector([nothing])),
                wasm.section(wasm.EXPORT, wasm.vector(exports)),
                wasm.section(wasm.CODE, wasm.vector([op.function([], *self._code, told)])),
                wasm.section(wasm.DATA, wasm.vector([segment])),
            ]
        )


def _memory() -> bytes:
    exported = wasm.name("memory") + b"\x02\x00"
    return (
        wasm.HEADER
        + wasm.section(wasm.MEMORY, wasm.vector([_MEMORY]))
        + wasm.section(wasm.EXPORT, wasm.vector([exported]))
    )
