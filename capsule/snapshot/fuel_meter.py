"""The fuel meter: how much fuel a run had left, told by where it stops burning the rest.

wasmtime's command line stops a run that spends its fuel and never says how much was left. So the
driver's last act burns what is left in known steps, and the trap that ends it names the step.

The steps are made so that the *spent* fuel is known to within 0.2 %: each burns 1/256 of what the
reading could still be. They are calls in one line, so that a code offset names a step, and
each step works out its own size from the budget, so that one compiled module serves all budgets.

What an instruction costs is wasmtime's rule (`fuel_before_op` of its translator): one unit, but
none for block, loop, else, end, drop, nop, return and unreachable; and one for entering a function.
A test bisects this module against the real program and holds every number below.
"""

from __future__ import annotations

from capsule import wasm
from capsule.namedtuples import NamedTuple
from capsule.process.trap_report import HOST_MODULE
from capsule.snapshot import wasm_instructions as op
from capsule.snapshot.fuel_reading import (
    LARGE,
    LARGE_OVERHEAD,
    MEDIUM,
    MEDIUM_OVERHEAD,
    SHARE_BITS,
    SMALL,
    SMALL_OVERHEAD,
    STEP_LENGTH,
    STEPS,
)

FREE = {op.drop, op.end, op.else_, op.loop}

CALL, BURN_LARGE, BURN_MEDIUM, BURN_SMALL, STEP, DRAIN = range(6)
NAMES = ["call", "burn_large", "burn_medium", "burn_small", "step", "drain"]


def _cost(code: list[bytes]) -> int:
    return sum(instruction not in FREE for instruction in code)


_TURN = [
    op.local_get(0),
    op.i64_const(1),
    op.i64_sub,
    op.local_tee(0),
    op.i64_const(0),
    op.i64_ne,
    op.br_if(0),
]


def _burn(units: int) -> bytes:
    """Return a function that burns `units` times its argument, and 1 for being entered."""
    dead = (op.i32_const(0) + op.drop) * (units - _cost(_TURN))
    return op.function([], op.loop, dead, *_TURN, op.end)


# STEP: locals 0 turns, 1 the step's cost; global 0 is what the reading could still be.
_SHARE = [op.global_get(0), op.i64_const(SHARE_BITS), op.i64_shr_u, op.local_tee(0)]
_CHOOSE = [op.i64_const(LARGE), op.i64_lt_u, op.if_]
_CHOOSE_AGAIN = [op.local_get(0), op.i64_const(MEDIUM), op.i64_lt_u, op.if_]


def _arm(units: int, burn: int, *, one_more: bool) -> list[bytes]:
    """Burn the share, in whole turns of `units`, and note what that was."""
    return [
        op.local_get(0),
        op.i64_const(units),
        op.i64_div_u,
        *([op.i64_const(1), op.i64_add] if one_more else []),
        op.local_tee(0),
        op.call(burn),
        op.local_get(0),
        op.i64_const(units),
        op.i64_mul,
        op.local_set(1),
    ]


_SMALL_ARM = _arm(SMALL, BURN_SMALL, one_more=True)
_MEDIUM_ARM = _arm(MEDIUM, BURN_MEDIUM, one_more=False)
_LARGE_ARM = _arm(LARGE, BURN_LARGE, one_more=False)


def _subtract(overhead: int) -> list[bytes]:
    """Take the step's cost off the global, which stops at zero."""
    return [
        op.global_get(0),
        op.local_get(1),
        op.i64_const(overhead),
        op.i64_add,
        op.local_tee(1),
        op.i64_sub,
        op.i64_const(0),
        op.local_get(1),
        op.global_get(0),
        op.i64_lt_u,
        op.select,
        op.global_set(0),
    ]


# The call in DRAIN, entering STEP, entering the burning function.
_ENTERED = 3
_AROUND = _ENTERED + _cost(_SHARE + _CHOOSE) + _cost(_subtract(0))
OVERHEADS = (
    _AROUND + _cost(_CHOOSE_AGAIN + _SMALL_ARM),
    _AROUND + _cost(_CHOOSE_AGAIN + _MEDIUM_ARM),
    _AROUND + _cost(_LARGE_ARM),
)


def _step() -> bytes:
    """Return the function that burns one step.

    Native code looks at the fuel when it enters a function or begins a turn of a loop, so the last
    turn's cost would show in the next step. A loop without content shows it in this one; a call
    would be one more frame in the report, which wasmtime writes in pieces of a letter or two.
    """
    return op.function(
        [(2, op.I64)],
        *_SHARE,
        *_CHOOSE,
        *_CHOOSE_AGAIN,
        *_SMALL_ARM,
        *_subtract(SMALL_OVERHEAD),
        op.else_,
        *_MEDIUM_ARM,
        *_subtract(MEDIUM_OVERHEAD),
        op.end,
        op.else_,
        *_LARGE_ARM,
        *_subtract(LARGE_OVERHEAD),
        op.end,
        op.loop,
        op.end,
    )


class HostModule(NamedTuple):
    """The module that is preloaded as `host`, and where its first step is in its bytes."""

    source: bytes
    first_step: int


def host_module() -> HostModule:
    """Return the module that satisfies the interpreter's import and holds the meter.

    The interpreter may call its host; capsule's answer to such a call is always "no" (-1).
    """
    types = wasm.vector(
        [
            op.function_type(op.I32 * 4, op.I32),
            op.function_type(op.I64, b""),
            op.function_type(b"", b""),
        ]
    )
    kinds = [0, 1, 1, 1, 2, 1]
    set_budget = op.local_get(0) + op.global_set(0)
    code = [
        op.function([], op.i32_const(-1)),
        _burn(LARGE),
        _burn(MEDIUM),
        _burn(SMALL),
        _step(),
        op.function([], set_budget, op.call(STEP) * STEPS, op.unreachable),
    ]
    module = b"".join(
        [
            wasm.HEADER,
            wasm.section(wasm.TYPE, types),
            wasm.section(wasm.FUNCTION, wasm.vector([wasm.uleb(kind) for kind in kinds])),
            wasm.section(wasm.GLOBAL, wasm.vector([op.I64 + b"\x01" + op.i64_const(0) + op.end])),
            wasm.section(
                wasm.EXPORT,
                wasm.vector(
                    [
                        wasm.name("call") + b"\x00" + wasm.uleb(CALL),
                        wasm.name("drain") + b"\x00" + wasm.uleb(DRAIN),
                    ]
                ),
            ),
            wasm.section(wasm.CODE, wasm.vector(code)),
        ]
    )
    # The steps end the code: calls of two bytes each, then `unreachable` and `end`.
    first_step = len(module) - 2 - STEP_LENGTH * STEPS
    return HostModule(module + wasm.function_names(HOST_MODULE, NAMES), first_step)


def recipe() -> bytes:
    """Return what decides the host module, without building its 3 MB: for keys."""
    return _step() + b"".join(_TURN) + f"{LARGE} {MEDIUM} {SMALL} {STEPS}".encode()
