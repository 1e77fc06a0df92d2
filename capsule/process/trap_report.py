"""What wasmtime says on stderr when a run ends in a trap.

The report is the last thing that is written, by wasmtime itself and after the guest is over. What
the guest wrote before may look the same. Behind the run's seal, which no guest ever holds and the
driver writes when the guest is over, it is the report for sure. Without one, only the last report
counts, and only when the exit status is one that a guest cannot choose.
"""

from __future__ import annotations

import sys

from capsule.namedtuples import NamedTuple

_COMPLAINT = b"Error: "
_START = _COMPLAINT + b"failed to run main module"
_OUT_OF_FUEL = b"wasm trap: all fuel consumed"
# The last line of a report.
_TRAP = b"wasm trap: "
# The names that backtraces show for the two modules of ours.
HOST_MODULE, DRIVER_MODULE = "capsule_host", "capsule_driver"
_DRAIN = f" - {HOST_MODULE}!drain\n".encode()
_DRIVER = f" - {DRIVER_MODULE}!_start\n".encode()
# wasmtime ends with this status after a trap, as by an abort; `proc_exit` takes only 0 to 125, and
# the guard lets none take that of Windows: see `capsule.snapshot.guard_refusals`.
TRAPPED_ON_WINDOWS = 3
TRAPPED = TRAPPED_ON_WINDOWS if sys.platform == "win32" else 134
TAIL = 64 << 10


class TrapReport(NamedTuple):
    """How a run ended, as far as wasmtime's report tells.

    `drain_offset` is where in the preloaded `host` module the fuel meter stopped, None when the run
    ended anywhere else. `reason` is the report's last line.
    """

    raw_stderr: bytes
    out_of_fuel: bool
    drain_offset: int | None
    reason: str | None


def is_whole(stderr: bytes | bytearray, seal: bytes) -> bool:
    """Say whether the report behind `seal` has come to its end: the process has no more to say.

    >>> is_whole(b"guest" + b"seal" + b"... 2: wasm trap: all fuel consumed\\n", b"seal")
    True
    >>> is_whole(b"wasm trap: all fuel consumed\\n" + b"seal", b"seal")
    False
    """
    at = stderr.find(seal)
    trap = stderr.find(_TRAP, at + len(seal)) if at >= 0 else -1
    return trap >= 0 and stderr.find(b"\n", trap) >= 0


def begins_report(written: bytes) -> bool:
    """Say whether wasmtime may have begun its report in what came on stderr: a guest may too."""
    return bool(written) and _COMPLAINT in written


def read_report(stderr: bytes, status: int | None, seal: bytes = b"") -> TrapReport:
    """Split the end of a run's stderr into what the guest wrote there and wasmtime's report.

    `status` is how the process ended, None when a report that `is_whole` says it.
    """
    sealed = stderr.find(seal) if seal else -1
    if sealed >= 0:
        written, report = stderr[:sealed], stderr[sealed + len(seal) :]
        trapped = status in (None, TRAPPED)
    else:
        at = stderr.rfind(_START)
        if at < 0 or status == 0:
            return TrapReport(stderr, out_of_fuel=False, drain_offset=None, reason=None)
        written, report = stderr[:at], stderr[at:]
        trapped = status == TRAPPED
    lines = [line.strip() for line in report.decode(errors="replace").splitlines() if line.strip()]
    reason = _bare(lines[-1]) if lines else None
    if not trapped:
        return TrapReport(written, out_of_fuel=False, drain_offset=None, reason=reason)
    offset = _drain_offset(report)
    out_of_fuel = offset is None and _OUT_OF_FUEL in report
    return TrapReport(written, out_of_fuel, offset, reason)


def _drain_offset(report: bytes) -> int | None:
    """Return the code offset of the frame named drain, when it lies right above the driver."""
    frames = [line for line in report.splitlines(keepends=True) if b"0x" in line and b" - " in line]
    if len(frames) < 2 or not (frames[-1].endswith(_DRIVER) and frames[-2].endswith(_DRAIN)):
        return None
    number = frames[-2].rpartition(b"0x")[2].partition(b" ")[0]
    return int(number, 16)


def _bare(line: str) -> str:
    """Take the number off a line of wasmtime's list of causes: `2: wasm trap: ...`."""
    number, colon, rest = line.partition(": ")
    return rest if colon and number.isdigit() else line
