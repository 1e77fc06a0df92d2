"""What wasmtime says on stderr when a run ends in a trap.

The report is the last thing that is written, by wasmtime itself and after the guest is over. What
the guest wrote before may look the same, so only the last report counts, and only when the exit
status is one that a guest cannot choose.
"""

from __future__ import annotations

from capsule.named import NamedTuple

_START = b"Error: failed to run main module"
_OUT_OF_FUEL = b"wasm trap: all fuel consumed"
# The names that backtraces show for the two modules of ours.
HOST_MODULE, DRIVER_MODULE = "capsule_host", "capsule_driver"
_DRAIN = f" - {HOST_MODULE}!drain\n".encode()
_DRIVER = f" - {DRIVER_MODULE}!_start\n".encode()
# wasmtime ends with this status after a trap; `proc_exit` takes only 0 to 125.
TRAPPED = 134
TAIL = 64 << 10


class Report(NamedTuple):
    """How a run ended, as far as wasmtime's report tells.

    `drain_offset` is where in the preloaded `host` module the fuel gauge stopped, None when the run
    ended anywhere else. `reason` is the report's last line.
    """

    raw_stderr: bytes
    out_of_fuel: bool
    drain_offset: int | None
    reason: str | None


def read_report(stderr: bytes, status: int) -> Report:
    """Split the end of a run's stderr into what the guest wrote there and wasmtime's report."""
    at = stderr.rfind(_START)
    if at < 0 or status == 0:
        return Report(stderr, out_of_fuel=False, drain_offset=None, reason=None)
    written, report = stderr[:at], stderr[at:]
    lines = [line.strip() for line in report.decode(errors="replace").splitlines() if line.strip()]
    if status != TRAPPED:
        return Report(written, out_of_fuel=False, drain_offset=None, reason=_bare(lines[-1]))
    offset = _drain_offset(report)
    out_of_fuel = offset is None and _OUT_OF_FUEL in report
    return Report(written, out_of_fuel, offset, _bare(lines[-1]))


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
